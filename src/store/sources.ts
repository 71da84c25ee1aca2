// Source rows: are read the same way in every store.
import type { Heard } from './kept.ts'

/** Whose row says when anyone last listened: no source has this name. */
export const listener = ''

export function heardFrom(rows: readonly (readonly [name: string, at: number])[]): Heard {
  const sources = new Map(rows)
  const listenedUntil = sources.get(listener)
  sources.delete(listener)
  return { sources, listenedUntil }
}
