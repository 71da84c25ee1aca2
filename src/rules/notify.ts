// Notify: decides who is notified, and of what: something changed, it still fails, it is over. Pure.
import { sayDuration } from '../duration.ts'
import type { Notified } from '../objects/memory.ts'
import type { Advance, Transition } from '../objects.ts'
import type { Grouping } from './group.ts'
import { judge, reminderWait } from './judge.ts'
import { type Held, lastsUntil, passedReason, type Release, soonerThan, unlessHeld } from './lasting.ts'
import type { Owned } from './owners.ts'
import type { Rule } from './rule.ts'
import { toOwner } from './rules.ts'

/** One destination to notify because of one rule. */
export interface Recipient {
  rule: string
  destination: string
  /** The meaning of the event to this destination: the first about a failure is always `failed`. */
  says: Transition
  mention: string | undefined
  /** Grouping with other notifications, if there is any. */
  grouping: Grouping | undefined
  /** End of the hold, in ms, if the notification is held to see whether the failure lasts. */
  heldUntil?: number
  /** With `repeated`: time until the next reminder, in ms. */
  nextReminderMs?: number
}

/** A rule that fired but has nothing to say to a destination, and why. */
export interface Quiet {
  rule: string
  destination: string
  because: string
}

/** Who is notified of an event, and what becomes of notifications that were held. */
export interface Notifying {
  recipients: Recipient[]
  quiet: Quiet[]
  /** To be kept in the object's memory. */
  notified: readonly Notified[]
  releases: readonly Release[]
  /** Names of the rules for which a failure ended before it had lasted. */
  passed: readonly string[]
}

/** The rules, the owner, and the notifications that are held. */
export interface Surroundings {
  fired: readonly Rule[]
  /** The owner of the event, for rules that send to the owner. */
  owned?: Owned | undefined
  /** All rules, by name. */
  rules: ReadonlyMap<string, Rule>
  /** Notifications about the object that are held to see whether its failure lasts. */
  held?: readonly Held[]
}

/** The event, with what must be known about each rule and destination. */
interface Case {
  advance: Advance
  rules: ReadonlyMap<string, Rule>
  addressed: readonly Addressed[]
  /** Returns what a rule holds for a destination about the failure that goes on, or ends. */
  rowOf: (entry: Pick<Notified, 'rule' | 'destination'>) => Held | undefined
  now: number
  isMuted: boolean
}

interface Addressed {
  rule: Rule
  addresses: readonly Address[]
}

interface Address {
  destination: string
  mention: string | undefined
}

/** The decisions made so far. */
interface Draft extends Omit<Notifying, 'passed'> {
  releases: Release[]
}

/**
 * Decides who is notified of an event. A recovery goes to exactly those who were notified of the failure, whatever rules match it,
 * but not by a rule whose `for` the failure did not outlast. Everything else goes to the destinations of the rules that fired, and
 * to `owned` for rules that send to the owner. Of an acknowledged incident nobody is reminded, and nobody is pinged. `isMuted`: the
 * notifications will be withheld, except those that are held, for which the mute is checked again when the failure has lasted.
 */
export function recipientsOf(
  advance: Advance,
  { fired, owned, rules, held = [] }: Surroundings,
  now: number,
  isMuted: boolean
): Notifying {
  const { memory, before, ended } = advance
  const since = ended === undefined ? memory.failure?.since : before?.since
  const rowOf: Case['rowOf'] = ({ rule, destination }) =>
    held.find((row) => row.since === since && row.rule === rule && row.destination === destination)
  const addressed = fired
    .filter(({ rollouts }) => rollouts === undefined)
    .map((rule) => ({ rule, addresses: addressesOf(rule, owned) }))
  const about: Case = { advance, rules, addressed, rowOf, now, isMuted }
  const notified = unlessHeld(notAhead(memory.notified, now), rowOf)
  const draft: Draft = { recipients: [], quiet: [], notified, releases: [] }
  const passed = notifyOfEnd(about, draft)
  for (const { rule, addresses } of addressed) {
    if (rule.isToOwner && owned !== undefined) followOwner(rule, addresses, about, draft)
    if (rule.isToOwner && owned === undefined) {
      draft.quiet.push({ rule: rule.name, destination: toOwner, because: 'no entry of `owners` matches' })
    }
    for (const address of addresses) {
      const isOf = entriesOf(rule, address)
      if (ended?.notified.some((entry) => isOf(entry) && !passed.includes(entry))) continue
      const because = notify(rule, address, about, draft)
      if (because !== undefined) draft.quiet.push({ rule: rule.name, destination: address.destination, because })
    }
  }
  return { ...draft, passed: [...new Set(passed.map(({ rule }) => rule))] }
}

