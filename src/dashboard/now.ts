// First page: shows whether all is well, and if not, what fails, since when and why.
import { html } from 'hono/html'
import type { Refusal } from '../config/watch.ts'
import type { Standing } from '../operator/standing.ts'
import type { Listed, Minute, ObjectRecord } from '../store/records.ts'
import { barsOf, chart } from './chart.ts'
import { lanesCard, sayCount } from './lanes.ts'
import type { Evidence, Overview } from './overview.ts'
import type { Html } from './page.ts'
import { ago, atClock, exactly, lasting, objectLink, shown, silenceLink } from './parts.ts'
import { type ActiveMute, mutesCard } from './silences.ts'
import { sourcesCard } from './sources.ts'

const dayMs = 24 * 60 * 60 * 1000

export interface Now extends Evidence {
  mutes: readonly ActiveMute[]
  /** The minutes of the last day. */
  minutes: readonly Minute[]
  /** From event to Slack, in the last hour. */
  latency: { medianMs: number; p99Ms: number } | undefined
  /** When the newest event of any source was accepted, if one was. */
  lastEventAt: number | undefined
  /** Where whoever looks reached the relay. */
  origin: string
}

export function nowPage(data: Now, overview: Overview): Html {
  const { now, refusal } = data
  return html`<div id="now" data-live>
${hero(data, overview)}
${refusal && refusalCard(refusal, now)}
<div class="columns">${columnsOf(data).map((cards) => html`<div>${cards}</div>`)}</div>
${chartsCard(data)}
</div>`
}

function columnsOf({ now, failing, stale, lanes, mutes, dead, sources, origin }: Now): Html[][] {
  const [first] = sources.sources
  const isFirst = sources.sources.every(({ lastEventAt }) => lastEventAt === undefined)
  const troubles = [
    ...(failing.items.length > 0 ? [objectsCard('failing', 'Failing', failing, now)] : []),
    ...(stale.items.length > 0 ? [objectsCard('stale', staleSummary(stale, now), stale, now)] : []),
    ...(isFirst && first ? [firstEventCard(first, origin, now)] : [])
  ]
  const [posting, destinations, quiet] = [sourcesCard(sources, now), lanesCard(lanes, dead, now), mutesCard(mutes, now)]
  return troubles.length > 0 ? [troubles, [posting, destinations, quiet]] : [[posting], [destinations, quiet]]
}

/** The least time without an event of any of them. */
function staleSummary({ items }: Listed<ObjectRecord>, now: number): string {
  const isDay = items.every(({ seenAt }) => now - seenAt >= dayMs)
  return `No event for ${isDay ? 'a day' : 'an hour'}`
}

function hero({ now, lastEventAt, sources }: Now, { colour, title, aside }: Overview): Html {
  const times = [lastEventAt, ...sources.sources.map(({ lastEventAt }) => lastEventAt)].filter((at) => at !== undefined)
  const last = times.length > 0 && html`Last event ${ago(Math.max(...times), now)}.`
  return html`<section class="hero ${colour}"><h1>${title}</h1><p>${aside.map((sentence) => html`${sentence} `)}${last}</p></section>`
}

function refusalCard({ at, problems }: Refusal, now: number): Html {
  return html`<section class="card refused" aria-labelledby="refused-title">
  <h2 id="refused-title">The config file cannot be used</h2>
  <p>Read ${ago(at, now)}. The relay keeps using the last good one.</p>
  <ul>${problems.slice(0, 10).map((problem) => html`<li><code>${problem}</code></li>`)}</ul>
</section>`
}

function objectsCard(id: string, title: string, { items, next }: Listed<ObjectRecord>, now: number): Html {
  const count = sayCount({ items, next })
  return html`<section class="card" aria-labelledby="${id}-title">
  <h2 id="${id}-title">${title} <span class="count">${count}</span></h2>
  <ul class="rows">${items.map((item) => objectRow(item, now))}</ul>
</section>`
}

