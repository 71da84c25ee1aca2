// Forward: `forward.ts from to` makes what listens at one address reachable at another; each is a port of this machine or the
// path of a socket. A network namespace has its own ports, but a socket in the file system leads into it.
import { connect, createServer } from 'node:net'

const [from = '', to = ''] = process.argv.slice(2)
const placeOf = (text: string) => (/^\d+$/.test(text) ? { host: '127.0.0.1', port: Number(text) } : { path: text })

createServer({ allowHalfOpen: true }, (socket) => {
  const other = connect({ ...placeOf(to), allowHalfOpen: true })
  for (const [one, two] of [
    [socket, other],
    [other, socket]
  ] as const) {
    one.pipe(two)
    one.on('error', () => two.destroy())
    one.on('close', () => two.destroy())
  }
}).listen(placeOf(from), () => process.stdout.write('listening\n'))
