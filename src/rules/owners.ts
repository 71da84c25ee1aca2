// Owners: finds the owner of an event: the first entry of a table that matches it. Pure; compiled once, and indexed by the texts
// that entries ask for literally, so that ten thousand entries cost what ten do.
import type { Fault } from '../errors.ts'
import { compileGlobs } from '../patterns.ts'
import { type ChannelOf, compileChannel } from './channel.ts'
import type { Subject } from './expression.ts'
import { createIndex } from './match-index.ts'
import type { OwnerText } from './owners-schema.ts'
import type { Condition } from './rule.ts'
import { compileMatch } from './rules.ts'

/** An entry of `owners`. */
export interface Owner {
  /** Position in the list, from 1. */
  entry: number
  conditions: readonly Condition[]
  send: readonly string[]
  /** Comes from the file alone: whoever annotates an object decides nothing here. */
  mention: string | undefined
  /** The answer for an event that belongs to this entry. */
  owned: Owned
  /** Set if events name the channel. */
  channel?: { app: string; wanted: string; of: ChannelOf; isAllowed: (channel: string) => boolean; allowed: string }
}

export interface OwnersTable {
  all: readonly Owner[]
  /** Returns the first matching entry after `entry`; 0 starts from the beginning. */
  next(subject: Subject, entry: number): Owner | undefined
}

/** A channel that an event names, but that an entry leaves to the entries after it. */
export interface PassedChannel {
  entry: number
  app: string
  channel: string
  because: string
}

/** The owner of an event. */
export interface Owned {
  /** Position in the list, from 1. */
  entry: number
  /** The matchers of the entry, in words: `namespace payments*`; empty for an entry that takes everything. */
  match: string
  send: readonly string[]
  mention?: string
  /** Channels that earlier entries named and did not get. */
  passed?: readonly PassedChannel[]
}

/**
 * Returns the name that a channel from an event has as a destination: app, channel, and the destination that gets its messages if
 * Slack does not take them, or nothing if none does. Destinations of the file have no colon in their names.
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
  const find = createIndex(texts.map(({ match = {} }) => match))
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
 * Returns the owner of the event; undefined if no entry matches. `whyShut` says why a channel, by its name as a destination, must
 * not be used now: then the next entries are asked.
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
    // The event names no channel, so the entry has nothing to say.
    if (named === undefined) continue
    const destination = channelName(channel.app, named, insteadOf(subject, owners, entry))
    const because = channel.isAllowed(named) ? whyShut(destination) : `is not among ${channel.allowed}`
    if (because === undefined) return { ...owned, send: [destination], ...(passed.length > 0 && { passed }) }
    passed.push({ entry, app: channel.app, channel: named.slice(0, 80).toWellFormed(), because })
  }
  return undefined
}

/**
 * Returns who gets what is for a channel that Slack does not take: the first destination of the file that an entry after `entry`
 * names.
 */
function insteadOf(subject: Subject, owners: OwnersTable, entry: number): string | undefined {
  for (let owner = owners.next(subject, entry); owner !== undefined; owner = owners.next(subject, owner.entry)) {
    if (owner.channel === undefined) return owner.send[0]
  }
  return undefined
}

const maxMatch = 200

/** Returns `namespace payments*, metadata.team pay`. */
export function sayMatch({ conditions }: Pick<Owner, 'conditions'>): string {
  const text = conditions.map(({ key, wanted }) => `${key} ${wanted}`).join(', ')
  return text.length > maxMatch ? `${text.slice(0, maxMatch - 1).toWellFormed()}…` : text
}

/** Returns `entry 3 of owners (namespace payments*)`. */
export function sayEntry({ entry, match }: Pick<Owned, 'entry' | 'match'>): string {
  return `entry ${entry} of owners (${match || 'everything'})`
}
