// Event page: shows one event, each rule's verdict, and what became of every notification.
import { html } from 'hono/html'
import { type Owned, sayEntry } from '../rules/owners.ts'
import type { Verdict } from '../rules/rule.ts'
import type { EventDetail } from '../store/records.ts'
import { retryButton } from './deliveries.ts'
import { address, type Html } from './page.ts'
import {
  ago,
  exactly,
  historyOf,
  objectName,
  objectPlace,
  shown,
  silenceLink,
  stateBadge,
  transitionBadge
} from './parts.ts'
import { slackMessage } from './preview.ts'

/** More than anyone reads; all of it is where the whole body is. */
const maxText = 100_000

export function eventPage(event: EventDetail, now: number): Html {
  const { id, object, receivedAt, severity, transition, source, reason, message, trace, notifications } = event
  return html`<div id="event" data-live>
<h1>${objectName(object)}</h1>
<section class="card" aria-label="The event">
  <div class="line"><span>${transitionBadge(transition, severity)} ${objectPlace(object)}</span>
  <span class="buttons"><a class="button" href="${historyOf(object)}">History</a> ${silenceLink(object)}</span></div>
  <dl>
    <dt>Received</dt><dd>${exactly(receivedAt)} <span class="quiet">${ago(receivedAt, now)}</span></dd>
    <dt>Reason</dt><dd><code>${shown(reason, 1100) || '(none)'}</code></dd>
    <dt>Severity</dt><dd>${shown(severity, 20)}</dd>
    <dt>Source</dt><dd>${shown(source, 100)}</dd>
  </dl>
  <pre class="message" tabindex="0">${shown(message, maxText)}</pre>
</section>
<section class="card" aria-labelledby="rules-title">
  <h2 id="rules-title">Rules</h2>
  ${trace.verdicts.length === 0 && html`<p class="empty">No rule matches this kind of object.</p>`}
  <ol class="rows">${trace.verdicts.map(verdictRow)}</ol>
  ${trace.owner && ownerLine(trace.owner)}
  <p class="quiet">Rules for other kinds of objects, and those after a final rule, were skipped.</p>
</section>
${trace.quiet.length > 0 && quietCard(trace.quiet)}
<section class="card" aria-labelledby="notified-title">
  <h2 id="notified-title">Notifications <span class="count">${notifications.length}</span></h2>
  ${notifications.length === 0 && html`<p class="empty">Nobody was notified.</p>`}
  <div class="rows">${notifications.map((notification) => notificationRow(notification, address(`/events/${id}`, {}), now))}</div>
</section>
<details class="card" id="body">
  <summary>As received</summary>
  <pre tabindex="0">${shown(pretty(event.body), maxText)}</pre>
  <p><a href="/events/${id}/body">The exact bytes</a></p>
</details>
</div>`
}

function verdictRow(verdict: Verdict): Html {
  const name = html`<a href="${address('/rules', {})}#${encodeURIComponent(verdict.rule)}">${verdict.rule}</a>`
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

function quietCard(quiet: EventDetail['trace']['quiet']): Html {
  return html`<section class="card" aria-labelledby="quiet-title">
  <h2 id="quiet-title">Matched, not sent</h2>
  <ul class="rows">${quiet.map(({ rule, destination, because }) => html`<li><b>${rule}</b> → ${destination}: ${because}</li>`)}</ul>
</section>`
}

function notificationRow(
  { id, rule, destination, state, reason, message }: EventDetail['notifications'][number],
  back: string,
  now: number
): Html {
  return html`<article>
  <div class="line"><span>${stateBadge(state)} <b>${destination}</b> <span class="quiet">by ${rule}</span></span> ${state === 'dead' && retryButton(id, back)}</div>
  ${reason && html`<p class="trouble">${shown(reason, 300)}</p>`}
  ${message && message.attempts.length > 0 && html`<ol class="attempts">${message.attempts.map(({ at, answer }) => html`<li>${exactly(at)} <code>${shown(answer, 300)}</code> <span class="quiet">${ago(at, now)}</span></li>`)}</ol>`}
  ${message && message.attempts.length === 0 && html`<p class="quiet">Not posted yet.</p>`}
  ${message === null && state === 'pending' && html`<p class="quiet">Waiting for its turn.</p>`}
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
