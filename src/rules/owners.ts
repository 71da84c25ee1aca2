// Owners: finds whom an event belongs to: the first entry of a table that matches it. Pure; compiled once, and indexed by
// what entries ask for word by word, so that ten thousand of them cost what ten do.
import type { Fault } from '../errors.ts'
import { compileGlobs, isGlob, literalStart } from '../patterns.ts'
import { type ChannelOf, compileChannel } from './channel.ts'
import type { Subject } from './expression.ts'
import type { OwnerText } from './owners-schema.ts'
import type { Condition } from './rule.ts'
import { compileMatch } from './rules.ts'

/** An entry of `owners`. */
export interface Owner {
  /** Its place in the list, from 1. */
  entry: number
  conditions: readonly Condition[]
  send: readonly string[]
  /** From the file alone: who annotates an object decides nothing here. */
  mention: string | undefined
  /** What is said of an event that belongs to it. */
  owned: Owned
  /** Where an event names the channel. */
  channel?: { app: string; wanted: string; of: ChannelOf; isAllowed: (channel: string) => boolean; allowed: string }
}

export interface OwnersTable {
  all: readonly Owner[]
  /** The first entry after `entry` that matches; 0 for the first of all. */
  next(subject: Subject, entry: number): Owner | undefined
}

/** A channel that an event names and that an entry passes on, to the entries after it. */
export interface PassedChannel {
  entry: number
  app: string
  channel: string
  because: string
}

/** Whom an event belongs to. */
export interface Owned {
  /** Its place in the list, from 1. */
  entry: number
  /** What the entry asks for: `namespace payments*`; empty for one that takes all. */
  match: string
  send: readonly string[]
  mention?: string
  /** What entries before it named and did not get. */
  passed?: readonly PassedChannel[]
}

/**
 * The name of a channel that an event names, as a destination: app, channel, and who gets its messages where Slack does
 * not take them, which is empty where nobody does. Destinations of the file have no colon in their names.
 */
export function channelName(app: string, channel: string, instead: string | undefined): string {
  return `${app}:${channel}:${instead ?? ''}`
}

/** Compiles the `owners:` section. */
export function compileOwners(texts: readonly OwnerText[]): { owners: OwnersTable; faults: Fault[] } {
  const faults: Fault[] = []
  const all = texts.map(({ match = {}, send = [], mention, app = '', channel, allow = [] }, at): Owner => {
    const path = ['owners', at]
    const conditions = compileMatch(match, [...path, 'match'], faults)
    const of = channel === undefined ? undefined : compileChannel(channel, [...path, 'channel'], faults)
    const { matches, wanted } = compileGlobs([allow].flat().map((glob) => glob.replace(/^#/, '')))
    const entry = at + 1
    return {
      ...{ entry, conditions, send: [send].flat(), mention },
      owned: { entry, match: sayMatch({ conditions }), send: [send].flat(), ...(mention !== undefined && { mention }) },
      ...(of && channel !== undefined && { channel: { app, wanted: channel, of, isAllowed: matches, allowed: wanted } })
    }
  })
  const find = createIndex(texts)
  const next = (subject: Subject, entry: number) => {
    const at = find(subject, entry, (place) => isMatch(all[place], subject))
    return at === undefined ? undefined : all[at]
  }
  return { owners: { all, next }, faults }
}

function isMatch(owner: Owner | undefined, subject: Subject): boolean {
  return owner?.conditions.every(({ matches }) => matches(subject) === true) ?? false
}

/**
 * Whom the event belongs to; undefined where no entry matches. `whyShut` says why a channel, by its name as a destination,
 * is not to be used now: then the entries after it are asked.
 */
export function ownerOf(
  subject: Subject,
  owners: OwnersTable,
  whyShut: (destination: string) => string | undefined
): Owned | undefined {
  const passed: PassedChannel[] = []
  for (let owner = owners.next(subject, 0); owner !== undefined; owner = owners.next(subject, owner.entry)) {
    const { entry, channel, owned } = owner
    if (channel === undefined) return passed.length === 0 ? owned : { ...owned, passed }
    const named = channel.of(subject.event.metadata)
    // It names none: the entry has nothing to say.
    if (named === undefined) continue
    const destination = channelName(channel.app, named, insteadOf(subject, owners, entry))
    const because = channel.isAllowed(named) ? whyShut(destination) : `is not among ${channel.allowed}`
    if (because === undefined) return { ...owned, send: [destination], ...(passed.length > 0 && { passed }) }
    passed.push({ entry, app: channel.app, channel: named.slice(0, 80).toWellFormed(), because })
  }
  return undefined
}

/** Who gets what is for a channel that Slack does not take: the first of the file that an entry after `entry` names. */
function insteadOf(subject: Subject, owners: OwnersTable, entry: number): string | undefined {
  for (let owner = owners.next(subject, entry); owner !== undefined; owner = owners.next(subject, owner.entry)) {
    if (owner.channel === undefined) return owner.send[0]
  }
  return undefined
}

const maxMatch = 200

/** `namespace payments*, metadata.team pay`. */
export function sayMatch({ conditions }: Pick<Owner, 'conditions'>): string {
  const text = conditions.map(({ key, wanted }) => `${key} ${wanted}`).join(', ')
  return text.length > maxMatch ? `${text.slice(0, maxMatch - 1).toWellFormed()}…` : text
}

/** `entry 3 of owners (namespace payments*)`. */
export function sayEntry({ entry, match }: Pick<Owned, 'entry' | 'match'>): string {
  return `entry ${entry} of owners (${match || 'everything'})`
}

/** The entries that ask for certain texts of one field: whole ones, and beginnings of them. */
interface Bucket {
  whole: Map<string, number[]>
  begun: Map<string, number[]>
  /** How long the beginnings are. */
  lengths: Set<number>
}

/** Finds the first entry from `from` on that is right, by its place; those that cannot match are not asked. */
function createIndex(texts: readonly OwnerText[]) {
  const buckets = new Map<string, Bucket>()
  const rest: number[] = []
  /** Entries that ask for nothing but what they are found by: reading them again would cost more than finding them. */
  const isSure = new Uint8Array(texts.length)
  for (const [at, text] of texts.entries()) {
    const chosen = indexable(text.match ?? {})
    if (chosen === undefined) {
      rest.push(at)
      continue
    }
    const bucket = buckets.get(chosen.field) ?? { whole: new Map(), begun: new Map(), lengths: new Set() }
    buckets.set(chosen.field, bucket)
    if (isAllOf(chosen, text.match ?? {})) isSure[at] = 1
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

/** The first place in `places`, which rise, that is not before `from`. */
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

/** Whether what an entry is found by is all that it asks for. */
function isAllOf({ patterns }: { patterns: string[] }, match: NonNullable<OwnerText['match']>) {
  const { metadata = {}, ...others } = match
  const asked = Object.keys(others).length + Object.keys(metadata).length
  const isWhole = patterns.every((pattern) => !isGlob(pattern) || /^[^*?]+\*$/.test(pattern))
  return asked === 1 && isWhole
}

/** The field by which an entry is found: whole texts before beginnings, and what has the most values first. */
function indexable(match: NonNullable<OwnerText['match']>): { field: string; patterns: string[] } | undefined {
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
