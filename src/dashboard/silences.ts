// Silences page: lists silences, which people make here, and the mutes of the config file.
import { html } from 'hono/html'
import { type Silence, silenceName } from '../mutes/silence.ts'
import type { ActiveMute as BoardMute } from './board.ts'
import type { Html } from './page.ts'
import { type Answers, ahead, ask, objectName, shown } from './parts.ts'

/** One that is in effect. */
type ActiveMute = Pick<BoardMute, 'name' | 'endsAt'>

/** On the first page. */
export function mutesCard(mutes: readonly ActiveMute[], now: number): Html {
  return html`<section class="card" aria-labelledby="mutes-title">
  <h2 id="mutes-title">Muted now</h2>
  ${mutes.length === 0 && html`<p class="empty">Nothing is muted.</p>`}
  <ul class="rows">${mutes.map(({ name, endsAt }) => html`<li class="line"><b>${shown(name, 100)}</b> <span class="quiet">ends ${ahead(endsAt, now)}</span></li>`)}</ul>
  <p><a href="/silences">Silences</a></p>
</section>`
}

/** `warnings`: what of its match no event can be. */
type Checked = Silence & { warnings: readonly string[] }

export function silencesPage(silences: readonly Checked[], mutes: readonly ActiveMute[], now: number): Html {
  return html`<div class="line"><h1>Silences</h1> <a class="button primary" href="/silences/new">New silence</a></div>
<div id="silences" data-live>
  ${silences.length === 0 && html`<p class="empty">No silences.</p>`}
  <ul class="card rows">${silences.map((silence) => silenceRow(silence, now))}</ul>
  ${
    mutes.length > 0 &&
    html`<section class="card" aria-labelledby="mutes-title"><h2 id="mutes-title">From the config file</h2>
  <ul class="rows">${mutes.map(({ name, endsAt }) => html`<li class="line"><b>${shown(name, 100)}</b> <span class="quiet">ends ${ahead(endsAt, now)}</span></li>`)}</ul></section>`
  }
</div>`
}

function silenceRow(silence: Checked, now: number): Html {
  const { id, match, endsAt, warnings } = silence
  return html`<li>
  <div class="line"><b>${shown(silenceName(silence), 300)}</b> <span class="quiet">ends ${ahead(endsAt, now)}</span></div>
  <div class="line"><code>${shown(wordsOf(match), 600)}</code>
  <form method="post" action="/silences/${id}/end"><button data-key="end-${id}" aria-label="End ${shown(silenceName(silence), 100)} now">End now</button></form></div>
  ${warnings.map((warning) => html`<p class="trouble">${shown(warning, 300)}</p>`)}
</li>`
}

/** `namespace db · name primary` */
function wordsOf(match: Silence['match']): string {
  const words = Object.entries(match).map(([key, wanted]) => {
    const value =
      typeof wanted === 'string' ? wanted : Array.isArray(wanted) ? wanted.join(', ') : JSON.stringify(wanted)
    return `${key} ${value}`
  })
  return words.join(' · ') || 'everything'
}

/** The default comment of a silence made with the form. */
export function suggestedComment(object: {
  cluster?: string
  kind?: string
  namespace?: string
  name?: string
}): string {
  const { cluster = '', kind = '', namespace = '', name = '' } = object
  return namespace === '' && name === '' ? '' : `silenced ${objectName({ cluster, kind, namespace, name })}`
}

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
