// Event page: says who was notified of one event or why nobody was, then shows what it said, each rule's verdict, and its
// surroundings.
import { html } from 'hono/html'
import type { FluxEvent } from '../events/flux.ts'
import { type Owned, sayEntry } from '../rules/owners.ts'
import type { Verdict } from '../rules/rule.ts'
import type { CardRecord, EventDetail, EventRecord } from '../store/records.ts'
import { acknowledgeForm, isFailing } from './acknowledge.ts'
import { cardSection } from './card.ts'
import { barsOf, chart } from './chart.ts'
import { retryButton } from './deliveries.ts'
import { type Standing, sayNotified, sayStanding, withTimes } from './notified.ts'
import { address, type Html } from './page.ts'
import {
  ago,
  exactly,
  gistIn,
  historyOf,
  objectLink,
  objectName,
  objectPlace,
  shown,
  silenceButtons,
  stateBadge,
  transitionBadge
} from './parts.ts'
import { slackMessage } from './preview.ts'

/** Longer than anyone reads here; the whole body has an address of its own. */
const maxText = 100_000

export interface EventFacts {
  now: number
  event: EventDetail
  /** The event as rules and templates see it; undefined if an earlier version stored something that this version cannot read. */
  flux: FluxEvent | undefined
  /** Links about the event, by name. */
  links: Readonly<Record<string, string>>
  /** The object's present state; undefined if the object is forgotten. */
  standing: Standing | undefined
  /** The object's newest events, which may or may not include this one. */
  neighbours: readonly EventRecord[]
  /** Cards that show the event or have it in their thread. */
  cards: readonly CardRecord[]
  /** The object's events of the last 24 hours; `isCut` if there were more than were read. */
  lately: { events: readonly EventRecord[]; isCut: boolean }
  /** Link to the changes since the revision that was applied before. */
  compare: { text: string; url: string } | undefined
  /** The origin by which the viewer reached the relay, such as `https://relay.example`. */
  origin: string
}

export function eventPage(facts: EventFacts): Html {
  const { now, event, standing, neighbours } = facts
  const { id, object, severity, transition, message, trace, notifications } = event
  const matched = trace.verdicts.filter(({ fired }) => fired)
  const others = trace.verdicts.filter(({ fired }) => !fired)
  const gist = gistIn(object, { reason: event.reason, text: message })
  const back = address(`/events/${id}`, {})
  return html`<div id="event" data-live>
<h1>${objectName(object)}</h1>
<section class="card" aria-label="What became of it">
  <div class="line"><span>${transitionBadge(transition, severity)} ${objectPlace(object)}</span>
  <span class="buttons">${standing && isFailing(standing.record) && acknowledgeForm(standing.record, back)} <a class="button" href="${historyOf(object)}">History</a> ${silenceButtons(object, isFailing(standing?.record))}</span></div>
  ${gist && html`<p class="gist">${gist}</p>`}
  <p class="lead">${sayNotified(event, now)}</p>
  ${trace.acknowledged && html`<p>Its incident had been acknowledged by <b>${shown(trace.acknowledged.by, 100)}</b>, ${exactly(trace.acknowledged.at)}: no reminder, no ping.</p>`}
  <p>${sayStanding(standing, now)}</p>
</section>
<section class="card" aria-label="The event">
  ${factList(facts)}
  <pre class="message" tabindex="0">${shown(message, maxText)}</pre>
</section>
<section class="card" aria-labelledby="notified-title">
  <h2 id="notified-title">Notifications <span class="count">${notifications.length}</span></h2>
  ${notifications.length === 0 && html`<p class="empty">None.</p>`}
  <div class="rows">${notifications.map((notification) => notificationRow(notification, back, now))}</div>
</section>
${facts.cards.map((card) => cardSection(card, now))}
${trace.quiet.length > 0 && quietCard(trace.quiet, now)}
<section class="card" aria-labelledby="rules-title">
  <h2 id="rules-title">Rules</h2>
  ${trace.verdicts.length === 0 && html`<p class="empty">No rule matches this kind of object.</p>`}
  ${matched.length > 0 && html`<ol class="rows">${matched.map(verdictRow)}</ol>`}
  ${trace.owner && ownerLine(trace.owner)}
  ${others.length > 0 && html`<details id="unmatched"${matched.length === 0 && html` open`}><summary class="quiet">${others.length.toLocaleString('en')} did not match</summary><ol class="rows">${others.map(verdictRow)}</ol></details>`}
  <p class="quiet">Rules for other kinds of objects, and those after a final rule, were skipped.</p>
</section>
${neighbours.length > 0 && neighbourCard(facts)}
${commandCard(facts)}
<details class="card" id="body">
  <summary>As received</summary>
  <pre tabindex="0">${shown(pretty(event.body), maxText)}</pre>
  <p><a href="/events/${id}/body">The exact bytes</a></p>
</details>
</div>`
}