/**
 * Notifies of the end of a failure those who were notified of the failure. Returns those for whom it passed before it had lasted.
 */
function notifyOfEnd({ advance, rules, rowOf, isMuted }: Case, draft: Draft): readonly Notified[] {
  const { memory, before, ended } = advance
  const lastedMs = Math.max(0, memory.since - (before?.since ?? memory.since))
  const passed: Notified[] = []
  for (const entry of ended?.notified ?? []) {
    const { rule, destination, isWithheld } = entry
    const row = entry.heldUntil === undefined ? undefined : rowOf(entry)
    if (row !== undefined && lastedMs < (rules.get(rule)?.forMs ?? 0)) {
      const because = `${passedReason} after ${sayDuration(lastedMs)}`
      passed.push(entry)
      draft.releases.push({ held: row, because })
      draft.quiet.push({ rule, destination, because })
      continue
    }
    const grouping = rules.get(rule)?.group
    // The end must not overtake the held beginning; a group holds both.
    if (row !== undefined && grouping === undefined) draft.releases.push({ held: row })
    if (isWithheld && !isMuted) {
      draft.quiet.push({ rule, destination, because: 'the failure that is over was muted' })
      continue
    }
    // Grouped as the failure was, or its end would overtake the beginning, which is still held.
    draft.recipients.push({ rule, destination, says: 'recovered', mention: undefined, grouping })
  }
  return passed
}

/** Gives up what is held for another owner: nobody knows of it yet, so it goes to the owner that the object has by now. */
function followOwner(rule: Rule, addresses: readonly Address[], { advance, rowOf }: Case, draft: Draft): void {
  if (!isOfFailing(advance.transition) || advance.aside !== undefined) return
  for (const entry of draft.notified) {
    if (entry.rule !== rule.name || addresses.some(({ destination }) => destination === entry.destination)) continue
    release(entry, rowOf(entry), 'it belongs to another owner by now', draft)
  }
}

