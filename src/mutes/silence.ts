// Silence: makes a mute of what somebody asked for while the relay runs.
import type { Static } from 'typebox'
import { compileFilter } from '../rules/rules.ts'
import type { MatchSchema } from '../rules/schema.ts'
import { type Mute, muteUntil } from './mutes.ts'

/** The parts of a silence. */
export interface NewSilence {
  match: Static<typeof MatchSchema>
  comment: string
  /** ms; without it a silence begins as it is made. */
  startsAt?: number
  /** ms */
  endsAt: number
}

/** The limits of a silence; a year of any length. */
export const silenceLimits = { commentCharacters: 300, longestDays: 366 } as const

export interface Silence extends NewSilence {
  id: string
  /** Who made it; empty where that is not known. */
  author: string
  /** ms */
  createdAt: number
}

/** The name of a silence in messages. */
export function silenceName({ id, comment }: Pick<Silence, 'id' | 'comment'>): string {
  return comment === '' ? `silence ${id}` : comment
}

/** Nothing, if its match is malformed: it was checked when it was made, and a program that knows less may read it. */
export function compileSilence(silence: Silence): Mute | undefined {
  const faults: Parameters<typeof compileFilter>[2] = []
  const matches = compileFilter(silence.match, [], faults)
  if (faults.length > 0) return undefined
  const { startsAt = Number.NEGATIVE_INFINITY } = silence
  const mute = muteUntil(silenceName(silence), matches, silence.endsAt)
  return {
    ...mute,
    endOf: (now) => (now < startsAt ? undefined : mute.endOf(now)),
    nextOf: (now) => (now < startsAt ? startsAt : undefined)
  }
}