function objectRow({ object, state, failure, seenAt }: ObjectRecord, now: number): Html {
  const colour = state === 'stale' || failure?.severity === 'warn' ? 'amber' : 'red'
  const times = failure?.count === 1 ? 'once' : `${failure?.count.toLocaleString('en')} times`
  const seen = state === 'stale' ? html`last event ${exactly(seenAt)}` : html`last ${ago(seenAt, now)}`
  return html`<li class="failing ${colour}">
  <div class="line">${objectLink(object)} <span class="long">${failure && lasting(failure.since, now)}</span></div>
  ${failure?.text && html`<p class="text">${shown(failure.text, 300)}</p>`}
  <div class="line"><span class="quiet">${failure?.reason && html`<code>${shown(failure.reason, 100)}</code> · `}${failure && times}, ${seen}</span> ${silenceLink(object)}</div>
</li>`
}

function chartsCard({ now, minutes, latency, sources: { listeningSince } }: Now): Html {
  const isWhole = now - listeningSince >= dayMs
  const hour = { until: now, stepMinutes: 1, count: 60 }
  const day = { until: now, stepMinutes: 15, count: 96 }
  const events = ({ events, failed }: Minute) => ({ total: events, part: failed })
  const messages = ({ messages }: Minute) => ({ total: messages, part: 0 })
  const hourly = { per: 'a minute', from: 'an hour ago' }
  const daily = { per: '15 minutes', from: 'a day ago' }
  return html`<section class="card" aria-labelledby="flow-title">
  <h2 id="flow-title">Flow</h2>
  <p class="quiet">${
    latency === undefined
      ? 'Nothing was sent in the last hour.'
      : html`From event to Slack in the last hour: half of the messages within <b>${seconds(latency.medianMs)}</b>, 99 of 100 within <b>${seconds(latency.p99Ms)}</b>.`
  }</p>
  <div class="charts">
    ${chart({ title: 'Events, last hour', ...hourly, bars: barsOf(minutes, hour, events) })}
    ${chart({ title: 'Messages, last hour', ...hourly, bars: barsOf(minutes, hour, messages) })}
    ${chart({ title: 'Events, last day', ...daily, bars: barsOf(minutes, day, events) })}
    ${chart({ title: 'Messages, last day', ...daily, bars: barsOf(minutes, day, messages) })}
  </div>
  <p class="quiet key"><span class="dot red"></span> new failures</p>
  ${!isWhole && html`<p class="quiet">The relay has accepted events without a break since ${atClock(listeningSince, now)}. Gaps before that mean nothing.</p>`}
</section>`
}

function seconds(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  return ms < 60_000 ? `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s` : `${Math.round(ms / 60_000)} m`
}

/** `origin`: where whoever looks at the page reached the relay, such as `http://localhost:8080`. */
function firstEventCard(source: Standing, origin: string, now: number): Html {
  return html`<section class="card" aria-labelledby="first-title">
  <h2 id="first-title">Get the first event</h2>
  <p class="quiet">Post one by hand; this one is harmless:</p>
  <pre id="by-hand">${byHand(source, origin, now)}</pre>
  <p class="quiet">With a Provider and an Alert in place, let Flux post one:</p>
  <pre>kubectl -n flux-system annotate --overwrite kustomization/flux-system reconcile.fluxcd.io/requestedAt="$(date +%s)"</pre>
  <p class="quiet">If none arrives, Flux says why:</p>
  <pre>kubectl -n flux-system get events --field-selector involvedObject.kind=Alert</pre>
</section>`
}

/** Commands for a shell. What is secret stands in the variables that the reader sets. */
function byHand({ name, proves }: Standing, origin: string, now: number): string {
  const body = JSON.stringify({
    involvedObject: { kind: 'Kustomization', namespace: 'flux-system', name: 'by-hand', apiVersion: 'v1' },
    severity: 'info',
    timestamp: new Date(now).toISOString(),
    message: 'A first event, posted by hand',
    reason: 'Test',
    reportingController: 'by-hand'
  })
  const proof = proves.bySignature
    ? [
        '-H "X-Signature: sha256=$(printf %s "$event" | openssl dgst -sha256 -hmac "$FLUX_HMAC_KEY" -r | cut -d\' \' -f1)"'
      ]
    : proves.byToken
      ? ['-H "Authorization: Bearer $FLUX_TOKEN"']
      : []
  const address = `${origin}/webhook${name === 'default' ? '' : `/${name}`}`
  const curl = ['curl', "-H 'Content-Type: application/json'", ...proof, '-d "$event"', address]
  return `event='${body}'\n${curl.join(' ')}`
}
