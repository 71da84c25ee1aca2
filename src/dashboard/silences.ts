// Silences page: lists silences, which people make here, and the mutes of the config file.
import { html } from 'hono/html'
import type { ObjectRef } from '../events/flux.ts'
import { type Silence, silenceName } from '../mutes/silence.ts'
import { sayMatching } from './act-words.ts'
import { address, type Html } from './page.ts'
import {
  type Answers,
  ago,
  ahead,
  ask,
  ending,
  exactly,
  objectLink,
  objectName,
  shown,
  untilRecovered
} from './parts.ts'
import type { ActiveMute as BoardMute } from './trouble.ts'

/** A mute or silence in effect. */
type ActiveMute = Pick<BoardMute, 'name' | 'endsAt' | 'untilRecovered'>

/** The card of the first page. */
export function mutesCard(mutes: readonly ActiveMute[], now: number): Html {
  return html`<section class="card" aria-labelledby="mutes-title">
  <h2 id="mutes-title">Muted now</h2>
  ${mutes.length === 0 && html`<p class="empty">Nothing is muted.</p>`}
  <ul class="rows">${mutes.map((mute) => html`<li class="line"><b>${shown(mute.name, 100)}</b> <span class="quiet">${ending(mute, now)}</span></li>`)}</ul>
  <p><a href="/silences">Silences</a></p>
</section>`
}

/** A silence; `warnings` name the parts of its match that no event can have. */
type Checked = Silence & { warnings: readonly string[] }

/** A mute of the config file. */
export interface ConfigMute {
  name: string
  match: BoardMute['match']
  /** End of the mute, if it is in effect. */
  endsAt: number | undefined
  /** Time when it starts next. */
  nextAt: number | undefined
}

export interface Silences {
  now: number
  silences: readonly Checked[]
  mutes: readonly ConfigMute[]
  /** Ended silences, latest first; one more than is shown if there are more. */
  ended: readonly Silence[]
  /** Failing objects that are withheld, by the {@link holderKey} of the mute or silence. */
  holds: ReadonlyMap<string, readonly ObjectRef[]>
}

/** Ended silences that are shown; the audit log has all of them. */
export const maxEnded = 20

/** The key of a mute or silence. A comment would not do: silences may share one, and it may equal the name of a mute. */
export function holderKey(holder: { id: string } | { name: string }): string {
  return 'id' in holder ? `silence ${holder.id}` : `mute ${holder.name}`
}

export function silencesPage({ now, silences, mutes, ended, holds }: Silences): Html {
  return html`<div class="line"><h1>Silences</h1> <span class="buttons"><a class="button" href="/acts">Audit log</a> <a class="button primary" href="/silences/new">New silence</a></span></div>
<div id="silences" data-live>
  ${silences.length === 0 && html`<p class="empty">No silences.</p>`}
  <ul class="card rows">${silences.map((silence) => silenceRow(silence, holds, now))}</ul>
  ${
    mutes.length > 0 &&
    html`<section class="card" aria-labelledby="mutes-title"><h2 id="mutes-title">From the config file</h2>
  <ul class="rows">${mutes.map((mute, index) => muteRow(mute, index, holds, now))}</ul></section>`
  }
  ${
    ended.length > 0 &&
    html`<details class="card" id="ended"><summary>Ended <span class="count">${ended.length > maxEnded ? `the last ${maxEnded}` : ended.length}</span></summary>
  <ul class="rows">${ended.slice(0, maxEnded).map((silence) => endedRow(silence, now))}</ul></details>`
  }
</div>`
}

function muteRow(
  { name, match, endsAt, nextAt }: ConfigMute,
  index: number,
  holds: Silences['holds'],
  now: number
): Html {
  const when =
    endsAt !== undefined
      ? html`ends ${ahead(endsAt, now)}`
      : nextAt !== undefined
        ? html`next ${ahead(nextAt, now)}`
        : 'over'
  return html`<li><div class="line"><b>${shown(name, 100)}</b> <span class="quiet">${when}</span></div>
  <p><code>${shown(sayMatching(match), 600)}</code></p>
  ${endsAt === undefined && nextAt !== undefined && html`<p class="quiet">Not now; it begins ${exactly(nextAt)}.</p>`}
  ${endsAt !== undefined && heldObjects(`file-${index}`, holds.get(holderKey({ name })) ?? [])}</li>`
}

/** A folded list of the failing objects that a mute or silence withholds. */
function heldObjects(id: string, objects: readonly ObjectRef[]): Html {
  if (objects.length === 0) return html`<p class="quiet">Matches nothing that fails now.</p>`
  const rest = objects.length - maxHeld
  return html`<details id="held-${id}"><summary class="quiet">Matches ${objects.length.toLocaleString('en')} failing ${objects.length === 1 ? 'object' : 'objects'}</summary>
  <ul class="members">${objects.slice(0, maxHeld).map((object) => html`<li>${objectLink(object)}</li>`)}</ul>
  ${rest > 0 && html`<p class="quiet">and ${rest.toLocaleString('en')} more</p>`}</details>`
}

const maxHeld = 20

