// Plan: picks a lane's next post: one notification, a group whose time has come, or a digest of all that fits. Pure.
import { type ButtonForm, withButtons } from '../render/compose/buttons.ts'
import { delayed } from '../render/compose/delayed.ts'
import { composeDigest, type DigestForm } from '../render/compose/digest.ts'
import { decisive, subjectOf } from '../render/compose/digest-groups.ts'
import { composeOne } from '../render/compose/message.ts'
import { isOfIncident, type View } from '../render/compose/view.ts'
import type { CardPlace, Gatherings, LaneState, NextPost, Pending } from '../store/kept-lanes.ts'
import { gather, isFirst, nextWordMs, unlessPinged } from './gathering.ts'
import { type Pace, take } from './pace.ts'

/**
 * How long several due notifications wait after the first of them: the head of a storm goes into one message instead of several
 * small ones, each of which would cost a token. A single one goes at once.
 */
const headMs = 250

/** The form in which messages are composed. */
export interface MessageForm extends DigestForm {
  /** True if what goes on becomes a card, with what is long in its thread. */
  hasCards?: boolean
  /** The buttons of messages, if they have any. */
  buttons?: ButtonForm | undefined
}

/** Picks the next post. `waiting` is of one destination, oldest first, and has what is held to be gathered; some is due. `now` in ms. */
export function planNext(
  lane: LaneState,
  waiting: readonly Pending[],
  gatherings: Gatherings,
  { pace, ...form }: { pace: Pace } & MessageForm,
  now: number
): NextPost {
  const isDue = ({ heldUntil }: Pending) => heldUntil <= now
  // New messages go before replies in a thread, because everybody in the channel sees them.
  const card = waiting.filter(isDue).some((entry) => entry.card === undefined) ? undefined : waiting.find(isDue)?.card
  const all = waiting.filter((entry) => entry.card?.id === card?.id)
  // A rollout gets a message of its own, which becomes its card.
  const rollout = card === undefined ? all.find(isDue)?.view.rollout && all.find(isDue) : undefined
  const pending = rollout === undefined ? all.filter(({ view }) => view.rollout === undefined) : [rollout]
  if (card !== undefined) return replyNext(lane, pending, card, gatherings, { pace, ...form }, now)
  const due = pending.filter(isDue)
  const units = unitsOf(due, (entry) => isFirst(entry, gatherings, now))
  const [first] = units
  const [oldest] = due
  if (first === undefined || oldest === undefined) throw new Error('a lane without anything to post has no next post')
  const isSeveral = new Set(due.map(({ group, event }) => group ?? event)).size > 1
  const headUntil = oldest.createdAt + headMs
  // After the clock was set back, a deadline in its future would stop the lane for as long.
  if (isSeveral && now < headUntil && now >= oldest.createdAt) return { until: headUntil }
  const taken = take(lane.bucket, pace, now)
  if ('until' in taken) return taken
  const { bucket } = taken
  // True if there is a token for each unit: the one just taken, and those that are left.
  const isToken = Math.floor(bucket.tokens) + 1 >= units.length
  const members = isToken ? membersOf(first, pending) : dueOrGathered(pending, now)
  const quieted = members.map((entry) => unlessPinged(entry, gatherings, now))
  return { bucket, ...composeOf(quieted, gatherings, form, now) }
}

/** Picks one reply in the thread of a card, for all that waits about what the card names. */
function replyNext(
  lane: LaneState,
  pending: readonly Pending[],
  card: CardPlace,
  gatherings: Gatherings,
  { pace, ...form }: { pace: Pace } & MessageForm,
  now: number
): NextPost {
  const taken = take(lane.bucket, pace, now)
  if ('until' in taken) return taken
  const members = dueOrGathered(pending, now).map((entry) => unlessPinged(entry, gatherings, now))
  const composed = composeOf(members, gatherings, { ...form, hasCards: false, buttons: undefined }, now)
  const ids = new Set(composed.ids)
  // An update notifies nobody, and a reply only those who follow the thread: a reminder goes to the channel as well.
  const isBroadcast = members.some(({ id, view }) => ids.has(id) && view.says === 'repeated')
  return { bucket: taken.bucket, ...composed, thread: { ...card, isBroadcast } }
}

