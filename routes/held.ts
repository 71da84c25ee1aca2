// Held bytes: bound what all bodies that have begun and not ended hold together. Nobody has proven anything yet, and a body
// of Flux comes at once, so that whoever has waited longest for its next byte goes first.
import type { Clock } from '../src/clock.ts'
import { RelayError } from '../src/errors.ts'

/** A body on its way. */
export interface Waiting {
  /** What it holds. */
  bytes: number
  /** When more of it came, in ms. */
  at: number
  /** Its room is given to another. */
  drop(error: RelayError): void
}

interface Held {
  /** `waiting` holds `bytes` from now on. Throws CANNOT_STORE where there is no room for that. */
  hold(waiting: Waiting, bytes: number): void
  release(waiting: Waiting): void
}

/** The largest event of Flux's own tests has a tenth of it. Beyond that, others are not made to go for it. */
export const smallBytes = 64 * 1024
const maxSmallBytes = 8 * 1024 * 1024
const maxLargeBytes = 32 * 1024 * 1024
/** A large body of which nothing came for so long is given up for another. */
const stalledMs = 500

export function createHeld(clock: Clock): Held {
  // Apart, or a few large ones would cost a thousand small ones their room.
  const small = createPool(maxSmallBytes, 0)
  const large = createPool(maxLargeBytes, stalledMs)
  const poolOf = (bytes: number) => (bytes > smallBytes ? large : small)

  function release(waiting: Waiting): void {
    if (waiting.bytes > 0) poolOf(waiting.bytes).leave(waiting)
  }

  return {
    hold(waiting, bytes) {
      release(waiting)
      waiting.at = clock.now()
      poolOf(bytes).join(waiting, bytes)
    },
    release
  }
}

/** Room for `maxBytes`. Whoever was longest without progress, for `patienceMs` at least, is dropped for another. */
function createPool(maxBytes: number, patienceMs: number) {
  // In the order of their last progress: each joins anew with every piece.
  const waiting = new Set<Waiting>()
  let held = 0

  function leave(one: Waiting): void {
    if (!waiting.delete(one)) return
    held -= one.bytes
    one.bytes = 0
  }

  return {
    leave,
    join(one: Waiting, bytes: number): void {
      while (held + bytes > maxBytes) {
        const [longest] = waiting
        if (longest === undefined || Math.abs(one.at - longest.at) < patienceMs) throw tooMany()
        leave(longest)
        longest.drop(tooMany())
      }
      waiting.add(one)
      one.bytes = bytes
      held += bytes
    }
  }
}

function tooMany(): RelayError {
  return new RelayError('CANNOT_STORE', 'too many bodies are on their way; try again')
}
