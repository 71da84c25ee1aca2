// Request bodies: reads them. Nothing is authenticated before the last byte, so the size, the number of chunks and the bytes of
// all bodies together are bounded.
import type { IncomingMessage } from 'node:http'
import type { Clock } from '../src/clock.ts'
import { RelayError } from '../src/errors.ts'
import { drop, letOthersIn } from './leftovers.ts'
import { createWaitingBodies, giveBack, noBytes, smallBytes, tooMany, type WaitingBody } from './waiting-bodies.ts'

/** A piece costs a hundred times as much memory and time as its byte. Flux sends kilobytes at a time. */
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
      // Nearly every body arrives in one piece with its headers, and does not have to wait.
      if (length === declared) body.bytes = piece
      else waiting.add(body, size, piece, declared || maxBytes)
      size += length
      if (size > smallBytes) letOthersIn(request)
    }

    /** Drops what was read. The error reply deals with what is still to come. */
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
      // The request lives until it is answered; its bytes can be freed before.
      body.bytes = noBytes
      resolve(bytes.subarray(0, size))
    })
    // Checked first, because an error captures its stack, and every body is followed by `close`.
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

/** Reports whether JSON in `bytes` has more than `max` values. An event has dozens; parsing half a million takes seconds. */
export function hasManyParts(bytes: Buffer, max: number): boolean {
  let parts = 0
  let isText = false
  // Every value takes at least a byte.
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
