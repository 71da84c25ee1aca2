// Asked: lists what matchers ask of each field, with its place in the file. Pure.
import type { Fault } from '../errors.ts'
import type { Field } from './remarks.ts'
import { type Matchers, relatedFields } from './schema.ts'

export const objectFields = ['kind', 'namespace', 'name'] as const
const fields = [...objectFields, 'object', 'cluster', 'source', 'reason', 'action'] as const

/** Returns what `match` asks of each field that has names, with the field's key. */
export function askedOf(match: Pick<Matchers, Field | 'object' | 'related'>) {
  return [
    ...fields.map((field) => ({ field, key: [field], patterns: match[field] })),
    ...relatedFields.map((field) => ({ field, key: ['related', field], patterns: match.related?.[field] }))
  ]
}

/** Returns each pattern with its place: that of the key, or a position in its list. */
export function placesOf(patterns: string | string[] | undefined, path: Fault['path']) {
  if (!Array.isArray(patterns)) return patterns === undefined ? [] : [{ pattern: patterns, at: path }]
  return patterns.map((pattern, at) => ({ pattern, at: [...path, at] }))
}
