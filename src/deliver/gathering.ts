// Gathering: decides how long news of a known cause is held, so that it shares messages, and who is pinged. Pure.
import { isOwn, type View } from '../render/compose/view.ts'
import { mentionsIn, withoutMentions } from '../render/slack/mrkdwn.ts'
import type { Payload } from '../render/slack/payload.ts'
import {
  apartMs,
  type Gathered,
  type Gathering,
  type Gatherings,
  gatheringMs,
  type Hold,
  maxHolds,
  type Pending
} from '../store/kept-lanes.ts'

/** How long news is held after the first message about its cause; longer from message to message. */
const ladderMs = [2, 10, 30, 60, 120, 300].map((seconds) => seconds * 1000)

/** The gap within a storm. It is short, because the extent of the storm is news. */
const stormGapMs = 1000

/** The gaps between the shared messages that follow about all causes of a lane; after these, there is one a minute. */
const sharedLadderMs = ladderMs.slice(0, 4)
const sharedMaxMs = 60_000

/** So many in one message are a storm, whose second and third gap may be short. */
const burst = 20

/** So many fill messages: they are posted as fast as the lane may, together with what did not fit, and all of it is one step. */
const flood = 200

/** After so long without a message about it, a cause begins anew. Twice the longest gap. */
const calmMs = 10 * 60_000

/** How long good news is gathered: nobody needs it at once, and one push reaches objects one after the other. */
const goodNewsMs: Readonly<Record<string, number>> = { recoveries: 5000, news: 10_000 }

/** The name under which a lane remembers what all its causes have in common. */
const lane = 'lane'
const recoveries = 'recoveries'
const news = 'news'
const notices = 'notices'

/** What a notification is gathered with: failures of the same cause, all recoveries, or all other news. Notices, which are few, are not. */
function causeOf(view: View): string {
  if (isOwn(view)) return notices
  if (view.rollout !== undefined) return view.cause
  if (view.says === 'recovered') return recoveries
  if (view.says === 'updated' || view.says === 'informed' || view.says === 'heartbeat') return news
  return `failure ${view.cause}`
}

/** The causes whose gatherings {@link holdsOf} and {@link gather} need. */
export function causesOf(view: View): readonly string[] {
  return [causeOf(view), lane]
}

/**
 * Reports whether nothing holds a notification, because it is the first of its cause for a while, or the first of its cause to ping
 * somebody.
 */
export function isFirst({ view, createdAt }: Pending, gatherings: Gatherings, now: number): boolean {
  const cause = causeOf(view)
  if (isGood(cause)) return false
  return current(gatherings.get(cause), createdAt, now) === undefined || isCall(view, gatherings, now)
}

/**
 * Reports whether a notification pings somebody whom its cause has not pinged within the hour. A page must not wait behind failures of
 * the same cause that page nobody, such as those of another cluster. Mentions in templates do not count: some forms of a message leave
 * them out.
 */
function isCall(view: View, gatherings: Gatherings, now: number): boolean {
  const { mention } = view
  return mention !== undefined && recentPings(gatherings.get(causeOf(view)), now)[mention] === undefined
}

/**
 * Decides which of `pending`, all of them due, are held: until the gap after the last message about their cause is over, and then
 * until the lane may have a message about what follows. Nothing is held twice for the same reason.
 */
export function holdsOf(pending: readonly Pending[], gatherings: Gatherings, now: number): Hold[] {
  const sizes = countBy(pending.map(({ view }) => causeOf(view)))
  const holds = new Map<string, { ids: string[]; until: number; holds: number }>()
  for (const entry of pending) {
    const size = sizes.get(causeOf(entry.view)) ?? 0
    // A group stays together: it has waited since its first notification came.
    const first = entry.group === undefined ? entry : pending.find(({ group }) => group === entry.group)
    const hold = holdOf(entry, { gatherings, isBurst: size >= burst, since: first?.createdAt ?? entry.createdAt, now })
    if (hold === undefined) continue
    const key = `${hold.until} ${hold.holds}`
    const others = holds.get(key)
    if (others === undefined) holds.set(key, { ...hold, ids: [entry.id] })
    else others.ids.push(entry.id)
  }
  return [...holds.values()]
}

function holdOf(
  entry: Pending,
  { gatherings, isBurst, since, now }: { gatherings: Gatherings; isBurst: boolean; since: number; now: number }
): Pick<Hold, 'until' | 'holds'> | undefined {
  // The clock was set back since: nobody knows how long this has waited.
  if (since - now > apartMs || isCall(entry.view, gatherings, now)) return undefined
  const cause = causeOf(entry.view)
  const known = current(gatherings.get(cause), since, now)
  const ownUntil = Math.max(untilOf(known), since + (goodNewsMs[cause] ?? 0))
  if (entry.holds === 0 && ownUntil > now) return { until: ownUntil, holds: 1 }
  if (known === undefined || isBurst || entry.holds >= maxHolds) return undefined
  const sharedUntil = untilOf(current(gatherings.get(lane), since, now))
  // Never longer in all than the last message has announced.
  const until = Math.min(sharedUntil, since + Math.max(known.gapMs, sharedMaxMs))
  return until > now ? { until, holds: maxHolds } : undefined
}

