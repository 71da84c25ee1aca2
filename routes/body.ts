// The bytes of a request. Until the last of them has come nobody has proven anything, so what waits for it is bounded:
// in size, in pieces, and in what all of them hold together.
import type { IncomingMessage } from 'node:http'
import { RelayError } from '../src/errors.ts'

/** Of this size a body is always taken in; the largest event of Flux's own tests has a tenth of it. */
const smallBytes = 64 * 1024
/** What the larger ones may hold together while they come. */
const maxHeldBytes = 64 * 1024 * 1024
/** A piece takes a hundred times the room of its byte, and a turn of the event loop's time. */
const minPieceBytes = 64
const freePieces = 1000

/** Reads bodies of at most `maxBytes`. Rejects with TOO_LARGE, BAD_REQUEST or CANNOT_STORE. */
export function createBodyReader(maxBytes: number): (request: IncomingMessage) => Promise<Buffer> {
  let held = 0

  return async (request) => {
    const declared = Number(request.headers['content-length'] ?? 0)
    if (declared > maxBytes) throw tooLarge()
    if (declared > smallBytes && held + declared > maxHeldBytes) throw tooMany()
    let buffer = Buffer.allocUnsafe(Math.min(declared || 4096, smallBytes))
    let [size, pieces, own] = [0, 0, 0]

    function makeRoom(needed: number): void {
      const length = Math.min(maxBytes, Math.max(needed, buffer.length * 2))
      const more = length > smallBytes ? length - own : 0
      if (more > 0 && held + more > maxHeldBytes) throw tooMany()
      held += more
      own += more
      buffer = Buffer.concat([buffer.subarray(0, size)], length)
    }

    function take(piece: Buffer): void {
      pieces += 1
      if (size + piece.length > maxBytes) throw tooLarge()
      if (pieces > freePieces && size < pieces * minPieceBytes) {
        throw new RelayError('BAD_REQUEST', 'the body comes in too small pieces')
      }
      if (size + piece.length > buffer.length) makeRoom(size + piece.length)
      piece.copy(buffer, size)
      size += piece.length
    }

    let isWhole = false
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
    // An error costs its stack, so that it is not made for the close that follows every body.
    const giveUp = () => isWhole || reject(new RelayError('BAD_REQUEST', 'the body ended too early'))
    request.on('data', (piece: Buffer) => {
      try {
        take(piece)
      } catch (error) {
        // What has been read is dropped, nothing more is: libuv would go on for two megabytes before the answer leaves.
        request.removeAllListeners('data').resume()
        request.socket.pause()
        reject(error)
      }
    })
    request.on('end', () => {
      isWhole = true
      resolve(buffer.subarray(0, size))
    })
    request.on('error', giveUp)
    request.on('close', giveUp)
    return promise.finally(() => {
      held -= own
      buffer = Buffer.alloc(0)
    })
  }
}

function tooMany(): RelayError {
  return new RelayError('CANNOT_STORE', 'too many large bodies are on their way; try again')
}

function tooLarge(): RelayError {
  return new RelayError('TOO_LARGE', 'the body is larger than MAX_BODY_BYTES')
}

const [quote, backslash, comma, bracket, brace] = [...Buffer.from('"\\,[{')]

/** Whether JSON in `bytes` has more than `max` values. An event has dozens; reading half a million takes seconds. */
export function hasManyParts(bytes: Buffer, max: number): boolean {
  let parts = 0
  let isText = false
  // So many bytes at least to a part.
  if (bytes.length <= max) return false
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]
    if (byte === quote) isText = !isText
    else if (isText) at += byte === backslash ? 1 : 0
    else if (byte === comma || byte === bracket || byte === brace) parts += 1
    if (parts > max) return true
  }
  return false
}