function factList({ now, event, flux, links, compare }: EventFacts): Html {
  const { metadata = {}, action = '', related } = flux ?? {}
  const revision = flux?.revision?.text ?? ''
  const { reason, severity, receivedAt, source } = event
  const { commit, ...pages } = links
  // The revision has a row of its own, and is derived from the other three.
  const spoken = new Set(['revision', 'originRevision', 'commit', 'summary'])
  const rest = Object.entries(metadata).filter(([key]) => !spoken.has(key))
  const said = shown(revision, 200)
  return html`<dl>
    ${metadata['summary'] && html`<dt>Summary</dt><dd>${shown(metadata['summary'], 500)}</dd>`}
    <dt>Reason</dt><dd><code>${shown(reason, 1100) || '(none)'}</code></dd>
    ${action && html`<dt>Action</dt><dd><code>${shown(action, 100)}</code></dd>`}
    <dt>Severity</dt><dd>${shown(severity, 20)}</dd>
    ${related && html`<dt>Related to</dt><dd>${objectLink(related)}</dd>`}
    ${revision && html`<dt>Revision</dt><dd>${commit ? html`<a href="${commit}"><code>${said}</code></a>` : html`<code>${said}</code>`}</dd>`}
    ${compare && html`<dt>Changes</dt><dd><a href="${compare.url}">since ${shown(compare.text, 100)}</a></dd>`}
    ${Object.entries(pages).map(([name, url]) => html`<dt>${name}</dt><dd><a href="${url}">${shown(url, 200)}</a></dd>`)}
    ${rest.slice(0, 20).map(([key, value]) => html`<dt>${shown(key, 60)}</dt><dd>${shown(value, 300)}</dd>`)}
    <dt>Received</dt><dd>${exactly(receivedAt)} <span class="quiet">${ago(receivedAt, now)}</span></dd>
    <dt>Source</dt><dd>${shown(source, 100)}</dd>
  </dl>`
}

function neighbourCard({ neighbours, lately, event: { id, object }, now }: EventFacts): Html {
  return html`<section class="card" aria-labelledby="near-title">
  <h2 id="near-title">Newest events of this object</h2>
  ${dayBar(lately, now)}
  <ol class="members">${neighbours.map(
    (near) =>
      html`<li class="line"><a class="object" href="/events/${near.id}"${near.id === id && html` aria-current="page"`}>${transitionBadge(near.transition, near.severity)} ${near.reason ? html`<code>${shown(near.reason, 60)}</code> ` : ''}${shown(gistIn(object, { reason: near.reason, text: near.message }), 80)}</a> <span class="quiet">${near.id === id ? 'this one' : ago(near.receivedAt, now)}</span></li>`
  )}</ol>
  <p><a href="${historyOf(object)}">All of them</a></p>
</section>`
}

/** A bar chart of the object's last 24 hours, half an hour per bar, failures in red. */
function dayBar({ events, isCut }: EventFacts['lately'], now: number): Html {
  if (events.length === 0) return html``
  const minutes = events.map(({ receivedAt, transition }) => {
    const failed = transition === 'failed' || transition === 'changed' || transition === 'repeated' ? 1 : 0
    return { minute: receivedAt, events: 1, failed, messages: 0 }
  })
  const bars = barsOf(minutes, { until: now, stepMinutes: 30, count: 48 }, ({ failed }) => ({ total: 1, part: failed }))
  const title = isCut ? `The newest ${events.length} events` : 'Events, last day'
  return chart({ title, per: '30 minutes', from: 'a day ago', bars })
}

/** The characters of Kubernetes names: nothing else may get into a line that the reader pastes into a shell. */
const pastable = /^[a-z0-9A-Z]([-a-zA-Z0-9.]*[a-z0-9A-Z])?$/