/** Composes the message of as many `members` as fit, and what it changes in their gatherings. */
function composeOf(
  members: readonly Pending[],
  gatherings: Gatherings,
  form: MessageForm,
  now: number
): Omit<Extract<NextPost, { ids: readonly string[] }>, 'bucket'> {
  const whole = gather(members, { ids: new Set(members.map(({ id }) => id)), payload: undefined }, gatherings, now)
  const { ids, payload } = compose(members, now, { ...form, nextWordMs: nextWordMs(whole) })
  const named = new Set(ids)
  const shown = members.filter(({ id }) => named.has(id))
  return {
    ids,
    payload: withButtons(payload, shown, form.buttons),
    gathered: gather(members, { ids: named, payload }, gatherings, now)
  }
}

function compose(pending: readonly Pending[], now: number, form: MessageForm) {
  // Time in which a notification was held on purpose does not make it late.
  const members = pending.map((entry) => ({ ...entry, createdAt: Math.max(entry.createdAt, entry.heldUntil) }))
  const isOneEvent = new Set(members.map(({ event }) => event)).size === 1
  const isOneObject = new Set(members.map(({ view }) => subjectOf(view))).size === 1
  // The notification that says the object's state, which news after its failure does not.
  const state = decisive(members)
  const isOneFailure = isOneObject && state.view.failure !== undefined && state.view.says !== 'recovered'
  if (!(isOneEvent || isOneFailure)) return composeDigest(members, now, form)
  // Several rules may notify one destination of the same event, and one object may fail several times before there is a token:
  // one message goes out, of the newest notification, with the mention of any.
  const mention = members.find(({ view }) => view.mention !== undefined)?.view.mention
  // To a destination that was not notified of it yet, this is a failure, and not a change of one.
  const isNew = members.some((member) => member.view.says === 'failed')
  // If only one of the rules has a template, somebody asked for that form.
  const custom = members.findLast(({ event, view }) => event === state.event && view.custom !== undefined)?.view.custom
  const { wasReason, wasWarning: _, ...rest } = state.view
  const wasWarning = members.some(({ view }) => view.wasWarning)
  const view: View = {
    ...rest,
    ...(isNew ? { says: 'failed' } : wasReason !== undefined && { wasReason, ...(wasWarning && { wasWarning }) }),
    ...(mention !== undefined && { mention }),
    ...(custom && { custom })
  }
  const isCard = (form.hasCards ?? false) && isOfIncident(view) && view.says !== 'recovered'
  return {
    ids: members.map(({ id }) => id),
    payload: composeOne(view, { late: delayed(members, now), publicUrl: form.publicUrl, event: state.event, isCard })
  }
}

/** What may be posted on its own: an event with a new cause, a group whose time has come, or what was gathered. */
interface Unit {
  is: 'event' | 'group' | 'gathered'
  entries: Pending[]
}

function unitsOf(due: readonly Pending[], isFirst: (entry: Pending) => boolean): Unit[] {
  const units = new Map<string, Unit>()
  for (const entry of due) {
    const is = entry.group !== undefined ? 'group' : isFirst(entry) ? 'event' : 'gathered'
    const key = { group: `group ${entry.group}`, event: `event ${entry.event}`, gathered: '' }[is]
    const unit = units.get(key)
    if (unit === undefined) units.set(key, { is, entries: [entry] })
    else unit.entries.push(entry)
  }
  return [...units.values()]
}

/**
 * The notifications of `pending` that go with a unit. With gathered ones goes everything that is held to be gathered; with any other
 * unit, what is held about the same objects. Whatever is older of these objects goes along: nothing overtakes its own object's news.
 */
function membersOf({ is, entries }: Unit, pending: readonly Pending[]): readonly Pending[] {
  const chosen = new Set(entries)
  const subjects = new Set(entries.map(({ view }) => subjectOf(view)))
  const goesAlong = ({ holds, view }: Pending) => holds > 0 && (is === 'gathered' || subjects.has(subjectOf(view)))
  return withOlder((entry) => chosen.has(entry) || goesAlong(entry), pending)
}

/** What one message says of all that waits. The rest of a group stays held, unless it would be overtaken. */
function dueOrGathered(pending: readonly Pending[], now: number): readonly Pending[] {
  return withOlder(({ heldUntil, holds }) => heldUntil <= now || holds > 0, pending)
}

/** The chosen notifications of `pending`, and all older ones about the same objects. */
function withOlder(isChosen: (entry: Pending) => boolean, pending: readonly Pending[]): readonly Pending[] {
  const newest = new Map(pending.filter(isChosen).map((entry) => [subjectOf(entry.view), Number(entry.id)]))
  return pending.filter((entry) => isChosen(entry) || Number(entry.id) < (newest.get(subjectOf(entry.view)) ?? 0))
}
