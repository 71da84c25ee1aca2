// Notify: decides who is notified, and of what: something changed, it still fails, it is over. Pure.
import { sayDuration } from '../duration.ts'
import type { Acknowledgement, Notified } from '../objects/memory.ts'
import type { Advance, Transition } from '../objects.ts'
import type { Grouping } from './group.ts'
import { type Held, lastsUntil, passedReason, type Release, soonerThan, unlessHeld } from './lasting.ts'
import type { Owned } from './owners.ts'
import type { Rule } from './rule.ts'
import { toOwner } from './rules.ts'

/** One destination to notify because of one rule. */
export interface Recipient {
  rule: string
  destination: string
  /** What the event is to this destination: the first about a failure is always `failed`. */
  says: Transition
  mention: string | undefined
  /** How it is grouped with others. */
  grouping: Grouping | undefined
  /** It is held until then, in ms, to see whether the failure lasts. */
  heldUntil?: number
  /** With `repeated`: how long until the next reminder, in ms. */
  nextReminderMs?: number
}

/** A rule that fired and has nothing to say, and why. */
export interface Quiet {
  rule: string
  destination: string
  because: string
}

export const longestReminderMs = 24 * 60 * 60 * 1000

/** Who is notified of an event, and what becomes of what was held. */
export interface Notifying {
  recipients: Recipient[]
  quiet: Quiet[]
  /** Belongs in the object's memory. */
  notified: readonly Notified[]
  releases: readonly Release[]
  /** The rules of which it ended a failure before that had lasted. */
  passed: readonly string[]
}

/** What is known of the rules, and of what waits. */
export interface Surroundings {
  fired: readonly Rule[]
  /** Whom rules that send to the owner notify. */
  owned?: Owned | undefined
  /** All there are, by name. */
  rules: ReadonlyMap<string, Rule>
  /** What is held about the object to see whether its failure lasts. */
  held?: readonly Held[]
}

/**
 * Decides who is notified of an event. A recovery goes to exactly those who were notified of the failure, whatever rules
 * match it, and to nobody by a rule whose `for` the failure did not last; everything else to the destinations of the rules that
 * fired, and to `owned` for those that send to the owner. Of an incident that is acknowledged nobody is reminded, and nobody
 * is pinged. `isMuted`: the notifications will be withheld, unless they are held: that is asked again when they have lasted.
 */
