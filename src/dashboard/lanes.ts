// Destinations card: shows each lane and whether its messages arrive.
import { html } from 'hono/html'
import type { Destination } from '../deliver/destination.ts'
import { adviceOnBlock } from '../slack-api/words.ts'
import type { LaneRecord, Listed } from '../store/records.ts'
import { address, type Html } from './page.ts'
import { ahead, badge, lasting, shown } from './parts.ts'

/** A lane and its destinations. */
export interface DashboardLane {
  destinations: readonly Destination[]
  /** Absent where it was never used. */
  record: LaneRecord | undefined
}

/** The lanes of the config file in its order, then those that still have something for a destination that is gone. */
export function lanesOf(destinations: Iterable<Destination>, records: readonly LaneRecord[]): DashboardLane[] {
  const byLane = Map.groupBy(destinations, ({ lane }) => lane)
  const known = new Map(records.map((record) => [record.lane, record]))
  const left = records.filter(({ lane, backlog }) => !byLane.has(lane) && backlog > 0)
  return [
    ...[...byLane].map(([lane, destinations]) => ({ destinations, record: known.get(lane) })),
    ...left.map((record) => ({ destinations: [], record }))
  ]
}

/** Those that reject all messages. */
export function blockedOf(lanes: readonly DashboardLane[]): DashboardLane[] {
  return lanes.filter(({ record }) => record?.block != null)
}

/** A message that was not taken for this long is late; what is held on purpose is not a message yet. */
const lateMs = 5 * 60 * 1000

function isLate({ openSince, block }: Pick<LaneRecord, 'openSince' | 'block'>, now: number): boolean {
  return openSince !== null && block === null && now - openSince > lateMs
}

/** Those that do not take what is posted, for now; `waitingMs`: since their message was first tried. */
export function lateOf(lanes: readonly DashboardLane[], now: number): (DashboardLane & { waitingMs: number })[] {
  return lanes.flatMap((lane) =>
    lane.record && isLate(lane.record, now) ? [{ ...lane, waitingMs: now - (lane.record.openSince ?? now) }] : []
  )
}

/** `12`, or `50+` where there are more. */
export function sayCount({ items, next }: Listed<unknown>): string {
  return next === null ? String(items.length) : `${items.length}+`
}

/** `3 notifications could not be delivered` */
export function sayDead(dead: Listed<unknown>): string {
  return `${sayCount(dead)} ${dead.items.length === 1 ? 'notification' : 'notifications'} could not be delivered`
}

export function lanesCard(lanes: readonly DashboardLane[], dead: Listed<unknown>, now: number): Html {
  return html`<section class="card" aria-labelledby="lanes-title">
  <h2 id="lanes-title">Destinations</h2>
  <ul class="rows">${lanes.map((lane) => laneRow(lane, now))}</ul>
  ${dead.items.length > 0 && html`<p><a class="trouble" href="/deliveries?state=dead">${sayDead(dead)}</a></p>`}
</section>`
}

function laneRow({ destinations, record }: DashboardLane, now: number): Html {
  const [first] = destinations
  const backlog = record?.backlog ?? 0
  const names = destinations.map(({ name }) => html`<a class="object" href="/preview/${name}">${name}</a> `)
  const pace = first && `${first.pace.perSecond} a second, bursts of ${first.pace.burst}`
  const { app, sender } = first?.slack ?? {}
  const place = app && `${sender?.channel}, by the app ${app.name} · `
  const advice = app && record?.block && adviceOnBlock(record.block.reason)
  return html`<li>
  <div class="line"><b>${names.length > 0 ? names : 'a destination that is no longer in the config file'}</b> ${stateOf(record, now)}</div>
  ${record?.block && html`<p class="trouble">Nothing could be posted for ${lasting(record.block.since, now)}: <code>${shown(record.block.reason, 200)}</code>. Next try ${ahead(record.notBefore, now)}.${advice && html`<br>What to do: ${advice}.`}</p>`}
  ${record !== undefined && record.backlog > 0 && record.notBefore > now && tryButton(record.lane)}
  <p class="quiet">${
    backlog > 0
      ? html`<a href="${address('/deliveries', { state: 'pending', destination: first?.name })}">${backlog.toLocaleString('en')} waiting</a>${record?.oldest != null && html`, the oldest for ${lasting(record.oldest, now)}`} · `
      : ''
  }${first?.slack === undefined && first !== undefined && 'preview · '}${place}${pace}</p>
</li>`
}

function tryButton(lane: string): Html {
  return html`<form class="line" method="post" action="/lanes/${encodeURIComponent(lane)}/try"><button data-key="try-${lane}">Try now</button></form>`
}

function stateOf(record: LaneRecord | undefined, now: number): Html {
  if (record?.block != null) return badge('red', 'blocked')
  // An empty lane does not show whether a message would be taken.
  if (record?.bucket == null && (record?.backlog ?? 0) === 0) return badge('grey', 'never used')
  if (record == null || record.backlog === 0) return badge('grey', 'idle')
  if (isLate(record, now)) return badge('amber', 'late')
  return record.notBefore > now
    ? html`${badge('amber', 'waiting')} <span class="quiet">${ahead(record.notBefore, now)}</span>`
    : badge('green', 'sending')
}
