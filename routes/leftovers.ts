// Leftovers: reads what a client still sends after it was refused, and every large body in turns. Flux's client, like any
// written in Go, writes its whole body before it reads; where the connection closes meanwhile it reports a broken pipe, and
// nobody sees the answer.
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { Readable } from 'node:stream'

/** So many bodies advance by a piece (64 KiB) before everything else has its turn: a millisecond or two. */
const perTurn = 8

const waiting: IncomingMessage[] = []

/** Reads no more of `request` until it is its turn again. Without this, libuv goes on for two megabytes of each. */
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
/** Connections that are read to their end at a time. Of others nothing more is read, until they close or their time is up. */
const maxAtOnce = 32
/** In pieces of one byte it would take a thousand times as long. */
const [freePieces, minPieceBytes] = [64, 64]

let reading = 0

/** Whether more of a body is on its way. */
export function hasLeftovers({ complete, readableEnded, headers }: IncomingMessage): boolean {
  if (complete || readableEnded) return false
  return Number(headers['content-length'] ?? 0) > 0 || headers['transfer-encoding'] !== undefined
}

/**
 * `text` at once, and its end, after which the connection closes, when the client has sent all or gone. Nobody has to wait:
 * the answer is whole without its end. Who wants to be refused again and again has to wait for a while each time.
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

/** Resolves when there is nothing more, or more than we read. Never rejects. */
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

/** Node's own for a request whose body nobody wants: its pieces are no longer made, which costs more than to read them. */
type Droppable = IncomingMessage & { _dump(): void; _dumped: boolean }

/** Where Node's parser has what it calls with each piece: `HTTPParser.kOnBody`, which is not exported. */
const onBody = 3
type Parser = Record<typeof onBody, { name: string } | undefined>

/** Reads nothing more of `request`; what the parser has at hand is dropped. */
export function drop(request: IncomingMessage): void {
  if (!isDropped(request)) (request as Droppable)._dump()
  dropPieces(request.socket)
  request.socket.pause()
  // To drop is to begin to read, a few ticks from now.
  setImmediate(() => request.socket.pause())
}

/**
 * Of what was read in one go, thousands of pieces of one byte may be left, each of which would be copied and handed over. The
 * parser is used again for another connection, and then has to hand its pieces over as before.
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
