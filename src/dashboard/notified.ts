// Notified: says in a sentence who was notified of an event, or why nobody was, and what has become of its object since.
import { html } from 'hono/html'
import { withheldBy } from '../mutes/mutes.ts'
import { passedReason } from '../rules/lasting.ts'
import type { EventDetail, EventRecord, Listed, NotificationState, ObjectRecord } from '../store/records.ts'
import { takenOnBy } from './acknowledge.ts'
import type { Html } from './page.ts'
import { ahead, ending, exactly, failsAt, lasting, shown } from './parts.ts'
import type { ActiveMute } from './trouble.ts'

const said: Record<NotificationState, (names: string, areSeveral: boolean) => string> = {
  sent: (names, areSeveral) => `${names} ${areSeveral ? 'were' : 'was'} notified.`,
  pending: (names) => `A message to ${names} waits to be sent.`,
  muted: (names) => `Withheld from ${names}.`,
  dead: (names) => `It could not be delivered to ${names}.`,
  discarded: (names) => `It could not be delivered to ${names}, and was discarded.`
}

/**
 * Says what became of each notification, the worst first: `team-a and audit were notified. A message to ops waits to be sent.`
 */
export function sayNotified({ notifications, trace }: Pick<EventDetail, 'notifications' | 'trace'>, now: number): Html {
  const isHeld = ({ state, reason }: (typeof notifications)[number]) => state === 'pending' && reason !== null
  const hasPassed = ({ state, reason }: (typeof notifications)[number]) =>
    state === 'muted' && (reason?.startsWith(passedReason) ?? false)
  const lasting = notifications.filter((notification) => isHeld(notification) || hasPassed(notification))
  const sentences = (['dead', 'sent', 'pending', 'muted', 'discarded'] as const).flatMap((state) => {
    const of = notifications.filter((each) => each.state === state && !lasting.includes(each))
    // One sentence for each mute or silence that withheld.
    const groups = state === 'muted' ? [...Map.groupBy(of, ({ reason }) => reason).values()] : [of]
    return groups.slice(0, 3).flatMap((group) => sayState(state, group))
  })
  const reasons = [...Map.groupBy(lasting, ({ reason }) => reason ?? '')].slice(0, 3)
  if (sentences.length + reasons.length > 0) {
    return html`${sentences.join(' ')}${reasons.map(([reason, of]) => {
      const names = listed([...new Set(of.map(({ destination }) => destination))])
      return reason.startsWith(passedReason)
        ? html` It ${shown(reason, 200)}: nobody was notified at ${names}.`
        : html` ${names}: ${withTimes(reason, now)}.`
    })}`
  }
  return trace.quiet.length > 0 ? sayQuiet(trace.quiet, now) : html`${sayUnmatched(trace)}`
}

function sayState(state: NotificationState, of: EventDetail['notifications']): string[] {
  const names = [...new Set(of.map(({ destination }) => destination))]
  if (names.length === 0) return []
  const reasons = state === 'muted' || state === 'dead' ? [...new Set(of.flatMap(({ reason }) => reason ?? []))] : []
  const why = reasons.slice(0, 3).map((text) => shown(text, 340))
  const [by = ''] = why
  if (state === 'muted' && by.startsWith(withheldBy))
    return [`Withheld from ${listed(names)} ${by.slice('withheld '.length)}.`]
  return [`${said[state](listed(names), names.length > 1)}${why.length > 0 ? ` Why: ${why.join('; ')}.` : ''}`]
}

function sayQuiet(quiet: EventDetail['trace']['quiet'], now: number): Html {
  const byReason = [...Map.groupBy(quiet, ({ because }) => because)].slice(0, 3)
  return html`Nobody was notified. ${byReason.map(
    ([because, of]) =>
      html`${listed([...new Set(of.map(({ destination }) => destination))])}: ${withTimes(because, now)}. `
  )}`
}

const moment = /\b\d{4}-\d\d-\d\dT[\d:.]+Z/

