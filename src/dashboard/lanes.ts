// Destinations card: shows each lane and whether its messages arrive.
import { html } from 'hono/html'
import type { Destination } from '../deliver/destination.ts'
import { createPace, type Pace, tokensAt } from '../deliver/pace.ts'
import { adviceOnBlock } from '../slack-api/words.ts'
import type { DestinationTraffic, LaneRecord, Listed } from '../store/records.ts'
import { address, type Html } from './page.ts'
import { ago, ahead, badge, lasting, shown } from './parts.ts'

/** A lane and the destinations that post to it. */
export interface DashboardLane {
  destinations: readonly Destination[]
  /** Undefined if the lane was never used. */
  record: LaneRecord | undefined
}

/** Lists the lanes of the config file in its order, then lanes of removed destinations that still have a backlog. */
export function lanesOf(destinations: Iterable<Destination>, records: readonly LaneRecord[]): DashboardLane[] {
  const byLane = Map.groupBy(destinations, ({ lane }) => lane)
  const known = new Map(records.map((record) => [record.lane, record]))
  const left = records.filter(({ lane, backlog }) => !byLane.has(lane) && backlog > 0)
  return [
    ...[...byLane].map(([lane, destinations]) => ({ destinations, record: known.get(lane) })),
    ...left.map((record) => ({ destinations: [], record }))
  ]
}

/** Lanes that are blocked: Slack rejects every message. */
export function blockedOf(lanes: readonly DashboardLane[]): DashboardLane[] {
  return lanes.filter(({ record }) => record?.block != null)
}

/** A message is late if Slack has not accepted it for this long. What is held on purpose is not a message yet. */
const lateMs = 5 * 60 * 1000

function isLate({ openSince, block }: Pick<LaneRecord, 'openSince' | 'block'>, now: number): boolean {
  return openSince !== null && block === null && now - openSince > lateMs
}

/** Lanes whose messages are late; `waitingMs` counts from the first try of the oldest message. */
export function lateOf(lanes: readonly DashboardLane[], now: number): (DashboardLane & { waitingMs: number })[] {
  return lanes.flatMap((lane) =>
    lane.record && isLate(lane.record, now) ? [{ ...lane, waitingMs: now - (lane.record.openSince ?? now) }] : []
  )
}

/** `12`, or `50+` if there are more. */
export function sayCount({ items, next }: Listed<unknown>): string {
  return next === null ? String(items.length) : `${items.length}+`
}

/** `3 notifications could not be delivered` */
export function sayDead(dead: Listed<unknown>): string {
  return `${sayCount(dead)} ${dead.items.length === 1 ? 'notification' : 'notifications'} could not be delivered`
}

/** Draws the lanes: those in trouble first, then those with a backlog. `traffic` covers the last 24 hours. */
export function lanesCard(
  lanes: readonly DashboardLane[],
  traffic: readonly DestinationTraffic[],
  dead: Listed<unknown>,
  now: number
): Html {
  const byName = new Map(traffic.map((entry) => [entry.destination, entry]))
  const ranked = lanes.toSorted((a, b) => rankOf(a, now) - rankOf(b, now))
  const rows = ranked.slice(0, openRows + moreRows).map((lane) => laneRow(lane, byName, now))
  const [rest, unlisted] = [rows.slice(openRows), ranked.slice(rows.length)]
  return html`<section class="card" id="lanes" aria-labelledby="lanes-title">
  <h2 id="lanes-title">Destinations <span class="count">${lanes.length.toLocaleString('en')}</span></h2>
  ${dead.items.length > 0 && html`<p><a class="trouble" href="/deliveries?state=dead">${sayDead(dead)}</a></p>`}
  <ul class="rows">${rows.slice(0, openRows)}</ul>
  ${rest.length > 0 && html`<details id="more-lanes"><summary>${(rest.length + unlisted.length).toLocaleString('en')} more</summary><ul class="rows">${rest}</ul>${unlisted.length > 0 && html`<p class="quiet">${unlisted.length.toLocaleString('en')} more: <code>flux-relay lanes</code> lists every one.</p>`}</details>`}
</section>`
}

/** The rest is folded; of thousands, only this many are drawn. sources.ts does the same. */
const [openRows, moreRows] = [12, 200]