export function recipientsOf(
  { transition, memory, before: over, ended, namedTo, aside, overAfterMs }: Advance,
  { fired, owned, rules, held = [] }: Surroundings,
  now: number,
  isMuted: boolean
): Notifying {
  const recipients: Recipient[] = []
  const quiet: Quiet[] = []
  const releases: Release[] = []
  const since = ended === undefined ? memory.failure?.since : over?.since
  const rowOf = (entry: Pick<Notified, 'rule' | 'destination'>) =>
    held.find((row) => row.since === since && row.rule === entry.rule && row.destination === entry.destination)
  let notified = unlessHeld(notAhead(memory.notified, now), rowOf)
  const acknowledged = memory.failure?.acknowledged

  const passed: Notified[] = []
  for (const entry of ended?.notified ?? []) {
    const { rule, destination, isWithheld } = entry
    const row = entry.heldUntil === undefined ? undefined : rowOf(entry)
    const lastedMs = Math.max(0, memory.since - (since ?? memory.since))
    if (row !== undefined && lastedMs < (rules.get(rule)?.forMs ?? 0)) {
      const because = `${passedReason} after ${sayDuration(lastedMs)}`
      passed.push(entry)
      releases.push({ held: row, because })
      quiet.push({ rule, destination, because })
      continue
    }
    // The end must not overtake it; a group holds both.
    if (row !== undefined && rules.get(rule)?.group === undefined) releases.push({ held: row })
    if (isWithheld && !isMuted) {
      quiet.push({ rule, destination, because: 'the failure that is over was muted' })
      continue
    }
    // Grouped as the failure was, or the end of it would overtake the beginning, which is still held.
    recipients.push({ rule, destination, says: 'recovered', mention: undefined, grouping: rules.get(rule)?.group })
  }
  const addressed = fired
    .filter(({ rollouts }) => rollouts === undefined)
    .map((rule) => ({ rule, addresses: addressesOf(rule, owned) }))
  const isOfFailing = transition === 'failed' || transition === 'changed' || transition === 'repeated'
  for (const { rule, addresses } of addressed) {
    // Nobody knows yet of what is held: it goes to whom the object belongs by now.
    for (const entry of rule.isToOwner && owned && isOfFailing && aside === undefined ? notified : []) {
      const row = entry.rule === rule.name ? rowOf(entry) : undefined
      if (row === undefined || addresses.some(({ destination }) => destination === entry.destination)) continue
      releases.push({ held: row, because: 'it belongs to another owner by now' })
      notified = notified.filter((other) => other !== entry)
    }
    if (rule.isToOwner && owned === undefined) {
      quiet.push({ rule: rule.name, destination: toOwner, because: 'no entry of `owners` matches' })
    }
    for (const { destination, mention } of addresses) {
      const isOf = (entry: Notified) => entry.rule === rule.name && entry.destination === destination
      if (ended?.notified.some((entry) => isOf(entry) && !passed.includes(entry))) continue
      const withhold = (because: string) => quiet.push({ rule: rule.name, destination, because })
      // While a mute lasts, a withheld failure counts as notified; after it, the failure is new.
      const entry = notified.find((known) => isOf(known) && (isMuted || !known.isWithheld))
      const row = entry && rowOf(entry)
      if (row !== undefined && isOfFailing && (aside === 'late' || transition === 'repeated')) {
        withhold(`held until ${new Date(row.until).toISOString()}, to see whether it lasts`)
        continue
      }
      // What is held says what the failure is by now; nobody knows of it yet.
      const isAnew = row !== undefined && isOfFailing && aside === undefined
      const before = isAnew ? undefined : entry
      const what = { transition: ended?.beneath ?? transition, aside, acknowledged }
      const judgement = judge(what, before, rule, now)
      if ('because' in judgement) {
        withhold(judgement.because)
        continue
      }
      const { says } = judgement
      // The recovery names the revision that fixed it: the same destination need not be notified of the update, too.
      if (
        (says === 'updated' && namedTo?.includes(destination)) ||
        ((says === 'updated' || (ended !== undefined && says === 'informed')) &&
          recipients.some((other) => other.says === 'recovered' && other.destination === destination))
      ) {
        withhold('the recovery message already names this revision')
        continue
      }
      if (overAfterMs !== undefined && overAfterMs < rule.forMs) {
        withhold(`${passedReason}, after ${sayDuration(overAfterMs)} at most`)
        continue
      }
      const sooner =
        says === 'failed' ? soonerThan(rule, destination, { addressed, notified, rules, isMuted }) : undefined
      if (isAnew) {
        const because = sooner === undefined ? 'a newer event says more of the failure' : `${sooner} notifies it sooner`
        releases.push({ held: row, because })
      }
      if (sooner !== undefined) {
        notified = notified.filter((other) => !isOf(other))
        withhold(`${sooner} notifies it sooner`)
        continue
      }
      const reminders = says === 'repeated' && rule.notify === 'changes' ? (before?.reminders ?? 0) + 1 : 0
      const heldUntil = says === 'failed' ? lastsUntil(rule, memory.failure?.since, row, now) : undefined
      recipients.push({
        rule: rule.name,
        destination,
        says,
        mention: says === 'failed' && acknowledged === undefined ? mention : undefined,
        grouping: rule.group,
        ...(heldUntil !== undefined && { heldUntil }),
        ...(reminders > 0 && { nextReminderMs: reminderWait(rule.remindEveryMs ?? 0, reminders) })
      })
      const isOfFailure = says === 'failed' || says === 'changed' || says === 'repeated'
      if (!isOfFailure || aside !== undefined) continue
      if (says === 'failed') {
        const later = notified.filter((other) => {
          const isLater = (rules.get(other.rule)?.forMs ?? 0) > rule.forMs
          return other.destination === destination && !isOf(other) && isLater && rowOf(other) !== undefined
        })
        for (const other of later) {
          const otherRow = rowOf(other)
          if (otherRow) releases.push({ held: otherRow, because: `${rule.name} notifies it sooner` })
        }
        notified = notified.filter((other) => !later.includes(other))
      }
      const isHeld = heldUntil !== undefined
      const isWithheld = isMuted && !isHeld && (before?.isWithheld ?? before === undefined)
      notified = [
        ...notified.filter((other) => !isOf(other)),
        {
          ...{ rule: rule.name, destination, at: now, reminders },
          ...(isWithheld && { isWithheld }),
          ...(isHeld && { heldUntil })
        }
      ]
    }
  }
  return {
    recipients,
    quiet,
    notified,
    releases,
    passed: [...new Set(passed.map(({ rule }) => rule))]
  }
}

