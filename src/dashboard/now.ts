// First page: shows whether all is well, and if not, what fails, since when and why.
import { html } from 'hono/html'
import type { Refusal } from '../config/watch.ts'
import type { Standing } from '../operator/standing.ts'
import type { DestinationTraffic, Minute } from '../store/records.ts'
import { boardCards } from './causes.ts'
import { barsOf, chart } from './chart.ts'
import { lanesCard } from './lanes.ts'
import type { Evidence, Overview } from './overview.ts'
import type { Html } from './page.ts'
import { ago, atClock } from './parts.ts'
import { searchBox } from './search-box.ts'
import { mutesCard } from './silences.ts'
import { sourcesCard } from './sources.ts'
import type { ActiveMute } from './trouble.ts'

const dayMs = 24 * 60 * 60 * 1000

export interface Now extends Evidence {
  mutes: readonly ActiveMute[]
  /** The text in the search box. */
  asked: string
  /** Counts per minute of the last day. */
  minutes: readonly Minute[]
  /** Time from event to Slack over the last hour. */
  latency: { medianMs: number; p99Ms: number } | undefined
  /** Time at which the newest event of any source was accepted. */
  lastEventAt: number | undefined
  /** The origin by which the viewer reached the relay, such as `http://localhost:8080`. */
  origin: string
  /** Messages per destination in the last 24 hours. */
  traffic: readonly DestinationTraffic[]
}

export function nowPage(data: Now, overview: Overview): Html {
  const { now, refusal, board, asked } = data
  const { failing, waiting, muted, stale } = board.counts
  const isSearchable = asked !== '' || failing + waiting + muted + stale > 3
  return html`<div id="now-hero" data-live>${hero(data, overview)}</div>
${isSearchable && searchBox('/', asked)}
<div id="now" data-live>
${refusal && refusalCard(refusal, now)}
<div class="columns">${columnsOf(data).map((cards) => html`<div>${cards}</div>`)}</div>
${chartsCard(data)}
</div>`
}

function columnsOf({ now, board, asked, lanes, traffic, mutes, dead, sources, origin }: Now): Html[][] {
  const [first] = sources.sources
  const isFirst = sources.sources.every(({ lastEventAt }) => lastEventAt === undefined)
  const troubles = [...boardCards(board, asked, now), ...(isFirst && first ? [firstEventCard(first, origin, now)] : [])]
  const posting = sourcesCard(sources, now)
  const destinations = lanesCard(lanes, traffic, dead, now)
  const quiet = mutesCard(mutes, now)
  if (troubles.length === 0) return [[posting], [destinations, quiet]]
  return isFirst ? [troubles, [posting, destinations, quiet]] : [troubles, [destinations, posting, quiet]]
}

function hero({ now, lastEventAt, sources }: Now, { colour, heading, aside }: Overview): Html {
  const times = [lastEventAt, ...sources.sources.map(({ lastEventAt }) => lastEventAt)].filter((at) => at !== undefined)
  const last = times.length > 0 && html`Last event ${ago(Math.max(...times), now)}.`
  return html`<section class="hero ${colour}"><h1>${heading}</h1><p>${aside.map((sentence) => html`${sentence} `)}${last}</p></section>`
}

function refusalCard({ at, problems }: Refusal, now: number): Html {
  return html`<section class="card refused" id="refused" aria-labelledby="refused-title">
  <h2 id="refused-title">The config file cannot be used</h2>
  <p>Read ${ago(at, now)}. The relay keeps using the last good one.</p>
  <ul>${problems.slice(0, 10).map((problem) => html`<li><code>${problem}</code></li>`)}</ul>
</section>`
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

/** `origin` is the one by which the viewer reached the relay. */
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

/** Shell commands that post a first event. Secrets stay in variables that the reader sets. */
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
