// Senders: speak HTTP over bare sockets, because every client library costs more than the server that is measured.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** Sends a complete request, one at a time; resolves to true if the answer is 202. */
export type Sender = (request: string) => Promise<boolean>

/** Opens a connection to this machine, and a new one whenever the server has closed it, as it does after some idle seconds. */
export async function createSender(port: number): Promise<Sender> {
  let socket = await open()
  let rest = ''
  let waiting: { request: string; answered(isAccepted: boolean): void } | undefined

  async function open(): Promise<Socket> {
    const opened = connect(port, '127.0.0.1').setNoDelay()
    opened.on('data', take).on('error', () => {})
    opened.once('close', () => void (opened === socket && waiting !== undefined && sendAgain()))
    await once(opened, 'connect')
    return opened
  }

  function take(chunk: Buffer): void {
    rest += chunk.toString('latin1')
    const head = rest.indexOf('\r\n\r\n')
    if (head < 0) return
    const length = Number(/content-length: (\d+)/i.exec(rest)?.[1] ?? 0)
    if (rest.length < head + 4 + length) return
    const isAccepted = rest.startsWith('HTTP/1.1 202')
    rest = ''
    const { answered } = waiting ?? {}
    waiting = undefined
    answered?.(isAccepted)
  }

  async function sendAgain(): Promise<void> {
    socket = await open()
    rest = ''
    socket.write(waiting?.request ?? '')
  }

  return (request) => {
    const { promise, resolve } = Promise.withResolvers<boolean>()
    waiting = { request, answered: resolve }
    if (socket.closed || !socket.writable) void sendAgain()
    else socket.write(request)
    return promise
  }
}

/** A POST of JSON; each of `headers` ends in a line end. */
export function requestOf(path: string, body: string, headers = ''): string {
  return `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\n${headers}\r\n${body}`
}

/** The value that `share` of the sorted `values` are below. */
export function quantile(values: ArrayLike<number>, share: number): number {
  return values[Math.min(values.length - 1, Math.floor(values.length * share))] ?? 0
}