function silenceRow(silence: Checked, holds: Silences['holds'], now: number): Html {
  const { id, match, author, createdAt, startsAt, endsAt, untilRecovered: untilItRecovers, warnings } = silence
  const isLater = startsAt !== undefined && startsAt > now
  const name = shown(silenceName(silence), 100)
  return html`<li>
  <div class="line"><b>${shown(silenceName(silence), 300)}</b> <span class="quiet">${isLater ? html`begins ${ahead(startsAt, now)}, ${untilItRecovers ? ending(silence, now) : html`ends ${exactly(endsAt)}`}` : ending(silence, now)}</span></div>
  <p class="quiet">made${author && html` by <b>${shown(author, 100)}</b>`} ${ago(createdAt, now)}</p>
  <div class="line"><code>${shown(sayMatching(match), 600)}</code>
  <span class="buttons">${!untilItRecovers && html`<form method="post" action="${address(`/silences/${id}/extend`, { ends: String(endsAt) })}"><button data-key="extend-${id}" aria-label="+1 h for ${name}">+1 h</button></form>`}
  <form method="post" action="/silences/${id}/end"><button data-key="end-${id}" aria-label="${isLater ? 'Drop' : 'End now'}: ${name}">${isLater ? 'Drop' : 'End now'}</button></form></span></div>
  ${!isLater && heldObjects(id, holds.get(holderKey({ id })) ?? [])}
  ${warnings.map((warning) => html`<p class="trouble">${shown(warning, 300)}</p>`)}
</li>`
}

function endedRow(silence: Silence, now: number): Html {
  const { match, comment, author, createdAt, endsAt } = silence
  const fields = Object.fromEntries(silenceFields.map((field) => [field, textOf(match[field])]))
  const isWhole = Object.keys(match).every(
    (key) => textOf(match[key as keyof typeof match]) !== undefined && key in fields
  )
  return html`<li>
  <div class="line"><b>${shown(silenceName(silence), 300)}</b> <span class="quiet">${author && html`by ${shown(author, 100)}, `}${exactly(createdAt)}, ended ${ago(endsAt, now)}</span></div>
  <div class="line"><code>${shown(sayMatching(match), 600)}</code> ${isWhole && html`<a class="button" href="${address('/silences/new', { ...fields, comment })}">Again …</a>`}</div>
</li>`
}

/** The matcher, if the form has a field for its type. */
function textOf(wanted: unknown): string | undefined {
  return typeof wanted === 'string' ? wanted : undefined
}

/** The suggested comment for a silence made with the form. */
export function suggestedComment(object: {
  cluster?: string
  kind?: string
  namespace?: string
  name?: string
}): string {
  const { cluster = '', kind = '', namespace = '', name = '' } = object
  return namespace === '' && name === ''
    ? ''
    : `silenced ${objectName({ cluster, kind, namespace, name })}`.slice(0, 300)
}

/** The fields of an object or event that the form can match. */
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
  ['7d', '7 days'],
  [untilRecovered, 'as long as it fails']
] as const

const starts = [
  ['', 'now'],
  ['1h', 'in 1 hour'],
  ['2h', 'in 2 hours'],
  ['4h', 'in 4 hours'],
  ['8h', 'in 8 hours'],
  ['1d', 'in 1 day'],
  ['7d', 'in 7 days']
] as const

/**
 * Draws the form. `fault` is what was wrong with the answers; `matches` counts the failing objects that they match, if that was
 * asked.
 */
export function silenceFormPage(answers: Answers, fault?: string, matches?: { count: number; of: number }): Html {
  return html`<h1>New silence</h1>
${fault && html`<p class="trouble" role="alert">${fault}</p>`}
<form class="card" method="post" action="/silences">
  <p class="quiet">Notifications of events that match all of these are withheld while it lasts; when it ends, one message sums them up. <code>*</code> and <code>?</code> stand for any characters; empty fields match everything. As long as it fails: the silence is over when nothing that it matches fails any more, and says nothing of reasons.</p>
  <div class="questions">
    ${silenceFields.map((name) => ask({ name, label: labels[name] }, answers[name] ?? ''))}
    ${ask({ name: 'starts', label: 'Begins', options: starts }, answers['starts'] ?? '')}
    ${ask({ name: 'for', label: 'For', options: durations }, answers['for'] ?? '1h')}
    ${ask({ name: 'comment', label: 'Why' }, answers['comment'] ?? '')}
  </div>
  ${matches && html`<p role="status">Matches <b>${matches.count.toLocaleString('en')}</b> of ${matches.of.toLocaleString('en')} failing ${matches.of === 1 ? 'object' : 'objects'}.</p>`}
  <div class="buttons"><button class="primary">Silence</button> ${matches && matches.count > 0 && html`<button formaction="/acknowledge/matching" formnovalidate>Acknowledge ${matches.count === 1 ? 'it' : `these ${matches.count.toLocaleString('en')}`} instead</button>`} <button formmethod="get" formaction="/silences/new" formnovalidate>Count what matches</button> <a class="button" href="/silences">Cancel</a></div>
</form>`
}
