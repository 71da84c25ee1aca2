// Notify: decides who is notified, and of what: something changed, it still fails, it is over. Pure.
import type { Advance, Notified, Transition } from '../objects.ts'
import type { Grouping } from './group.ts'
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
  /** With `repeated`: how long until the next reminder, in ms. */
  nextReminderMs?: number
}

/** A rule that fired and has nothing to say, and why. */
export interface Quiet {
  rule: string
  destination: string
  because: string
}

const longestReminderMs = 24 * 60 * 60 * 1000

/**
 * Decides who is notified of an event. A recovery goes to exactly those who were notified of the failure, whatever rules
 * match it; everything else to the destinations of the rules that fired, and to `owned` for those that send to the owner.
 * `rules` are all there are, by name. `isMuted`: the notifications will be withheld. The returned `notified` belongs in the
 * object's memory.
 */
export function recipientsOf(
  { transition, memory, ended, aside }: Advance,
  { fired, owned, rules }: { fired: readonly Rule[]; owned?: Owned | undefined; rules: ReadonlyMap<string, Rule> },
  now: number,
  isMuted: boolean
): { recipients: Recipient[]; quiet: Quiet[]; notified: readonly Notified[] } {
  const recipients: Recipient[] = []
  const quiet: Quiet[] = []
  let notified = notAhead(memory.notified, now)

  for (const { rule, destination, isWithheld } of ended?.notified ?? []) {
    if (isWithheld && !isMuted) {
      quiet.push({ rule, destination, because: 'the failure that is over was muted' })
      continue
    }
    // Grouped as the failure was, or the end of it would overtake the beginning, which is still held.
    recipients.push({ rule, destination, says: 'recovered', mention: undefined, grouping: rules.get(rule)?.group })
  }
  for (const rule of fired) {
    if (rule.rollouts !== undefined) continue
    if (rule.isToOwner && owned === undefined) {
      quiet.push({ rule: rule.name, destination: toOwner, because: 'no entry of `owners` matches' })
    }
    for (const { destination, mention } of addressesOf(rule, owned)) {
      const isOf = (entry: Notified) => entry.rule === rule.name && entry.destination === destination
      if (ended?.notified.some(isOf)) continue
      // While a mute lasts, a withheld failure counts as notified; after it, the failure is new.
      const before = notified.find((entry) => isOf(entry) && (isMuted || !entry.isWithheld))
      const judgement = judge(ended?.beneath ?? transition, aside, before, rule, now)
      if ('because' in judgement) {
        quiet.push({ rule: rule.name, destination, because: judgement.because })
        continue
      }
      const { says } = judgement
      // The recovery names the revision that fixed it: the same destination need not be notified of the update, too.
      if (
        (says === 'updated' || (ended !== undefined && says === 'informed')) &&
        recipients.some((other) => other.says === 'recovered' && other.destination === destination)
      ) {
        quiet.push({ rule: rule.name, destination, because: 'the recovery message already names this revision' })
        continue
      }
      const reminders = says === 'repeated' && rule.notify === 'changes' ? (before?.reminders ?? 0) + 1 : 0
      recipients.push({
        rule: rule.name,
        destination,
        says,
        mention: says === 'failed' ? mention : undefined,
        grouping: rule.group,
        ...(reminders > 0 && { nextReminderMs: reminderWait(rule.remindEveryMs ?? 0, reminders) })
      })
      const isOfFailure = says === 'failed' || says === 'changed' || says === 'repeated'
      if (!isOfFailure || aside !== undefined) continue
      const isWithheld = isMuted && (before?.isWithheld ?? before === undefined)
      const entry: Notified = { rule: rule.name, destination, at: now, reminders, ...(isWithheld && { isWithheld }) }
      notified = [...notified.filter((other) => !isOf(other)), entry]
    }
  }
  return { recipients, quiet, notified }
}

/** Where a rule sends. The owner is pinged as its entry says, everybody else as the rule does. */
export function addressesOf({ send, isToOwner, mention }: Rule, owned: Owned | undefined) {
  const all = new Map(send.map((destination) => [destination, mention]))
  if (isToOwner) for (const destination of owned?.send ?? []) all.set(destination, owned?.mention ?? mention)
  return [...all].map(([destination, mention]) => ({ destination, mention }))
}

function judge(
  transition: Transition,
  aside: Advance['aside'],
  before: Notified | undefined,
  rule: Rule,
  now: number
): { says: Transition } | { because: string } {
  switch (transition) {
    case 'failed':
    case 'changed':
    case 'repeated':
      if (aside === undefined && before === undefined) return { says: 'failed' }
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

/** When a reminder of a failure that lasts is due, in ms; undefined where `rule` sends none. */
export function reminderDue({ at, reminders }: Notified, { notify, remindEveryMs }: Rule): number | undefined {
  return notify === 'every' || remindEveryMs === undefined ? undefined : at + reminderWait(remindEveryMs, reminders)
}

/** Reminders come after `remindEvery`, then twice as long each time, up to a day. */
function reminderWait(remindEveryMs: number, reminders: number): number {
  return Math.min(remindEveryMs * 2 ** reminders, Math.max(longestReminderMs, remindEveryMs))
}
