// Senders: speak HTTP over bare sockets, because every client library costs more than the server that is measured.
import { connect } from 'node:net'

/** Sends a whole request, one at a time; resolves to whether it was answered 202. */
export type Sender = (request: string) => Promise<boolean>

/** A connection of its own, to this machine. */
export function createSender(port: number): Promise<Sender> {
  const socket = connect(port, '127.0.0.1').setNoDelay()
  let answered = (_isAccepted: boolean) => {}
  let rest = ''
  socket.on('data', (chunk) => {
    rest += chunk.toString('latin1')
    const head = rest.indexOf('\r\n\r\n')
    if (head < 0) return
    const length = Number(/content-length: (\d+)/i.exec(rest)?.[1] ?? 0)
    if (rest.length < head + 4 + length) return
    const isAccepted = rest.startsWith('HTTP/1.1 202')
    rest = ''
    answered(isAccepted)
  })
  const send: Sender = (request) => {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    answered = resolve
    socket.write(request)
    return promise
  }
  return new Promise((resolve) => socket.on('connect', () => resolve(send)))
}

/** A post of JSON; `headers` each end in a line end. */
export function requestOf(path: string, body: string, headers = ''): string {
  return `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`
}

/** What `share` of the sorted `values` are below. */
export function quantile(values: ArrayLike<number>, share: number): number {
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0
}
