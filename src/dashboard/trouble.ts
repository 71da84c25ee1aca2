// Trouble: says of an object that fails what is not in its memory: which mutes withhold it, whose it is, and when whoever was
// notified is reminded.
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
  /** It ends before that when nothing that it is about fails any more. */
  untilRecovered?: true
  /** Of a silence; a mute of the config file has none. */
  silence?: { id: string; author: string; createdAt: number }
  match: Mute['match']
  matches: Mute['matches']
}

/** Says of an object that fails which of `mutes` match it, the one that ends last first: that withholds it. */
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

/** When the next reminder of its failure is due, if it fails again, in ms; undefined where none is. */
export function reminderOf({ failure, notified }: ObjectRecord, { byName }: RuleSet): number | undefined {
  if (failure === undefined || failure.acknowledged !== undefined) return undefined
  const due = notified.flatMap((entry) => {
    const rule = byName.get(entry.rule)
    return (rule && reminderDue(entry, rule)) ?? []
  })
  return due.length === 0 ? undefined : Math.min(...due)
}

/** What an entry may ask for and an object's memory knows. */
const remembered = new Set(['cluster', 'kind', 'namespace', 'name'])

/**
 * Says whose an object is that fails: the destinations that rules which send to the owner notified; of one that they notified
 * nobody of, by the table. Undefined where that depends on what is not remembered of its events, such as their metadata.
 */
export function createOwnership({ all, next }: OwnersTable, { byName }: RuleSet) {
  const unsure = all.find(
    ({ channel, conditions }) => channel !== undefined || conditions.some(({ key }) => !remembered.has(key))
  )
  // The same come look after look.
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

/** As its event was, as far as it is remembered: without source, metadata and all but the first line. */
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
