// Try an event: shows what a pasted event would lead to. Nothing is stored or sent.
import { html } from 'hono/html'
import type { ObjectRef } from '../events/flux.ts'
import type { Transition } from '../objects.ts'
import type { Payload } from '../render/slack/payload.ts'
import type { Verdict } from '../rules/rule.ts'
import { verdictRow } from './event.ts'
import { listed, withTimes } from './notified.ts'
import type { Html } from './page.ts'
import { ahead, ask, objectName, objectPlace, transitionBadge } from './parts.ts'
import { slackMessage } from './preview.ts'

/** What the event would lead to. */
export interface Tried {
  object: ObjectRef
  transition: Transition
  severity: string
  verdicts: readonly Verdict[]
  quiet: readonly { rule: string; destination: string; because: string }[]
  messages: readonly { destination: string; rule: string; heldUntil?: number; payload: Payload }[]
}

/** Draws the form and below it what the event would lead to; `fault` is why the text is not an event. */
export function tryEventPage(
  answers: { event?: string; source?: string },
  sources: readonly string[],
  now: number,
  outcome?: Tried | string
): Html {
  const fault = typeof outcome === 'string' ? outcome : undefined
  return html`<h1>Try an event</h1>
${fault && html`<p class="trouble" role="alert">${fault}</p>`}
${outcome && typeof outcome !== 'string' && triedCard(outcome, now)}
<form class="card" method="post" action="/rules/try">
  <p class="quiet">An event as Flux posts it, such as the body of one here. It is decided as if its object had worked until now. Nothing is kept or sent.</p>
  ${ask({ name: 'source', label: 'Source', options: sources }, answers.source ?? '')}
  <label>Event <textarea name="event" rows="12" spellcheck="false" autocomplete="off">${answers.event ?? ''}</textarea></label>
  <div class="buttons"><button class="primary">What would happen?</button> <a class="button" href="/rules">Back to the rules</a></div>
</form>`
}

function triedCard({ object, transition, severity, verdicts, quiet, messages }: Tried, now: number): Html {
  const names = [...new Set(messages.map(({ destination }) => destination))]
  return html`<section class="card" aria-label="What would happen">
  <p>${transitionBadge(transition, severity)} <b>${objectName(object)}</b> ${objectPlace(object)}</p>
  <p class="lead">${names.length > 0 ? `${listed(names)} would be notified.` : 'Nobody would be notified.'}</p>
  ${quiet.map(({ rule, destination, because }) => html`<p class="quiet"><b>${rule}</b> → ${destination}: ${withTimes(because, now)}</p>`)}
  <ol class="rows">${verdicts
    .toSorted((a, b) => Number(b.fired) - Number(a.fired))
    .slice(0, 200)
    .map(verdictRow)}</ol>
</section>
${messages.slice(0, 20).map(({ destination, rule, heldUntil, payload }) => html`<section class="card"><p><b>${destination}</b> <span class="quiet">by ${rule}${heldUntil !== undefined && html`, if it lasts: ${ahead(heldUntil, now)}`}</span></p>${slackMessage(payload)}</section>`)}`
}
