// Sources card: shows every source, its last event, and its refused requests.
import { html } from 'hono/html'
import { sayDuration } from '../duration.ts'
import type { ErrorCode } from '../errors.ts'
import type { SourceState, Standing, Standings } from '../operator/standing.ts'
import type { Refusals } from '../operator/traffic.ts'
import type { Html } from './page.ts'
import { ago, atClock, badge, type Colour, shown } from './parts.ts'

const hourMs = 60 * 60 * 1000
/** The rest is folded; of a fleet's thousands, only this many are drawn, because people read the first page. */
const [openRows, moreRows] = [12, 200]

const badges: Record<SourceState, [Colour, string]> = {
  active: ['green', 'active'],
  quiet: ['amber', 'quiet'],
  unknown: ['grey', 'not known yet'],
  never: ['grey', 'never posted']
}

/** Sources in trouble come first. */
const order: readonly SourceState[] = ['quiet', 'unknown', 'never', 'active']

export function sourcesCard({ sources, countedSince, isShared }: Standings, now: number): Html {
  const rank = ({ state, refusals, refusedElsewhereAt }: Standing) =>
    refusals.length > 0 || refusedElsewhereAt !== undefined ? -1 : order.indexOf(state)
  const ranked = sources.toSorted((a, b) => rank(a) - rank(b))
  const rows = ranked.slice(0, openRows + moreRows).map((source) => sourceRow(source, countedSince, now))
  const [rest, unlisted] = [rows.slice(openRows), ranked.slice(rows.length)]
  return html`<section class="card" aria-labelledby="sources-title">
  <h2 id="sources-title">Sources <span class="count">${sources.length.toLocaleString('en')}</span></h2>
  <ul class="rows">${rows.slice(0, openRows)}</ul>
  ${rest.length > 0 && html`<details id="more-sources"><summary>${(rest.length + unlisted.length).toLocaleString('en')} more</summary><ul class="rows">${rest}</ul>${unlisted.length > 0 && html`<p class="quiet">${unlisted.length.toLocaleString('en')} more, all ${sayStates(unlisted)}: <code>flux-relay sources</code> lists every source.</p>`}</details>`}
  ${isShared && html`<p class="quiet">Other replicas accept events, too; the counts here are of this one.</p>`}
</section>`
}

/** `active`, `never posted or active` */
function sayStates(sources: readonly Standing[]): string {
  const states = new Set(sources.map(({ state }) => badges[state][1]))
  return [...states].join(' or ')
}

function sourceRow(standing: Standing, countedSince: number, now: number): Html {
  const { name, state, lastEventAt, events, quietAfterMs, expectMs, refusedElsewhereAt, isUnsigned } = standing
  const within = now - countedSince < hourMs ? `since ${atClock(countedSince, now)}` : 'in the last hour'
  const count = `${events.toLocaleString('en')} ${events === 1 ? 'event' : 'events'} ${within}`
  const facts =
    lastEventAt === undefined ? 'No event has ever come' : html`Last event ${ago(lastEventAt, now)} · ${count}`
  const limit = `${expectMs === undefined ? 'quiet after' : 'one is expected every'} ${sayDuration(quietAfterMs)}`
  return html`<li>
  <div class="line"><b>${name}</b> ${badge(...badges[state])}</div>
  <p class="quiet">${facts}${(lastEventAt !== undefined || expectMs !== undefined) && ` · ${limit}`}</p>
  ${clustersOf(standing, now)}
  ${isUnsigned && html`<p class="quiet">Unsigned: anyone who reaches the relay can post</p>`}
  ${refusalsOf(standing).map((refusal) => html`<p class="trouble amber">${sayRefusal(refusal, standing)}, the last ${ago(refusal.lastAt, now)}. ${adviceOn(refusal.code, standing)}</p>`)}
  ${refusedElsewhereAt !== undefined && html`<p class="trouble amber">${sayRefusedElsewhere('')}, the last ${ago(refusedElsewhereAt, now)}. The log says why.</p>`}
</li>`
}

function clustersOf({ cluster, clusters, quietClusters, hasMoreClusters }: Standing, now: number): Html | undefined {
  if (cluster !== undefined) return html`<p class="quiet">Cluster ${shown(cluster, 100)}</p>`
  if (clusters.length === 0) return undefined
  const names = [...clusters.map(({ name }) => shown(name, 100)), ...(hasMoreClusters ? ['more'] : [])]
  return html`<p class="quiet">${clusters.length === 1 && !hasMoreClusters ? 'Cluster' : 'Clusters'}, as its events say: ${names.join(', ')}</p>
  ${quietClusters.map(({ name, lastEventAt }) => html`<p class="trouble amber">Nothing from cluster ${shown(name, 100)} since ${atClock(lastEventAt, now)}.</p>`)}`
}

/** Sums up the refused requests of a source, one entry for each sentence about them: several codes are worded alike. */
export function refusalsOf(source: Standing): Refusals[] {
  const alike = Map.groupBy(source.refusals, ({ code }) => faultOf(code, source, false))
  return [...alike.values()].map((refusals) => ({
    ...(refusals[0] as Refusals),
    requests: refusals.reduce((sum, { requests }) => sum + requests, 0),
    lastAt: Math.max(...refusals.map(({ lastAt }) => lastAt))
  }))
}

/** `12 requests had a wrong or missing signature in the last hour`; `of` is put after `requests`. */
export function sayRefusal({ code, requests }: Pick<Refusals, 'code' | 'requests'>, source: Standing, of = ''): string {
  const count = `${requests.toLocaleString('en')} ${requests === 1 ? 'request' : 'requests'}`
  return `${count} ${of}${faultOf(code, source, requests === 1)} in the last hour`
}

/** For refusals that another process, or this one before a restart, counted. */
export function sayRefusedElsewhere(of: string): string {
  return `Requests ${of}were refused by another replica or before a restart`
}

function faultOf(code: ErrorCode, { proves }: Standing, isOne: boolean): string {
  switch (code) {
    case 'BAD_SIGNATURE':
      return `had a wrong or missing ${waysOf(proves)}`
    case 'TOO_LARGE':
      return `${isOne ? 'was' : 'were'} larger than MAX_BODY_BYTES`
    case 'CANNOT_STORE':
      return 'could not be stored'
    case 'INTERNAL':
      return 'failed here'
    default:
      return isOne ? 'was not a Flux event' : 'were not Flux events'
  }
}

function waysOf({ bySignature, byToken }: Standing['proves']): string {
  return [...(bySignature ? ['signature'] : []), ...(byToken ? ['token'] : [])].join(' or ')
}

/** What the operator can do about refused requests. */
export function adviceOn(code: ErrorCode, { proves, name }: Standing): Html | string {
  switch (code) {
    case 'BAD_SIGNATURE':
      return html`If that was Flux, what it sent is lost: compare ${
        proves.bySignature
          ? html`<code>token</code> in the Secret of its Provider with <code>sources.${name}.hmacKeys</code>`
          : html`<code>headers</code> in the Secret of its Provider with <code>sources.${name}.tokens</code>`
      }. The log says who sent them.`
    case 'TOO_LARGE':
      return 'If that was Flux, what it sent is lost: raise MAX_BODY_BYTES.'
    case 'CANNOT_STORE':
    case 'INTERNAL':
      return 'Flux retries for a while, then the event is lost. The log says why.'
    default:
      return 'If that was Flux, what it sent is lost. The log says why, and who sent them.'
  }
}
