// Waiting bodies: bounds the memory of all that have begun and not ended. A body of Flux comes at once, so that the one that has
// waited longest for more bytes is the first to go.
import type { Clock } from '../src/clock.ts'
import { RelayError } from '../src/errors.ts'

/** A body on its way. */
export interface WaitingBody {
  /** What has come so far, and room for more. */
  bytes: Buffer
  /** When the last of it came, in ms. */
  at: number
}

/** Of which nothing has come, or nothing is left. */
export const noBytes: Buffer = Buffer.alloc(0)

/** The largest event of Flux's own tests has a tenth of it. */
export const smallBytes = 64 * 1024
const maxSmallBytes = 2 * 1024 * 1024
const maxLargeBytes = 32 * 1024 * 1024
/** A large body of which nothing came for so long makes room for another. */
const stalledMs = 500

/** Room for all that share it. */
export function createWaitingBodies(clock: Pick<Clock, 'now'>) {
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
export function giveBack({ buffer, length }: Buffer): void {
  // What Node cuts out of a buffer that others use is not ours.
  if (length > 0 && buffer.byteLength === length) (buffer as ArrayBuffer).transfer(0)
}

/** What whoever lost its room is told. */
export function tooMany(): RelayError {
  return new RelayError('CANNOT_STORE', 'too many bodies are on their way; try again')
}