function rankOf({ record }: DashboardLane, now: number): number {
  if (record == null) return 4
  if (record.block !== null) return 0
  if (isLate(record, now)) return 1
  return record.backlog > 0 ? 2 : 3
}

function laneRow(
  { destinations, record }: DashboardLane,
  traffic: ReadonlyMap<string, DestinationTraffic>,
  now: number
): Html {
  const [first] = destinations
  const backlog = record?.backlog ?? 0
  const names = destinations.map(({ name }) => html`<a class="object" href="/preview/${name}">${name}</a> `)
  const { app, sender } = first?.slack ?? {}
  const advice = app && record?.block && adviceOnBlock(record.block.reason)
  const facts = [
    backlog > 0 &&
      html`<a href="${address('/deliveries', { state: 'pending', destination: first?.name })}">${backlog.toLocaleString('en')} waiting</a>${record?.oldest != null && html`, the oldest for ${lasting(record.oldest, now)}`}`,
    trafficOf(destinations, record, traffic, now),
    first !== undefined && first.slack === undefined && 'preview',
    app && `${sender?.channel}, by the app ${app.name}`,
    first && paceOf(first)
  ].filter(Boolean)
  return html`<li>
  <div class="line"><b>${names.length > 0 ? names : 'a destination that is no longer in the config file'}</b> ${stateOf(record, first?.pace ?? createPace(), now)}</div>
  ${record?.block && html`<p class="trouble">Nothing could be posted for ${lasting(record.block.since, now)}: <code>${shown(record.block.reason, 200)}</code>. Next try ${ahead(record.notBefore, now)}.${advice && html`<br>What to do: ${advice}.`}</p>`}
  ${record !== undefined && record.backlog > 0 && record.notBefore > now && tryButton(record.lane)}
  <p class="quiet">${facts.map((fact, index) => html`${index > 0 && ' · '}${fact}`)}</p>
</li>`
}

/** `23 messages sent in 24 h, last 5 m ago` */
function trafficOf(
  destinations: readonly Destination[],
  record: LaneRecord | undefined,
  traffic: ReadonlyMap<string, DestinationTraffic>,
  now: number
): Html | string {
  const used = destinations.flatMap(({ name }) => traffic.get(name) ?? [])
  const times = used.flatMap(({ lastAt }) => lastAt ?? [])
  if (times.length === 0) return record?.bucket == null ? 'nothing sent yet' : 'nothing sent lately'
  const messages = used.reduce((sum, entry) => sum + entry.messages, 0)
  const isPart = used.some(({ isPart }) => isPart)
  const count = `${messages.toLocaleString('en')}${isPart ? '+' : ''} ${messages === 1 && !isPart ? 'message' : 'messages'}`
  return html`${count} sent in 24 h, last ${ago(Math.max(...times), now)}`
}

/** Says the pace, unless it is Slack's usual one per second. */
function paceOf({ pace: { perSecond, burst } }: Destination): string | undefined {
  return perSecond === 1 && burst === 3 ? undefined : `${perSecond} a second, bursts of ${burst}`
}

function tryButton(lane: string): Html {
  return html`<form class="line" method="post" action="/lanes/${encodeURIComponent(lane)}/try"><button data-key="try-${lane}">Try now</button></form>`
}

function stateOf(record: LaneRecord | undefined, pace: Pace, now: number): Html {
  if (record?.block != null) return badge('red', 'blocked')
  // Nothing waits, so nothing is known of whether Slack would accept a message.
  if (record?.bucket == null && (record?.backlog ?? 0) === 0) return badge('grey', 'never used')
  if (record == null || record.backlog === 0) return badge('grey', 'idle')
  if (isLate(record, now)) return badge('amber', 'late')
  if (record.notBefore > now)
    return html`${badge('amber', 'waiting')} <span class="quiet">${ahead(record.notBefore, now)}</span>`
  return isHeld(record, pace, now) ? badge('grey', 'held') : badge('green', 'sending')
}

/** True if something waits although a post would be allowed: it is held for `group` or `for`, or is being gathered. */
function isHeld({ openSince, bucket }: LaneRecord, pace: Pace, now: number): boolean {
  return openSince === null && tokensAt(bucket ?? undefined, pace, now) >= 1
}