/** A reason; a time in it is drawn relative to `now`. */
export function withTimes(because: string, now: number): Html {
  const [at] = moment.exec(because) ?? []
  if (at === undefined) return html`${because}`
  const [before = '', after = ''] = because.split(at, 2)
  const time = Date.parse(at)
  return time > now && before.endsWith('after ')
    ? html`${before.slice(0, -'after '.length)}${ahead(time, now)}${after}`
    : html`${before}${exactly(time)}${after}`
}

function sayUnmatched({ verdicts }: EventDetail['trace']): string {
  if (verdicts.some(({ fired }) => fired)) return 'Nobody was notified.'
  if (verdicts.length === 0) return 'Nobody was notified: no rule is for such an object.'
  return `Nobody was notified: ${verdicts.length === 1 ? 'the one rule that was tried does not match' : `none of the ${verdicts.length} rules that were tried matches`}.`
}

/** The present state of an object. */
export interface Standing {
  record: ObjectRecord
  /** The mute or silence that withholds its notifications. */
  mute: ActiveMute | undefined
  /** Time of the next reminder, in ms since the epoch. */
  reminderAt: number | undefined
  owner: string | undefined
  /** Destinations where a message about the failure waits and none has been sent yet. */
  waiting: ReadonlySet<string>
}

/**
 * Destinations where a message about the failure waits and none has been sent. `items` are the object's newest events; the set
 * is empty if they may not reach back to the start of the failure.
 */
export function waitingFor(failure: ObjectRecord['failure'], { items, next }: Listed<EventRecord>): Set<string> {
  const since = failure?.since ?? Number.POSITIVE_INFINITY
  const all = items.filter(({ receivedAt }) => receivedAt >= since)
  if (all.length === items.length && next !== null) return new Set()
  const states = all.flatMap(({ notifications }) => notifications)
  const having = (wanted: NotificationState) =>
    new Set(states.filter(({ state }) => state === wanted).map(({ destination }) => destination))
  return having('pending').difference(having('sent'))
}

/**
 * Says how long the object has been as it is, who was notified, who owns it, and when the next reminder is due or what
 * withholds it.
 */
export function sayStanding(standing: Standing | undefined, now: number): Html {
  if (standing === undefined) return html``
  const { record, mute, reminderAt, owner, waiting } = standing
  const { state, failure, since, notified } = record
  if (failure === undefined) return html`The object works, since ${lasting(since, now)}.`
  const is = state === 'stale' ? 'It was failing at its last event' : 'It still fails'
  const known = notified.filter(({ isWithheld, destination }) => !isWithheld && !waiting.has(destination))
  const names = [...new Set(known.map(({ destination }) => destination))]
  const who =
    names.length > 0
      ? html` ${listed(names)} ${names.length === 1 ? 'was' : 'were'} notified of it.`
      : html` Nobody was notified of it${notified.some(({ destination }) => waiting.has(destination)) && ' yet'}.`
  const at = failsAt(failure)
  const fails = html`${is}, for ${lasting(failure.since, now)}${at && html`, ${at}`}`
  const taken = takenOnBy(failure, now)
  if (taken) return html`${fails}, ${taken}: no reminders, no pings until it is over.${who}`
  const whose = owner && html` Its owner is <b>${shown(owner, 100)}</b>.`
  return html`${fails}.${who}${whose}${sayNext(mute, reminderAt, now)}`
}

/** `If it fails again, the next reminder is due in 40 m.` */
function sayNext(mute: ActiveMute | undefined, reminderAt: number | undefined, now: number): Html {
  if (mute !== undefined) return html` Withheld by <b>${shown(mute.name, 100)}</b>, which ${ending(mute, now)}.`
  if (reminderAt === undefined) return html` No reminder is due.`
  return reminderAt <= now
    ? html` If it fails again, a reminder is sent.`
    : html` If it fails again, the next reminder is due ${ahead(reminderAt, now)}.`
}

/** `a, b and c` */
export function listed(names: readonly string[]): string {
  const few = names.length > 5 ? [...names.slice(0, 4), `${names.length - 4} more`] : names
  return few.length < 2 ? few.join('') : `${few.slice(0, -1).join(', ')} and ${few.at(-1)}`
}
