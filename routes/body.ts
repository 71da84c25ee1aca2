// Request bodies: reads them. Nothing is authenticated before the last byte, so size, chunk count and the bytes that
// all requests take together are bounded.
import type { IncomingMessage } from 'node:http'
import type { Clock } from '../src/clock.ts'
import { RelayError } from '../src/errors.ts'
import { drop, letOthersIn } from './leftovers.ts'

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
      resolve(body.bytes.subarray(0, size))
    })
    // An error costs its stack, so that it is not made for the close that follows every body.
    const giveUp = () => isOver || fail(new RelayError('BAD_REQUEST', 'the body ended too early'))
    request.on('error', giveUp)
    request.on('close', giveUp)
    return promise.finally(() => waiting.release(body))
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

/** A body on its way. */
interface WaitingBody {
  /** What has come so far, and room for more. */
  bytes: Buffer
  /** When the last of it came, in ms. */
  at: number
}

const noBytes: Buffer = Buffer.alloc(0)

/** The largest event of Flux's own tests has a tenth of it. */
const smallBytes = 64 * 1024
const maxSmallBytes = 2 * 1024 * 1024
const maxLargeBytes = 32 * 1024 * 1024
/** A large body of which nothing came for so long makes room for another. */
const stalledMs = 500

/**
 * Bounds the memory of all bodies that have begun and not ended: a body of Flux comes at once, so that the one that has waited
 * longest for more bytes is the first to go.
 */
function createWaitingBodies(clock: Clock) {
  // Apart, or a few large ones would cost a thousand small ones their room.
  const small = createPool(maxSmallBytes, 0)
  const large = createPool(maxLargeBytes, stalledMs)
  const poolOf = (bytes: number) => (bytes > smallBytes ? large : small)
  const release = (body: WaitingBody) => poolOf(body.bytes.length).leave(body)

  return {
    /**
     * Puts `piece`, which is gone then, where `size` bytes of at most `maxSize` are already. Throws CANNOT_STORE where there is
     * no room for it.
     */
    add(body: WaitingBody, size: number, piece: Buffer, maxSize: number): void {
      // Its room was given to another meanwhile.
      if (size > 0 && body.bytes === noBytes) throw tooMany()
      const needed = size + piece.length
      // What was declared is a claim: there is room for what has come, and for as much again.
      const room = needed <= body.bytes.length ? body.bytes.length : Math.min(maxSize, Math.max(needed, size * 2))
      const { bytes } = body
      release(body)
      poolOf(room).makeRoom(room, clock.now())
      if (room > bytes.length) body.bytes = size === 0 ? piece : Buffer.concat([bytes.subarray(0, size)], room)
      if (size > 0) piece.copy(body.bytes, size)
      if (body.bytes !== bytes) giveBack(bytes)
      if (body.bytes !== piece) giveBack(piece)
      poolOf(room).join(body, clock.now())
    },
    /** It is whole: its bytes are whoever's reads them. */
    release,
    /** It never will be. */
    abandon(body: WaitingBody): void {
      release(body)
      empty(body)
    }
  }
}

/** Room for `maxBytes`. Whoever was longest without progress, for `patienceMs` at least, loses its own to another. */
function createPool(maxBytes: number, patienceMs: number) {
  // In the order of their last progress: each joins anew with every piece.
  const waiting = new Set<WaitingBody>()
  let taken = 0

  function leave(body: WaitingBody): void {
    if (waiting.delete(body)) taken -= body.bytes.length
  }

  return {
    leave,
    join(body: WaitingBody, now: number): void {
      body.at = now
      waiting.add(body)
      taken += body.bytes.length
    },
    makeRoom(bytes: number, now: number): void {
      while (taken + bytes > maxBytes) {
        const [longest] = waiting
        if (longest === undefined || Math.abs(now - longest.at) < patienceMs) throw tooMany()
        leave(longest)
        empty(longest)
      }
    }
  }
}

function empty(body: WaitingBody): void {
  giveBack(body.bytes)
  body.bytes = noBytes
}

/** Frees `bytes` now: until the collector comes by, strangers would fill tens of megabytes with what nobody wants. */
function giveBack({ buffer, length }: Buffer): void {
  // What Node cuts out of a buffer that others use is not ours.
  if (length > 0 && buffer.byteLength === length) (buffer as ArrayBuffer).transfer(0)
}

function tooMany(): RelayError {
  return new RelayError('CANNOT_STORE', 'too many bodies are on their way; try again')
}
