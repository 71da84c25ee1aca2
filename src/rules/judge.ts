// Judge: decides what an event means to one rule and destination: news, a reminder, or nothing. Pure.
import type { Acknowledgement, Notified } from '../objects/memory.ts'
import type { Advance, Transition } from '../objects.ts'
import type { Rule } from './rule.ts'

export const longestReminderMs = 24 * 60 * 60 * 1000

/** The part of an event that decides what is said about it. */
interface Happened {
  transition: Transition
  aside: Advance['aside'] | undefined
  acknowledged: Acknowledgement | undefined
}

/** Decides what an event means to one rule and destination. `before` is the last notification of the same failure there, if any. */
export function judge(
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

function sayAcknowledged({ by, at }: Acknowledgement): string {
  return `acknowledged by ${by} since ${new Date(at).toISOString()}: no reminder`
}

function remind(before: Notified, rule: Rule, now: number): { says: Transition } | { because: string } {
  const due = reminderDue(before, rule)
  if (due === undefined) return { because: 'the same failure, and reminders are off' }
  if (now >= due) return { says: 'repeated' }
  return { because: `the same failure; next reminder after ${new Date(due).toISOString()}` }
}

/**
 * Returns when the next reminder of a failure is due, in ms, if it lasts and is not acknowledged; undefined if `rule` sends none.
 */
export function reminderDue({ at, reminders }: Notified, { notify, remindEveryMs }: Rule): number | undefined {
  return notify === 'every' || remindEveryMs === undefined ? undefined : at + reminderWait(remindEveryMs, reminders)
}

/** Returns the time between the last of so many `reminders` and the next, in ms: twice as long each time, up to a day. */
export function reminderWait(remindEveryMs: number, reminders: number): number {
  return Math.min(remindEveryMs * 2 ** reminders, Math.max(longestReminderMs, remindEveryMs))
}
