// Leftovers: reads what a client still sends after a refusal, and gives large bodies turns. Flux's client, like any written in
// Go, writes its whole body before it reads; if the connection closes meanwhile, it reports a broken pipe and nobody sees the
// answer.
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'

/** Bodies that advance by a piece (64 KiB) per turn of the event loop: a millisecond or two. */
const perTurn = 8

const waiting: IncomingMessage[] = []

/** Pauses `request` until its next turn. Otherwise libuv reads up to two megabytes of each body at a stretch. */
export function letOthersIn(request: IncomingMessage): void {
  if (request.isPaused()) return
  request.pause()
  waiting.push(request)
  if (waiting.length === 1) setImmediate(takeTurns)
}

function takeTurns(): void {
  const next = waiting.splice(0, perTurn)
  if (waiting.length > 0) setImmediate(takeTurns)
  for (const request of next) request.resume()
}

/** A larger body is not an event. */
const maxBytes = 16 * 1024 * 1024
const maxMs = 5000
/** Connections read to their end at a time. The others are not read any further until they close or `maxMs` is over. */
const maxAtOnce = 32
/** Pieces of one byte would take a thousand times as long. */
const [freePieces, minPieceBytes] = [64, 64]

let reading = 0

/** Reports whether more of the body is on its way. */
export function hasLeftovers({ complete, readableEnded, headers }: IncomingMessage): boolean {
  if (complete || readableEnded) return false
  return Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined
}

/**
 * A stream of `text`, at once, that ends when the client has sent everything or is gone; then the connection closes. Clients do
 * not have to wait for the end, because the answer is complete without it, but one that wants to be refused over and over is
 * slowed down.
 */
export function answerBeforeLeftovers(request: IncomingMessage, text: string): Readable {
  return Readable.from(
    (async function* () {
      yield Buffer.from(text)
      if (reading < maxAtOnce && !isDropped(request)) {
        reading += 1
        await readAll(request)
        reading -= 1
        return
      }
      drop(request)
      await over(request)
    })()
  )
}

/** Resolves once there is nothing more, or more than the limits allow. Never rejects. */
async function readAll(request: IncomingMessage): Promise<void> {
  const enough = Promise.withResolvers<void>()
  let [bytes, pieces] = [0, 0]
  request.removeAllListeners('data').on('data', (piece: Buffer) => {
    bytes += piece.length
    pieces += 1
    if (bytes <= maxBytes && (pieces <= freePieces || bytes >= pieces * minPieceBytes)) return letOthersIn(request)
    drop(request)
    enough.resolve()
  })
  await Promise.race([enough.promise, over(request)])
}

/** Node's internals for a request whose body nobody wants: it stops making pieces, which cost more than reading does. */
type Droppable = IncomingMessage & { _dump(): void; _dumped: boolean }

/** Index of the parser's callback for a piece: `HTTPParser.kOnBody`, which Node does not export. */
const onBody = 3
type Parser = Record<typeof onBody, { name: string } | undefined>

/** Stops reading `request` and drops what the parser still holds. */
export function drop(request: IncomingMessage): void {
  if (!isDropped(request)) (request as Droppable)._dump()
  dropPieces(request.socket)
  request.socket.pause()
  // `_dump` resumes the socket a few ticks from now.
  setImmediate(() => request.socket.pause())
}

/**
 * Drops the pieces still in the parser: one read may have left thousands of one byte, and each would be copied and handed over.
 * The callback is restored at the end, because the parser is reused for other connections.
 */
function dropPieces(socket: Socket): void {
  const { parser } = socket as Socket & { parser?: Parser }
  const known = parser?.[onBody]
  if (parser === undefined || known?.name !== 'parserOnBody') return
  parser[onBody] = undefined
  socket.once('close', () => {
    parser[onBody] = known
  })
}

function isDropped(request: IncomingMessage): boolean {
  return (request as Droppable)._dumped === true
}

function over(request: IncomingMessage): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = setTimeout(resolve, maxMs)
  for (const end of ['end', 'close', 'error']) request.once(end, () => resolve())
  return promise.finally(() => clearTimeout(timer))
}