/** The `flux` command's names for kinds. */
const fluxKinds: Record<string, string> = {
  Kustomization: 'kustomization',
  HelmRelease: 'helmrelease',
  GitRepository: 'source git',
  OCIRepository: 'source oci',
  HelmRepository: 'source helm',
  HelmChart: 'source chart',
  Bucket: 'source bucket',
  ImageRepository: 'image repository',
  ImagePolicy: 'image policy',
  ImageUpdateAutomation: 'image update'
}

function commandCard({ event: { id, object }, origin }: EventFacts): Html {
  const { kind, namespace, name } = object
  const isSafe = [kind, namespace, name].every((text) => pastable.test(text))
  const known = Object.hasOwn(fluxKinds, kind) ? fluxKinds[kind] : undefined
  const lines = [
    ...(isSafe && known
      ? [`flux -n ${namespace} get ${known} ${name}`, `flux -n ${namespace} logs --kind=${kind} --name=${name}`]
      : []),
    ...(isSafe ? [`kubectl -n ${namespace} describe ${kind.toLowerCase()}/${name}`] : []),
    // The reader's browser is signed in, but curl is not.
    `curl -H "authorization: Bearer $ADMIN_TOKEN" ${origin}/api/events/${id}`
  ]
  return html`<section class="card" aria-labelledby="commands-title">
  <h2 id="commands-title">Look further</h2>
  ${lines.map((line) => html`<pre tabindex="0">${line}</pre>`)}
</section>`
}

/** Draws one rule's verdict on an event. */
export function verdictRow(verdict: Verdict): Html {
  const name = html`<a href="${address('/rules', {})}#rule-${encodeURIComponent(verdict.rule)}">${verdict.rule}</a>`
  if (verdict.fired)
    return html`<li class="verdict"><span class="mark green" aria-hidden="true">✓</span><div><b>${name}</b> matched</div></li>`
  return html`<li class="verdict"><span class="mark" aria-hidden="true">–</span><div><b>${name}</b> no match: <code>${verdict.because}</code>
  ${verdict.isError && ' could not be decided'}
  <dl><dt>wanted</dt><dd><code>${shown(verdict.wanted, 500)}</code></dd><dt>${verdict.isError ? 'because' : 'has'}</dt><dd><code>${shown(verdict.got, 300)}</code></dd></dl></div></li>`
}

function ownerLine(owner: Owned): Html {
  const { entry, send, passed = [] } = owner
  const others = passed.map(({ app, channel, because }) => html` ${app}:${shown(channel, 80)} ${because}.`)
  return html`<p>The owner is <b>${send.join(', ')}</b>, by <a href="/rules#owner-${entry}">${shown(sayEntry(owner), 300)}</a>.${others}</p>`
}

function quietCard(quiet: EventDetail['trace']['quiet'], now: number): Html {
  return html`<section class="card" aria-labelledby="quiet-title">
  <h2 id="quiet-title">Matched, not sent</h2>
  <ul class="rows">${quiet.map(({ rule, destination, because }) => html`<li><b>${rule}</b> → ${destination}: ${withTimes(because, now)}</li>`)}</ul>
</section>`
}

function notificationRow(
  { id, rule, destination, state, reason, message }: EventDetail['notifications'][number],
  back: string,
  now: number
): Html {
  return html`<article>
  <div class="line"><span>${stateBadge(state)} <b>${destination}</b> <span class="quiet">by ${rule}</span></span> ${state === 'dead' && retryButton(id, back, `to ${destination}`)}</div>
  ${reason && html`<p class="${state === 'dead' ? 'trouble' : 'quiet'}">${withTimes(shown(reason, 340), now)}</p>`}
  ${message && message.attempts.length > 0 && html`<ol class="attempts">${message.attempts.map(({ at, answer }) => html`<li>${exactly(at)} <code>${shown(answer, 300)}</code> <span class="quiet">${ago(at, now)}</span></li>`)}</ol>`}
  ${message && message.attempts.length === 0 && html`<p class="quiet">Not posted yet.</p>`}
  ${message === null && state === 'pending' && !reason && html`<p class="quiet">Waiting for its turn.</p>`}
  ${message && slackMessage(message.payload)}
</article>`
}

function pretty(body: string): string {
  if (body.length > maxText) return body
  try {
    return JSON.stringify(JSON.parse(body), null, 2)
  } catch {
    return body
  }
}