/** Where a rule sends. The owner is pinged as its entry says, everybody else as the rule does. */
export function addressesOf({ send, isToOwner, mention }: Rule, owned: Owned | undefined) {
  const all = new Map(send.map((destination) => [destination, mention]))
  if (isToOwner) for (const destination of owned?.send ?? []) all.set(destination, owned?.mention ?? mention)
  return [...all].map(([destination, mention]) => ({ destination, mention }))
}

interface Happened {
  transition: Transition
  aside: Advance['aside'] | undefined
  acknowledged: Acknowledgement | undefined
}

function judge(
  { transition, aside, acknowledged }: Happened,
  before: Notified | undefined,
  rule: Rule,
  now: number
): { says: Transition } | { because: string } {
  switch (transition) {
    case 'failed':
    case 'changed':
    case 'repeated':
      if (aside === undefined && before === undefined) return { says: 'failed' }
      if (transition === 'repeated' && acknowledged !== undefined) return { because: sayAcknowledged(acknowledged) }
      if (rule.notify === 'every') return { says: transition }
      if (aside === 'late') return { because: 'older than what is known of the object' }
      if (before === undefined || aside === 'remark') return { because: 'the same warning again' }
      if (transition !== 'repeated') return { says: transition }
      return remind(before, rule, now)
    case 'heartbeat':
      return rule.notify === 'every' ? { says: 'heartbeat' } : { because: 'a heartbeat: nothing new' }
    default:
      return { says: transition }
  }
}

/** Why there is no reminder of an incident that is acknowledged. */
export function sayAcknowledged({ by, at }: Acknowledgement): string {
  return `acknowledged by ${by} since ${new Date(at).toISOString()}: no reminder`
}

/** Notifications by a clock that has been set back since count as sent now: reminders would wait for that time to come. */
function notAhead(notified: readonly Notified[], now: number): readonly Notified[] {
  return notified.every(({ at }) => at <= now)
    ? notified
    : notified.map((entry) => ({ ...entry, at: Math.min(entry.at, now) }))
}

function remind(before: Notified, { remindEveryMs }: Rule, now: number): { says: Transition } | { because: string } {
  if (remindEveryMs === undefined) return { because: 'the same failure, and reminders are off' }
  const due = before.at + reminderWait(remindEveryMs, before.reminders)
  if (now >= due) return { says: 'repeated' }
  return { because: `the same failure; next reminder after ${new Date(due).toISOString()}` }
}

/** When a reminder of a failure that lasts, and is not acknowledged, is due, in ms; undefined where `rule` sends none. */
export function reminderDue({ at, reminders }: Notified, { notify, remindEveryMs }: Rule): number | undefined {
  return notify === 'every' || remindEveryMs === undefined ? undefined : at + reminderWait(remindEveryMs, reminders)
}

/** Reminders come after `remindEvery`, then twice as long each time, up to a day. */
function reminderWait(remindEveryMs: number, reminders: number): number {
  return Math.min(remindEveryMs * 2 ** reminders, Math.max(longestReminderMs, remindEveryMs))
}
