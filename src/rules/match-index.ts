// Match index: finds, among many `match:`, the few that an event may match, by the texts that they ask for literally.
import { isGlob, literalStart } from '../patterns.ts'
import type { Subject } from './expression.ts'
import type { MatchText } from './schema.ts'

/** The entries that ask for certain texts of one field, by the whole text or by its beginning. */
interface Bucket {
  whole: Map<string, number[]>
  begun: Map<string, number[]>
  /** Lengths of the beginnings. */
  lengths: Set<number>
}

/**
 * Creates a function that finds the place of the first entry from `from` on that is right. Entries that cannot match are not asked.
 */
export function createIndex(matches: readonly MatchText[]) {
  const buckets = new Map<string, Bucket>()
  const rest: number[] = []
  /** Marks entries that ask only for what they are found by: reading them again would cost more than finding them. */
  const isSure = new Uint8Array(matches.length)
  for (const [at, match] of matches.entries()) {
    const chosen = indexable(match)
    if (chosen === undefined) {
      rest.push(at)
      continue
    }
    const bucket = buckets.get(chosen.field) ?? { whole: new Map(), begun: new Map(), lengths: new Set() }
    buckets.set(chosen.field, bucket)
    if (isAllOf(chosen, match)) isSure[at] = 1
    for (const pattern of new Set(chosen.patterns)) {
      const start = literalStart(pattern)
      const entries = isGlob(pattern) ? bucket.begun : bucket.whole
      if (isGlob(pattern)) bucket.lengths.add(start.length)
      const known = entries.get(start)
      if (known === undefined) entries.set(start, [at])
      else if (known.at(-1) !== at) known.push(at)
    }
  }

  const ofMetadata = buckets.keys().some((field) => field.startsWith('metadata.'))

  return ({ event }: Subject, from: number, isRight: (place: number) => boolean): number | undefined => {
    let best: number | undefined
    const look = (places: readonly number[] | undefined) => {
      if (places === undefined) return
      for (let index = from === 0 ? 0 : firstFrom(places, from); index < places.length; index++) {
        const place = places[index] as number
        if (best !== undefined && place >= best) return
        if (isSure[place] === 1 || isRight(place)) best = place
      }
    }
    const inField = (field: string, text: string) => {
      const bucket = buckets.get(field)
      if (bucket === undefined) return
      look(bucket.whole.get(text))
      for (const length of bucket.lengths) if (length <= text.length) look(bucket.begun.get(text.slice(0, length)))
    }
    if (ofMetadata) for (const key of Object.keys(event.metadata)) inField(`metadata.${key}`, event.metadata[key] ?? '')
    inField('namespace', event.object.namespace)
    inField('name', event.object.name)
    inField('cluster', event.object.cluster)
    inField('source', event.source)
    look(rest)
    return best
  }
}

/** Returns the index of the first place that is not before `from`; `places` are ascending. */
function firstFrom(places: readonly number[], from: number): number {
  let low = 0
  let high = places.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((places[middle] as number) < from) low = middle + 1
    else high = middle
  }
  return low
}

/** Reports whether an entry asks only for what it is found by. */
function isAllOf({ patterns }: { patterns: string[] }, match: MatchText) {
  const { metadata = {}, ...others } = match
  const asked = Object.keys(others).length + Object.keys(metadata).length
  const isWhole = patterns.every((pattern) => !isGlob(pattern) || /^[^*?]+\*$/.test(pattern))
  return asked === 1 && isWhole
}

/** Chooses the field by which an entry is found: whole texts before beginnings, and fields with the most values first. */
function indexable(match: MatchText): { field: string; patterns: string[] } | undefined {
  const { metadata = {}, namespace, name, cluster, source } = match
  const fields = [
    ...Object.entries(metadata).map(([key, patterns]) => [`metadata.${key}`, patterns] as const),
    ...Object.entries({ namespace, name, source, cluster })
  ].flatMap(([field, patterns]) => (patterns === undefined ? [] : [{ field, patterns: [patterns].flat() }]))
  return (
    fields.find(({ patterns }) => patterns.every((pattern) => pattern !== '' && !isGlob(pattern))) ??
    fields.find(({ patterns }) => patterns.every((pattern) => literalStart(pattern) !== ''))
  )
}
