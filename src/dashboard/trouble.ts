// Trouble: answers what the memory of a failing object does not: which mutes withhold it, who owns it, and when its next
// reminder is due.
import type { Mute } from '../mutes/mutes.ts'
import { reminderDue } from '../rules/judge.ts'
import { createIndex } from '../rules/match-index.ts'
import { type OwnersTable, ownerOf } from '../rules/owners.ts'
import type { RuleSet } from '../rules/rule.ts'
import type { ObjectRecord } from '../store/records.ts'

/** An object that fails, with its failure. */
export type Trouble = ObjectRecord & { failure: NonNullable<ObjectRecord['failure']> }

/** A mute or silence in effect. */
export interface ActiveMute {
  name: string
  endsAt: number
  /** Ends early once nothing that it matches fails any more. */
  untilRecovered?: true
  /** Set for a silence; a mute of the config file has none. */
  silence?: { id: string; author: string; createdAt: number }
  match: Mute['match']
  matches: Mute['matches']
}

/** Returns a function that lists the `mutes` that match a failing object, the last to end first: that one withholds it. */
export function createMutesOf(mutes: readonly ActiveMute[]): (record: ObjectRecord) => ActiveMute[] {
  const find = createIndex(mutes.map(({ match }) => match))
  return (record) => {
    if (mutes.length === 0 || record.failure === undefined) return []
    const subject = subjectOf(record, record.failure)
    const isRight = (at: number) => mutes[at]?.matches(subject) ?? false
    const found: ActiveMute[] = []
    for (let at = find(subject, 0, isRight); at !== undefined; at = find(subject, at + 1, isRight)) {
      found.push(mutes[at] as ActiveMute)
    }
    return found.length < 2 ? found : found.sort((a, b) => b.endsAt - a.endsAt)
  }
}

export type MutesOf = ReturnType<typeof createMutesOf>

/** Time of the next reminder if the object fails again, in ms since the epoch; undefined if none is due. */
export function reminderOf({ failure, notified }: ObjectRecord, { byName }: RuleSet): number | undefined {
  if (failure === undefined || failure.acknowledged !== undefined) return undefined
  const due = notified.flatMap((entry) => {
    const rule = byName.get(entry.rule)
    return (rule && reminderDue(entry, rule)) ?? []
  })
  return due.length === 0 ? undefined : Math.min(...due)
}

/** The matchers of an owners entry that an object's memory can answer. */
const remembered = new Set(['cluster', 'kind', 'namespace', 'name'])

/**
 * Returns a function that names a failing object's owner: the destinations that its `send: owner` rules notified, or, if they
 * notified nobody, what the owners table says. Undefined if that depends on something that is not remembered of the events,
 * such as metadata.
 */
export function createOwnership({ all, next }: OwnersTable, { byName }: RuleSet) {
  const unsure = all.find(
    ({ channel, conditions }) => channel !== undefined || conditions.some(({ key }) => !remembered.has(key))
  )
  // Every render looks at the same failures.
  const known = new WeakMap<Trouble['failure'], { notified: Trouble['notified']; owner: string | undefined }>()

  function find(record: Trouble): string | undefined {
    const { notified } = record
    const asOwners = notified.filter(({ rule, destination }) => {
      const by = byName.get(rule)
      return by?.isToOwner && !by.send.includes(destination)
    })
    if (asOwners.length > 0) return [...new Set(asOwners.map(({ destination }) => destination))].join(', ')
    const owned = ownerOf(subjectOf(record, record.failure), { all, next }, () => undefined)
    if (owned === undefined || owned.entry >= (unsure?.entry ?? Number.POSITIVE_INFINITY)) return undefined
    return owned.send.join(', ')
  }

  return (record: ObjectRecord): string | undefined => {
    const { failure, notified } = record
    if (all.length === 0 || failure === undefined) return undefined
    const last = known.get(failure)
    if (last?.notified === notified) return last.owner
    const owner = find({ ...record, failure })
    known.set(failure, { notified, owner })
    return owner
  }
}

export type OwnerOf = ReturnType<typeof createOwnership>

/** The object's failing event, as far as it is remembered: without source, metadata and all lines but the first. */
function subjectOf(
  { object }: ObjectRecord,
  { severity, reason, text, since }: Trouble['failure']
): Parameters<Mute['matches']>[0] {
  const event = {
    ...{ source: '', object, uid: '', severity, reason, message: text, at: since, metadata: {} },
    ...{ revision: undefined, controller: '', action: '', isHeartbeat: false }
  }
  return { event, transition: 'failed' }
}
