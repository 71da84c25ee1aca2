// Plan: picks a lane's next post: one notification, a group that was waited for, or a digest of all that fits. Pure.
import { composeDigest, delayed } from '../render/compose/digest.ts'
import { decisive, subjectOf } from '../render/compose/digest-groups.ts'
import { composeOne } from '../render/compose/message.ts'
import type { View } from '../render/compose/view.ts'
import type { LaneState, NextPost, Pending } from '../store/kept.ts'
import { type Pace, take } from './pace.ts'

/**
 * When several wait, so long after the first of them: the head of a storm goes into one message instead of several small
 * ones, each of which would cost a token. One alone goes at once.
 */
const gatherMs = 250

/** `pending` is oldest first, not empty, and of one destination; `maxText` is that of its digests; `now` in ms. */
export function planNext(
  lane: LaneState,
  pending: readonly Pending[],
  { pace, maxText }: { pace: Pace; maxText?: number },
  now: number
): NextPost {
  const units = unitsOf(pending)
  const [first] = units
  const [oldest] = pending
  if (first === undefined || oldest === undefined) throw new Error('a lane without anything to post has no next post')
  const gathered = oldest.createdAt + gatherMs
  // A deadline in the future of a clock that was set back would stop the lane for as long as it was.
  if (units.length > 1 && now < gathered && now >= oldest.createdAt) return { until: gathered }
  const taken = take(lane.bucket, pace, now)
  if ('until' in taken) return taken
  const { bucket } = taken
  // The token just taken, and those that are left.
  const isToken = Math.floor(bucket.tokens) + 1 >= units.length
  return { bucket, ...compose(isToken ? first : pending, now, maxText) }
}

function compose(members: readonly Pending[], now: number, maxText: number | undefined) {
  const isOneEvent = new Set(members.map(({ event }) => event)).size === 1
  const isOneObject = new Set(members.map(({ view }) => subjectOf(view))).size === 1
  // The notification that says the object's state: news after its failure does not count as that.
  const state = decisive(members)
  const isOneFailure = isOneObject && state.view.failure !== undefined && state.view.says !== 'recovered'
  if (!(isOneEvent || isOneFailure)) return composeDigest(members, now, maxText)
  // Several rules may notify one destination of the same event, and one object may fail several times before there is a
  // token: it is sent once, by the newest, with the mention of any.
  const mention = members.find(({ view }) => view.mention !== undefined)?.view.mention
  // To a destination that was not notified of it yet, it is a failure and not a change of one.
  const isNew = members.some((member) => member.view.says === 'failed')
  // Where only one of the rules has a template, its form is the one that somebody asked for.
  const custom = members.findLast(({ event, view }) => event === state.event && view.custom !== undefined)?.view.custom
  const { wasReason, ...rest } = state.view
  const view: View = {
    ...rest,
    ...(isNew ? { says: 'failed' } : wasReason !== undefined && { wasReason }),
    ...(mention !== undefined && { mention }),
    ...(custom && { custom })
  }
  return { ids: members.map(({ id }) => id), payload: composeOne(view, delayed(members, now)) }
}

/** What may be posted on its own: an event, or a group whose time has come. */
function unitsOf(pending: readonly Pending[]): Pending[][] {
  const units = new Map<string, Pending[]>()
  for (const entry of pending) {
    const key = entry.group === undefined ? `event ${entry.event}` : `group ${entry.group}`
    const unit = units.get(key)
    if (unit === undefined) units.set(key, [entry])
    else unit.push(entry)
  }
  return [...units.values()]
}
