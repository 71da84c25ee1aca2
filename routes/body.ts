// Request bodies: reads them. Nothing is authenticated before the last byte, so size, chunk count and the bytes that
// all requests take together are bounded.
import type { IncomingMessage } from 'node:http'
import type { Clock } from '../src/clock.ts'
import { RelayError } from '../src/errors.ts'
import { drop, letOthersIn } from './leftovers.ts'
import { createWaitingBodies, giveBack, noBytes, smallBytes, tooMany, type WaitingBody } from './waiting-bodies.ts'

/** A piece costs a hundred times its byte, in room and in time. Flux sends kilobytes at a time. */
const minPieceBytes = 64
const freePieces = 64

/** Reads bodies of at most `maxBytes`. Rejects with TOO_LARGE, BAD_REQUEST or CANNOT_STORE. */
export function createBodyReader(maxBytes: number, clock: Clock): (request: IncomingMessage) => Promise<Buffer> {
  const waiting = createWaitingBodies(clock)

  return async (request) => {
    const declared = Number(request.headers['content-length'] ?? 0)
    if (declared > maxBytes) throw tooLarge()
    const body: WaitingBody = { bytes: noBytes, at: 0 }
    let [size, pieces] = [0, 0]
    let isOver = false
    const { promise, resolve, reject } = Promise.withResolvers<Buffer>()

    function take(piece: Buffer): void {
      const { length } = piece
      pieces += 1
      if (size + length > maxBytes) throw tooLarge()
      if (pieces > freePieces && size < pieces * minPieceBytes) {
        drop(request)
        throw new RelayError('BAD_REQUEST', 'the body comes in pieces that are too small')
      }
      // As nearly all do: what came with the headers is all of it, and there is nothing to wait for.
      if (length === declared) body.bytes = piece
      else waiting.add(body, size, piece, declared || maxBytes)
      size += length
      if (size > smallBytes) letOthersIn(request)
    }

    /** Drops what has been read; whoever answers deals with what still comes. */
    function fail(error: RelayError): void {
      isOver = true
      waiting.abandon(body)
      reject(error)
    }

    request.on('data', (piece: Buffer) => {
      if (isOver) return giveBack(piece)
      try {
        take(piece)
      } catch (error) {
        fail(error as RelayError)
      }
    })
    request.on('end', () => {
      if (isOver) return
      if (body.bytes.length < size) return fail(tooMany())
      isOver = true
      waiting.release(body)
      const { bytes } = body
      // The request lives on until it is answered; its bytes need not.
      body.bytes = noBytes
      resolve(bytes.subarray(0, size))
    })
    // An error costs its stack, so that it is not made for the close that follows every body.
    const giveUp = () => isOver || fail(new RelayError('BAD_REQUEST', 'the body ended too early'))
    request.on('error', giveUp)
    request.on('close', giveUp)
    return promise
  }
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
