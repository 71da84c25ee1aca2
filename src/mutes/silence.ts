// Silence: makes a mute of what somebody asked for while the relay runs.
import type { ObjectRef } from '../events/flux.ts'
import type { Properties, Schema, Static } from '../json-schema.ts'
import { isGlob } from '../patterns.ts'
import { compileFilter } from '../rules/rules.ts'
import { MatchSchema } from '../rules/schema.ts'
import { type Mute, muteUntil } from './mutes.ts'

/** The parts of a silence that somebody asks for. */
export interface NewSilence {
  match: Static<typeof MatchSchema>
  comment: string
  /** In ms; without it, a silence begins when it is made. */
  startsAt?: number
  /** In ms. */
  endsAt: number
  /** True if it ends before that, when none of its objects fails any more; only for one that {@link isAboutObjects}. */
  untilRecovered?: true
}

/** The limits of a silence. The longest is a year, even a leap year. */
export const silenceLimits = { commentCharacters: 300, longestDays: 366, untilRecoveredDays: 30 } as const

export interface Silence extends NewSilence {
  id: string
  /** Who made it; empty if that is not known. */
  author: string
  /** In ms. */
  createdAt: number
}

/** The name of a silence in messages. */
export function silenceName({ id, comment }: Pick<Silence, 'id' | 'comment'>): string {
  return comment === '' ? `silence ${id}` : comment
}

const objectFields = new Set(['cluster', 'kind', 'namespace', 'name'])

/** Reports whether a match says which objects, and not what happens to them. */
export function isAboutObjects(match: NewSilence['match']): boolean {
  return Object.keys(match).every((field) => objectFields.has(field))
}

/** Reports whether a silence is about an object of that name, if it {@link isAboutObjects}. */
export function isAbout({ match }: NewSilence, object: ObjectRef): boolean {
  const event = {
    ...{ source: '', object, uid: '', severity: 'error' as const, reason: '', message: '', at: 0, metadata: {} },
    ...{ revision: undefined, controller: '', action: '', isHeartbeat: false }
  }
  return compileFilter(match, [], [])({ event, transition: 'failed' })
}

/** The match of a silence of `object` alone; undefined if its name would be a pattern, or nothing, so that others would be meant, too. */
export function matchOf({ cluster, kind, namespace, name }: ObjectRef): NewSilence['match'] | undefined {
  const parts = Object.entries({ cluster, kind, namespace, name }).filter(([, text]) => text !== '')
  if (kind === '' || name === '' || parts.some(([, text]) => isGlob(text) || text !== text.trim())) return undefined
  return Object.fromEntries(parts)
}

/** The one object that a silence is about, if it names it in full and {@link isAboutObjects}. */
export function objectIn({ match }: NewSilence): ObjectRef | undefined {
  const named = (['cluster', 'kind', 'namespace', 'name'] as const).map((field) => [match[field] ?? []].flat())
  if (named.some((values) => values.length !== 1 || isGlob(values[0] ?? ''))) return undefined
  const [cluster = '', kind = '', namespace = '', name = ''] = named.flat()
  return { cluster, kind, namespace, name }
}

/** Compiles a silence. Undefined if its match is malformed: it was checked when it was made, but a program that knows less may read it. */
export function compileSilence(silence: Silence): Mute | undefined {
  const faults: Parameters<typeof compileFilter>[2] = []
  const matches = compileFilter(silence.match, [], faults)
  if (faults.length > 0 || !isKnown(MatchSchema, silence.match)) return undefined
  const { startsAt = Number.NEGATIVE_INFINITY } = silence
  const mute = muteUntil({ name: silenceName(silence), match: silence.match, matches }, silence.endsAt)
  return {
    ...mute,
    endOf: (now) => (now < startsAt ? undefined : mute.endOf(now)),
    nextOf: (now) => (now < startsAt ? startsAt : undefined)
  }
}

/** Reports whether this version knows every key of `value`. Without a matcher of a later version, a silence would withhold too much. */
function isKnown({ properties }: Schema, value: unknown): boolean {
  if (properties === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) return true
  const known = new Map(Object.entries(properties as Properties))
  return Object.entries(value).every(([key, part]) => {
    const schema = known.get(key)
    return schema !== undefined && isKnown(schema, part)
  })
}
