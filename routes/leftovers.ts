// Leftovers: what a client still sends after it was refused. Flux's client, as every one written in Go, writes its whole
// body before it reads; where the connection closes meanwhile it reports a broken pipe, and nobody sees the answer.
import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

/** A larger body was not meant for us. */
const maxBytes = 16 * 1024 * 1024
const maxMs = 5000
/** Connections that are read to their end at a time; any other is closed once it is answered. */
const maxAtOnce = 32
/** In pieces of one byte it would take a thousand times as long. */
const [freePieces, minPieceBytes] = [64, 64]

let reading = 0

/** Whether more of a body is on its way. */
export function hasLeftovers({ complete, readableEnded, headers }: IncomingMessage): boolean {
  return (
    !complete &&
    !readableEnded &&
    (Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined)
  )
}

/** `text` at once; the end of it, after which the connection closes, only when the rest of `request` was read. */
export function answerBeforeLeftovers(request: IncomingMessage, text: string): Readable {
  return Readable.from(
    (async function* () {
      yield Buffer.from(text)
      if (reading >= maxAtOnce) return
      reading += 1
      await readAll(request)
      reading -= 1
    })()
  )
}

/** Resolves when there is nothing more, or more than we read. Never rejects. */
function readAll(request: IncomingMessage): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  let [bytes, pieces] = [0, 0]
  const timer = setTimeout(stop, maxMs)
  function stop(): void {
    clearTimeout(timer)
    request.removeAllListeners('data').pause()
    resolve()
  }
  request.removeAllListeners('data')
  request.on('data', (piece: Buffer) => {
    bytes += piece.length
    pieces += 1
    if (bytes > maxBytes || (pieces > freePieces && bytes < pieces * minPieceBytes)) return stop()
    letOthersIn(request)
  })
  for (const over of ['end', 'close', 'error']) request.once(over, stop)
  request.resume()
  return promise
}

/** Reads no more of `request` in this turn: libuv goes on for two megabytes while there is something to read. */
export function letOthersIn(request: IncomingMessage): void {
  if (request.isPaused()) return
  request.pause()
  setImmediate(() => request.resume())
}
