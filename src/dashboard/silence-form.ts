// Silence form: draws the form for a new silence, filled in for whoever came from an object.
import { html } from 'hono/html'
import { type Answers, ask } from './filter.ts'
import type { Html } from './page.ts'

/** What a silence can be about. */
export const silenceFields = ['cluster', 'kind', 'namespace', 'name', 'reason'] as const

const labels = { cluster: 'Cluster', kind: 'Kind', namespace: 'Namespace', name: 'Name', reason: 'Reason' }

const durations = [
  ['30m', '30 minutes'],
  ['1h', '1 hour'],
  ['2h', '2 hours'],
  ['4h', '4 hours'],
  ['8h', '8 hours'],
  ['1d', '1 day'],
  ['3d', '3 days'],
  ['7d', '7 days']
] as const

/** `fault` is what was wrong with the answers. */
export function silenceFormPage(answers: Answers, fault?: string): Html {
  return html`<h1>New silence</h1>
${fault && html`<p class="trouble" role="alert">${fault}</p>`}
<form class="card" method="post" action="/silences">
  <p class="quiet">Notifications of events that match all of these are withheld while it lasts; when it ends, one message sums them up. <code>*</code> and <code>?</code> stand for any characters; empty fields match everything.</p>
  <div class="questions">
    ${silenceFields.map((name) => ask({ name, label: labels[name] }, answers[name] ?? ''))}
    ${ask({ name: 'for', label: 'For', options: durations }, answers['for'] ?? '1h')}
    ${ask({ name: 'comment', label: 'Why' }, answers['comment'] ?? '')}
  </div>
  <div class="buttons"><button class="primary">Silence</button> <a class="button" href="/silences">Cancel</a></div>
</form>`
}
