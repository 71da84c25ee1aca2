// Waiting bodies: bounds the memory of all incomplete bodies. A body from Flux arrives at once, so the one that has waited
// longest for more bytes is the first to go.
import type { Clock } from '../src/clock.ts'
import { RelayError } from '../src/errors.ts'

/** A body that is still arriving. */
export interface WaitingBody {
  /** The bytes so far, with room for more. */
  bytes: Buffer
  /** Time of the last piece, in ms. */
  at: number
}

/** The bytes of a body of which nothing has come yet, or nothing is kept any more. */
export const noBytes: Buffer = Buffer.alloc(0)

/** Ten times the largest event in Flux's own tests. */
export const smallBytes = 64 * 1024
const maxSmallBytes = 2 * 1024 * 1024
const maxLargeBytes = 32 * 1024 * 1024
/** A large body makes room for another if nothing of it came for this long. */
const stalledMs = 500

/** Creates the memory that all incomplete bodies share. */
export function createWaitingBodies(clock: Pick<Clock, 'now'>) {
  // Two pools: in one, a few large bodies would cost a thousand small ones their room.
  const small = createPool(maxSmallBytes, 0)
  const large = createPool(maxLargeBytes, stalledMs)
  const poolOf = (bytes: number) => (bytes > smallBytes ? large : small)
  const release = (body: WaitingBody) => poolOf(body.bytes.length).leave(body)

  return {
    /**
     * Appends `piece` to the `size` bytes that are there, and frees it. A body has at most `maxSize`. Throws CANNOT_STORE if
     * there is no room.
     */
    add(body: WaitingBody, size: number, piece: Buffer, maxSize: number): void {
      // Another body took its room meanwhile.
      if (size > 0 && body.bytes === noBytes) throw tooMany()
      const needed = size + piece.length
      // The declared length is only a claim: reserve what has come, and as much again.
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
    /** Ends the wait of a complete body; its bytes now belong to the caller. */
    release,
    /** Drops a body that will never be complete. */
    abandon(body: WaitingBody): void {
      release(body)
      empty(body)
    }
  }
}

/**
 * Creates room for `maxBytes`. The body without progress for longest, and for at least `patienceMs`, loses its room to another.
 */
function createPool(maxBytes: number, patienceMs: number) {
  // In order of their last progress: every piece moves a body to the end.
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

/** Frees `bytes` now: until the garbage collector runs, strangers could fill tens of megabytes with data that nobody wants. */
export function giveBack({ buffer, length }: Buffer): void {
  // A slice of a buffer that others use must not be freed.
  if (length > 0 && buffer.byteLength === length) (buffer as ArrayBuffer).transfer(0)
}

/** The error for a body that lost its room, or found none. */
export function tooMany(): RelayError {
  return new RelayError('CANNOT_STORE', 'too many bodies are on their way; try again')
}