/**
 * What a message changes in the gatherings. `members` are all that it could have carried, with the mentions that may be sent;
 * `payload` is what is sent, in which some mentions may be left out.
 */
export function gather(
  members: readonly Pending[],
  { ids, payload }: { ids: ReadonlySet<string>; payload: Payload | undefined },
  gatherings: Gatherings,
  now: number
): Gathered[] {
  const said = payload && members.some(({ view }) => mentionsOf(view).length > 0) ? JSON.stringify(payload) : ''
  const byCause = Map.groupBy(members, ({ view }) => causeOf(view))
  const carried = [...byCause].filter(([, entries]) => entries.some(({ id }) => ids.has(id)))
  const gathered = carried
    .filter(([cause]) => cause !== notices)
    .map(([cause, entries]) => {
      const known = current(gatherings.get(cause), entries[0]?.createdAt ?? now, now)
      const { step, gapMs } = stepAfter(known, entries, { ids, first: 0, ladder: ladderMs })
      const mentions = entries.filter(({ id }) => ids.has(id)).flatMap(({ view }) => mentionsOf(view))
      const pings = mentions.filter((mention) => said.includes(mention))
      const pinged = recentPings(gatherings.get(cause), now)
      return { cause, postedAt: now, step, gapMs, pinged, pings: [...new Set(pings)] }
    })
  const follows = members.filter(({ view, createdAt }) => {
    return current(gatherings.get(causeOf(view)), createdAt, now) !== undefined
  })
  if (!follows.some(({ id }) => ids.has(id))) return gathered
  const known = current(gatherings.get(lane), follows[0]?.createdAt ?? now, now)
  // Begins at step 1, because the first message of the cause came before.
  const { step, gapMs } = stepAfter(known, follows, { ids, first: 1, ladder: sharedLadderMs })
  return [...gathered, { cause: lane, postedAt: now, step, gapMs, pinged: {}, pings: [] }]
}

/** The longest time, in ms, until the next message about the failures in a message; undefined if none of them is gathered. */
export function nextWordMs(gathered: readonly Gathered[]): number | undefined {
  const lasting = gathered.filter(({ cause, step }) => step > 0 && cause !== lane && !isGood(cause))
  return lasting.length === 0 ? undefined : Math.max(sharedMaxMs, ...lasting.map(({ gapMs }) => gapMs))
}

/** The same notification without the mentions that were sent for its cause within the hour. */
export function unlessPinged(entry: Pending, gatherings: Gatherings, now: number): Pending {
  const mentions = mentionsOf(entry.view)
  if (mentions.length === 0) return entry
  const pinged = recentPings(gatherings.get(causeOf(entry.view)), now)
  if (mentions.every((mention) => pinged[mention] === undefined)) return entry
  const { mention, custom, ...view } = entry.view
  const isLeft = mention !== undefined && pinged[mention] === undefined
  return { ...entry, view: { ...view, ...(isLeft && { mention }), ...(custom && { custom: quietly(custom) }) } }
}

/** Whom a message about a notification pings: those in its rule and in its template. */
function mentionsOf({ mention, custom }: View): string[] {
  return [...(mention === undefined ? [] : [mention]), ...(custom ? mentionsIn(JSON.stringify(custom)) : [])]
}

function quietly(custom: NonNullable<View['custom']>): NonNullable<View['custom']> {
  return JSON.parse(JSON.stringify(custom), (_key, value) =>
    typeof value === 'string' ? withoutMentions(value) : value
  )
}

/** The gathering, unless it ended before `createdAt`, because nothing was posted for a while, or the clock was set back since. */
function current(gathering: Gathering | undefined, createdAt: number, now: number): Gathering | undefined {
  if (gathering === undefined || gathering.postedAt - now > apartMs) return undefined
  return createdAt - gathering.postedAt < calmMs ? gathering : undefined
}

function untilOf(gathering: Gathering | undefined): number {
  return gathering === undefined ? 0 : gathering.postedAt + gathering.gapMs
}

/** The step and the gap after a message that carries `ids` of `entries`. */
function stepAfter(
  known: Gathering | undefined,
  entries: readonly Pending[],
  { ids, first, ladder }: { ids: ReadonlySet<string>; first: number; ladder: readonly number[] }
): { step: number; gapMs: number } {
  const isUnderWay = entries.length >= flood || !entries.every(({ id }) => ids.has(id))
  if (isUnderWay) return { step: known?.step ?? 0, gapMs: stormGapMs }
  const step = known === undefined ? first : known.step + 1
  const isShort = entries.length >= burst && step > 0 && step <= 2
  return { step, gapMs: isShort ? stormGapMs : (ladder[Math.min(step, ladder.length - 1)] ?? stormGapMs) }
}

function recentPings(gathering: Gathering | undefined, now: number): Record<string, number> {
  const pings = Object.entries(gathering?.pinged ?? {})
  return Object.fromEntries(pings.filter(([, at]) => now - at < gatheringMs && at - now <= apartMs))
}

function isGood(cause: string): boolean {
  return cause in goodNewsMs
}

function countBy(keys: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  return counts
}
