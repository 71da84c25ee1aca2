// Preview page: shows the newest messages of a destination as Slack shows them.
import { html } from 'hono/html'
import type { Destination } from '../deliver/destination.ts'
import type { Payload } from '../render/slack/payload.ts'
import { badge } from './badge.ts'
import type { Html } from './page.ts'
import { slackMessage } from './slack-message.ts'
import { ago } from './time.ts'

export interface Preview {
  now: number
  destination: Destination
  destinations: readonly string[]
  messages: readonly { id: string; at: number; state: string; payload: Payload }[]
}

export function previewPage({ now, destination, destinations, messages }: Preview): Html {
  const { name, slack } = destination
  return html`<h1>${name}</h1>
<nav class="tabs" aria-label="Destinations">${destinations.map(
    (other) => html`<a href="/preview/${other}"${other === name && html` aria-current="page"`}>${other}</a>`
  )}</nav>
<p class="quiet">${slack === undefined ? 'A preview: nothing leaves the relay.' : 'Messages that were posted, or will be next.'} Newest first.</p>
<div id="messages" data-live>
  ${messages.length === 0 && html`<p class="empty">No messages.</p>`}
  ${messages.map(
    ({ at, state, payload }) =>
      html`<article><div class="line"><span>${state === 'sent' ? badge('green', 'sent') : badge(state === 'dead' ? 'red' : 'amber', state)}</span> <span class="quiet">${ago(at, now)}</span></div>${slackMessage(payload, at)}</article>`
  )}
</div>`
}
