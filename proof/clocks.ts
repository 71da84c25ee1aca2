// Proof clocks: set the relays' clocks while they run, and turn the times that relays wrote back into real ones.
import { renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Dice } from './dice.ts'

export interface Clocks {
  /** The environment that makes the relay on `port` read its clock from a file. */
  environmentOf(port: number): Record<string, string>
  /** Sets the clock of the relay on `port` to anything within forty days, or right again. */
  set(port: number, isRight?: boolean): void
  /** The real time of `at`, a time that a relay wrote, in ms. */
  real(at: number): number
  /** Real times at which any clock was set. */
  times: readonly number[]
}

/** Distance between possible offsets. A proof is shorter, so a written time reveals its offset. */
const stepMs = 2 * 3_600_000
const maxSteps = 40 * 12

export function createClocks(dice: Dice, folder: string): Clocks {
  const began = Date.now()
  const used = new Set([0])
  const times: number[] = []
  const fileOf = (port: number) => join(folder, `clock-${port}`)
  return {
    times,
    environmentOf: (port) => ({
      PROOF_CLOCK: fileOf(port),
      NODE_OPTIONS: `--import=${join(import.meta.dirname, 'set-clock.ts')}`
    }),
    set(port, isRight = dice.chance(0.3)) {
      const offset = isRight ? 0 : (dice.below(2 * maxSteps) - maxSteps) * stepMs
      used.add(offset)
      writeFileSync(`${fileOf(port)}.next`, String(offset))
      renameSync(`${fileOf(port)}.next`, fileOf(port))
      times.push(Date.now())
    },
    real(at) {
      const offset = [...used].find((offset) => at - offset >= began - stepMs / 4 && at - offset < began + stepMs / 2)
      return at - (offset ?? 0)
    }
  }
}

/** Reports whether a clock was set between two moments; relays read theirs every 50 ms. */
export function wasSet(times: readonly number[], from: number, until: number): boolean {
  return times.some((at) => at >= from - 200 && at <= until + 200)
}
