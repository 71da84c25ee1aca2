// Once: carries out a form only once if it is posted twice within seconds, as by a double click without the script. Both
// requests get the outcome.
import type { Clock } from '../../src/clock.ts'

const withinMs = 3000

export interface Once {
  /**
   * Runs `act` unless the same `form` ran moments ago. `form` is everything that identifies it, as JSON. A failure is not kept,
   * so that it can be tried again.
   */
  run<T>(form: readonly unknown[], act: () => Promise<T>): Promise<T>
  /** Forgets all recent forms, because an act was undone and the same form now means a new one. */
  forget(): void
}

export function createOnce(clock: Clock): Once {
  const recent = new Map<string, { at: number; outcome: Promise<unknown> }>()
  return {
    run<T>(form: readonly unknown[], act: () => Promise<T>) {
      const now = clock.now()
      for (const [key, { at }] of recent) if (Math.abs(now - at) > withinMs) recent.delete(key)
      const key = JSON.stringify(form)
      const known = recent.get(key)
      if (known !== undefined) return known.outcome as Promise<T>
      const outcome = act()
      recent.set(key, { at: now, outcome })
      outcome.catch(() => recent.delete(key))
      return outcome
    },
    forget: () => recent.clear()
  }
}