/** Adds what `rule` says to `address`. Returns the reason if it says nothing. */
function notify(rule: Rule, address: Address, about: Case, draft: Draft): string | undefined {
  const { advance, rules, addressed, rowOf, now, isMuted } = about
  const { transition, memory, ended, aside, overAfterMs } = advance
  const { destination, mention } = address
  const isOf = entriesOf(rule, address)
  // While a mute lasts, a withheld failure counts as notified; after it, the failure is new.
  const entry = draft.notified.find((known) => isOf(known) && (isMuted || !known.isWithheld))
  const row = entry && rowOf(entry)
  const mayChange = row !== undefined && isOfFailing(transition)
  if (mayChange && (aside === 'late' || transition === 'repeated')) {
    return `held until ${new Date(row.until).toISOString()}, to see whether it lasts`
  }
  // Nobody knows yet of a held notification, so it says what the failure is by now.
  const isAnew = mayChange && aside === undefined
  const before = isAnew ? undefined : entry
  const { acknowledged } = memory.failure ?? {}
  const judgement = judge({ transition: ended?.beneath ?? transition, aside, acknowledged }, before, rule, now)
  if ('because' in judgement) return judgement.because
  const { says } = judgement
  if (isNamed(says, destination, advance, draft)) return 'the recovery message already names this revision'
  if (overAfterMs !== undefined && overAfterMs < rule.forMs) {
    return `${passedReason}, after ${sayDuration(overAfterMs)} at most`
  }
  if (says === 'failed') {
    const sooner = soonerThan(rule, destination, { addressed, notified: draft.notified, rules, isMuted })
    const anew = sooner === undefined ? 'a newer event says more of the failure' : `${sooner} notifies it sooner`
    if (isAnew) draft.releases.push({ held: row, because: anew })
    if (sooner !== undefined) {
      draft.notified = draft.notified.filter((other) => !isOf(other))
      return anew
    }
  }
  const reminders = says === 'repeated' && rule.notify === 'changes' ? (before?.reminders ?? 0) + 1 : 0
  const heldUntil = says === 'failed' ? lastsUntil(rule, memory.failure?.since, row, now) : undefined
  draft.recipients.push({
    rule: rule.name,
    destination,
    says,
    mention: says === 'failed' && acknowledged === undefined ? mention : undefined,
    grouping: rule.group,
    ...(heldUntil !== undefined && { heldUntil }),
    ...(reminders > 0 && { nextReminderMs: reminderWait(rule.remindEveryMs ?? 0, reminders) })
  })
  if (!isOfFailing(says) || aside !== undefined) return undefined
  if (says === 'failed') releaseLater(rule, address, about, draft)
  const isHeld = heldUntil !== undefined
  const isWithheld = isMuted && !isHeld && (before?.isWithheld ?? before === undefined)
  draft.notified = [
    ...draft.notified.filter((other) => !isOf(other)),
    {
      ...{ rule: rule.name, destination, at: now, reminders },
      ...(isWithheld && { isWithheld }),
      ...(isHeld && { heldUntil })
    }
  ]
  return undefined
}

/** Reports whether the end of a failure says the same: its message names the revision, so none about the update need follow. */
function isNamed(says: Transition, destination: string, { ended, namedTo }: Advance, { recipients }: Draft): boolean {
  if (says === 'updated' && namedTo?.includes(destination)) return true
  if (says !== 'updated' && (says !== 'informed' || ended === undefined)) return false
  return recipients.some((other) => other.says === 'recovered' && other.destination === destination)
}

/** Gives up what rules that wait longer hold for the same destination, because `rule` notifies it of the failure. */
function releaseLater(rule: Rule, { destination }: Address, { rules, rowOf }: Case, draft: Draft): void {
  for (const entry of draft.notified) {
    if (entry.destination !== destination || (rules.get(entry.rule)?.forMs ?? 0) <= rule.forMs) continue
    release(entry, rowOf(entry), `${rule.name} notifies it sooner`, draft)
  }
}

/** Gives up `entry` if it is held: it no longer counts as notified. */
function release(entry: Notified, row: Held | undefined, because: string, draft: Draft): void {
  if (row === undefined) return
  draft.releases.push({ held: row, because })
  draft.notified = draft.notified.filter((other) => other !== entry)
}

function entriesOf(rule: Rule, { destination }: Address): (entry: Notified) => boolean {
  return (entry) => entry.rule === rule.name && entry.destination === destination
}

function isOfFailing(transition: Transition): boolean {
  return transition === 'failed' || transition === 'changed' || transition === 'repeated'
}

/** Returns where a rule sends. The owner is pinged as the owner's entry says, everybody else as the rule says. */
export function addressesOf({ send, isToOwner, mention }: Rule, owned: Owned | undefined) {
  const all = new Map(send.map((destination) => [destination, mention]))
  if (isToOwner) for (const destination of owned?.send ?? []) all.set(destination, owned?.mention ?? mention)
  return [...all].map(([destination, mention]) => ({ destination, mention }))
}

/**
 * Counts notifications from the future as sent now: the clock was set back since, and reminders would wait for that time to come.
 */
function notAhead(notified: readonly Notified[], now: number): readonly Notified[] {
  return notified.every(({ at }) => at <= now)
    ? notified
    : notified.map((entry) => ({ ...entry, at: Math.min(entry.at, now) }))
}
