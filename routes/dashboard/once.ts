// Once: a form that is posted twice within seconds, as by a double click where no script prevents it, is carried out once. Both are
// answered with what came of it.
import type { Clock } from '../../src/clock.ts'

const withinMs = 3000

export interface Once {
  /** `form`: all that makes it the same form, as JSON takes it. What fails is not kept, so that it can be tried again. */
  run<T>(form: readonly unknown[], act: () => Promise<T>): Promise<T>
  /** What was done has been taken back: the same form is another from now on. */
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
