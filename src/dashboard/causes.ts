// Causes: draw what fails as cards: one row per cause, which opens to its objects, and muted objects in a card of their own.
import { html } from 'hono/html'
import { asksFor, toggled } from '../search.ts'
import { acknowledgeAllForm, acknowledgeForm, takenOnBy } from './acknowledge.ts'
import { type Board, type Cause, countsOf, type Facet, sayWarnings, warningsOf } from './board.ts'
import { address, type Html } from './page.ts'
import {
  ago,
  ending,
  exactly,
  failsAt,
  gistOfTrouble,
  lasting,
  objectLink,
  objectName,
  shown,
  silenceButtons
} from './parts.ts'
import type { ActiveMute, Trouble } from './trouble.ts'

/** Causes on the page: a limit, so that a bad night still loads on a phone. The rest is one click away. */
const maxCauses = 40
/** Causes that are not folded away; more would push the destinations far down on a phone. */
const openCauses = 12
/** Objects listed per cause: `maxMembers` for the first `wideCauses`, `fewMembers` for the others. */
const maxMembers = 12
const fewMembers = 4
const wideCauses = 6
const maxMutes = 20
/** Objects listed per mute. */
const maxMuted = 3
const maxStale = 20
const maxChips = 8

/** The state of the page that its links and forms have to preserve. */
interface Look {
  /** The text in the search box. */
  asked: string
  now: number
}

export function boardCards(board: Board, asked: string, now: number): Html[] {
  const { failing, waiting, muted, stale, counts, onlyWaits } = board
  const all = counts.failing + counts.waiting + counts.muted + counts.stale
  if (all === 0) return []
  const look = { asked, now }
  const rest = Math.max(0, maxCauses - failing.length)
  const hanging = failing.reduce((sum, cause) => sum + warningsOf(cause).length, 0)
  const errors = (countIn(failing) - hanging).toLocaleString('en')
  const causes = {
    // Must equal the numbers in the heading of the page when nothing is filtered.
    failing: { title: 'Failing', count: hanging > 0 ? `${errors} · ${sayWarnings(hanging, board)}` : errors },
    waiting: { title: onlyWaits ? 'Waiting' : 'Warnings', count: countIn(waiting).toLocaleString('en') }
  }
  return [
    ...(all > 3 || asked !== '' ? [chips(board, asked, all)] : []),
    ...(failing.length > 0 ? [causesCard('failing', causes.failing, failing, maxCauses, look)] : []),
    ...(waiting.length > 0 ? [causesCard('waiting', causes.waiting, waiting, Math.max(10, rest), look)] : []),
    ...(stale.length > 0 ? [staleCard(stale, look)] : []),
    ...(muted.length > 0 ? [mutedCard(muted, look)] : [])
  ]
}

function countIn(causes: readonly Cause[]): number {
  return causes.reduce((sum, { items, dependents }) => sum + items.length + dependents.length, 0)
}

function chips({ facets, shown: count }: Board, asked: string, all: number): Html {
  const rows = facets.filter(
    ({ field, values }) => values.length > 1 || values.some(([value]) => asksFor(asked, field, value))
  )
  return html`<nav class="chips" id="chips" aria-label="Narrow down">
  ${rows.map((facet) => chipRow(facet, asked))}
  ${asked !== '' && html`<p class="quiet">${count.toLocaleString('en')} of ${all.toLocaleString('en')} match. <a href="/">Show all</a></p>`}
</nav>`
}

function chipRow({ field, values }: Facet, asked: string): Html {
  const rest = values.length - maxChips
  return html`<p><span class="quiet">${field}</span> ${values.slice(0, maxChips).map(([value, count]) => {
    const href = address('/', { q: toggled(asked, field, value) })
    return html`<a class="chip" href="${href}"${asksFor(asked, field, value) && html` aria-current="true"`}>${shown(value, 60)} <span class="count">${count.toLocaleString('en')}</span></a> `
  })}${rest > 0 && html`<span class="quiet">and ${rest.toLocaleString('en')} more</span>`}</p>`
}

function causesCard(
  id: string,
  { title, count }: { title: string; count: string },
  causes: readonly Cause[],
  most: number,
  look: Look
): Html {
  const folded = causes.slice(openCauses, most)
  const rest = causes.slice(most)
  const left = countIn(rest)
  return html`<section class="card" id="${id}" aria-labelledby="${id}-title">
  <h2 id="${id}-title">${title} <span class="count">${count}</span></h2>
  <ul class="rows">${causes.slice(0, openCauses).map((cause, index) => causeRow(cause, index < wideCauses ? maxMembers : fewMembers, look))}</ul>
  ${folded.length > 0 && html`<details id="more-${id}"><summary>${folded.length} more ${folded.length === 1 ? 'cause' : 'causes'}</summary><ul class="rows">${folded.map((cause) => causeRow(cause, fewMembers, look))}</ul></details>`}
  ${left > 0 && html`<p><a href="${address('/objects', { state: 'failing', q: look.asked })}">${left.toLocaleString('en')} more, of ${rest.length.toLocaleString('en')} ${rest.length === 1 ? 'cause' : 'causes'}</a></p>`}
</section>`
}

/** Draws one cause and at most `most` of its objects. */
function causeRow(cause: Cause, most: number, look: Look): Html {
  const { id, first, items, dependents } = cause
  const { failure } = first
  const isAlike =
    new Set(items.slice(0, maxMembers).map(({ object, failure }) => gistOfTrouble(object, failure))).size === 1
  return html`<li class="failing ${failure.severity === 'warn' ? 'amber' : 'red'}">
  ${items.length === 1 ? headOfOne(first, look.now) : headOfMany(items, look.now)}
  ${failure.text && html`<p class="text">${!isAlike && html`<span class="quiet">such as</span> `}${gistOfTrouble(first.object, failure)}</p>`}
  ${items.length === 1 ? footOfOne(first, look) : members(`cause-${id}`, items, most, look, cause)}
  ${dependents.length > 0 && members(`hangs-${id}`, dependents, most, look)}
</li>`
}

function headOfOne({ object, failure }: Trouble, now: number): Html {
  return html`<div class="line">${objectLink(object)} <span class="long">${lasting(failure.since, now)}</span></div>`
}

function headOfMany(items: readonly Trouble[], now: number): Html {
  const [kind, ...kinds] = countsOf(items.map(({ object }) => object.kind)).map(([name]) => name)
  const clusters = countsOf(items.map(({ object }) => object.cluster)).map(([name]) => name)
  // A blank between other clusters' names would look as if the objects were in those.
  const places = clusters.length > 1 ? clusters.map((name) => name || 'no cluster') : clusters
  const what = kind === undefined || kind === '' || kinds.length > 0 ? 'objects' : pluralOf(kind)
  const [first, last] = [items[0], items.at(-1)]
  const taken = items.filter(({ failure }) => failure.acknowledged !== undefined).length
  const isSpread = first && last && last.failure.since - first.failure.since >= 60_000
  return html`<div class="line"><span><b>${items.length.toLocaleString('en')} ${shown(what, 100)}</b> <span class="place">${shown(someOf(places), 200)}</span>${taken > 0 && html` <span class="quiet">${taken.toLocaleString('en')} acknowledged</span>`}</span>
  <span class="long">${first && lasting(first.failure.since, now)}${isSpread && html` <span class="quiet">to ${lasting(last.failure.since, now)}</span>`}</span></div>`
}

/** `HelmRepositories` */
function pluralOf(kind: string): string {
  if (/[^aeiou]y$/.test(kind)) return `${kind.slice(0, -1)}ies`
  return `${kind}s`
}

function someOf(names: readonly string[]): string {
  return names.length > 3 ? `${names.slice(0, 3).join(', ')} and ${names.length - 3} more` : names.join(', ')
}

function footOfOne(trouble: Trouble, look: Look): Html {
  const { now } = look
  const { object, failure, seenAt } = trouble
  const times = failure.count === 1 ? 'once' : `${failure.count.toLocaleString('en')} times`
  return html`<div class="line"><span class="quiet">${reasonAt(failure)}${times}, last ${ago(seenAt, now)}${failure.acknowledged && html` · ${takenOnBy(failure, now)}`}</span> <span class="buttons">${acknowledgeForm(trouble, addressOf(look))} ${silenceButtons(object)}</span></div>`
}

/** `BuildFailed at main@4f2c91d · ` */
function reasonAt({ reason, revision }: Pick<Trouble['failure'], 'reason' | 'revision'>): Html {
  const parts = [reason && html`<code>${shown(reason, 100)}</code>`, failsAt({ revision })].filter(Boolean)
  return html`${parts.map((part) => html`${part} `)}${parts.length > 0 && '· '}`
}

/** A folded list of objects: with `cause`, its objects and what they have in common; without, its dependents. */
function members(id: string, items: readonly Trouble[], most: number, look: Look, cause?: Cause): Html {
  const namespaces = countsOf(items.map(({ object }) => object.namespace)).filter(([name]) => name !== '')
  const counted = namespaces.slice(0, 4).map(([name, count]) => `${shown(name, 60)} ${count.toLocaleString('en')}`)
  const more =
    namespaces.length > 4
      ? ` and ${namespaces.length - 4} more ${namespaces.length === 5 ? 'namespace' : 'namespaces'}`
      : ''
  const reason = cause?.first.failure.reason ?? ''
  const revisions = new Set(items.map(({ failure }) => failure.revision))
  const rest = items.length - most
  const clusters = new Set(items.map(({ object }) => object.cluster))
  const common = { reason, ...(clusters.size === 1 && { cluster: items[0]?.object.cluster }) }
  const says = cause
    ? html`${reasonAt({ reason, revision: revisions.size === 1 ? ([...revisions][0] ?? '') : '' })}${counted.join(', ')}${more}`
    : html`${items.length.toLocaleString('en')} ${items.length === 1 ? 'hangs' : 'hang'} on it: ${items.length === 1 ? items.map(({ object }) => objectName(object)) : html`${counted.join(', ')}${more}`}`
  return html`<details id="${id}"><summary class="quiet">${says}</summary>
  <ul class="members">${items.slice(0, most).map((item) => memberRow(item, look.now))}</ul>
  <p class="line">${rest > 0 && html`<a href="${listOf(items, reason)}">all ${items.length.toLocaleString('en')}</a>`}${cause && reason && acknowledgeAllForm({ ...common, back: addressOf(look) }, `Acknowledge all of ${shown(reason, 60)}`)} ${cause && reason && html`<a class="button" href="${address('/silences/new', common)}">Silence all of ${shown(reason, 60)}</a>`}</p>
</details>`
}

/** A link to all of `items`, or, if they share too little to be selected, to all objects that fail for the same reason. */
function listOf(items: readonly Trouble[], reason: string): string {
  const one = (of: (item: Trouble) => string) => {
    const values = new Set(items.map(of))
    return values.size === 1 ? [...values][0] : undefined
  }
  const kind = one(({ object }) => object.kind)
  const cluster = one(({ object }) => object.cluster)
  const said = reason || one(({ failure }) => failure.reason)
  const asked = Object.entries({ cluster, kind, reason: said }).filter(([, value]) => value)
  return address('/objects', {
    state: 'failing',
    q: asked.reduce((q, [field, value]) => toggled(q, field, value ?? ''), '')
  })
}

function memberRow({ object, failure }: Trouble, now: number): Html {
  return html`<li class="line">${objectLink(object)} <span class="quiet">${failure.acknowledged && html`${takenOnBy(failure, now)} · `}${lasting(failure.since, now)}</span></li>`
}

const dayMs = 24 * 60 * 60 * 1000

function staleCard(stale: readonly Trouble[], look: Look): Html {
  const isDay = stale.every(({ seenAt }) => look.now - seenAt >= dayMs)
  const rest = stale.length - maxStale
  return html`<section class="card" id="stale" aria-labelledby="stale-title">
  <h2 id="stale-title">No event for ${isDay ? 'a day' : 'an hour'} <span class="count">${stale.length.toLocaleString('en')}</span></h2>
  <p class="quiet">They failed at their last event. What they do now is not known.</p>
  <ul class="rows">${stale.slice(0, maxStale).map((item) => staleRow(item, look))}</ul>
  ${rest > 0 && html`<p><a href="${address('/objects', { state: 'stale', q: look.asked })}">${rest.toLocaleString('en')} more</a></p>`}
</section>`
}

function staleRow(trouble: Trouble, look: Look): Html {
  const { now } = look
  const { object, failure, seenAt } = trouble
  const times = failure.count === 1 ? 'once' : `${failure.count.toLocaleString('en')} times`
  return html`<li class="failing amber">
  <div class="line">${objectLink(object)} <span class="long">${lasting(failure.since, now)}</span></div>
  ${failure.text && html`<p class="text">${gistOfTrouble(object, failure)}</p>`}
  <div class="line"><span class="quiet">${reasonAt(failure)}${times}, last event ${exactly(seenAt)}${failure.acknowledged && html` · ${takenOnBy(failure, now)}`}</span> <span class="buttons">${acknowledgeForm(trouble, addressOf(look))} ${silenceButtons(object)}</span></div>
</li>`
}

function mutedCard(muted: Board['muted'], look: Look): Html {
  const count = muted.reduce((sum, { items }) => sum + items.length, 0)
  const rest = muted.length - maxMutes
  return html`<section class="card" id="muted" aria-labelledby="muted-title">
  <h2 id="muted-title">Muted <span class="count">${count.toLocaleString('en')}</span></h2>
  <ul class="rows">${muted.slice(0, maxMutes).map(({ by, items }, index) => mutedRow(by, items, index, look))}</ul>
  ${rest > 0 && html`<p><a href="/silences">${rest} more ${rest === 1 ? 'mute' : 'mutes'}</a></p>`}
</section>`
}

function mutedRow(by: ActiveMute, items: readonly Trouble[], index: number, look: Look): Html {
  const { now } = look
  const { length } = items
  const rest = length - maxMuted
  return html`<li>
  <div class="line"><a class="object" href="/silences"><b>${shown(by.name, 100)}</b></a> <span class="quiet">${ending(by, now)}</span></div>
  <div class="line"><span class="quiet">${sayOrigin(by, now)}</span>${by.silence && endForm(by.silence.id, by.name, look)}</div>
  <details id="muted-${by.silence?.id ?? `file-${index}`}"><summary class="quiet">${length.toLocaleString('en')} ${length === 1 ? 'object fails' : 'objects fail'} meanwhile</summary>
  <ul class="members">${items
    .slice(0, maxMuted)
    .map(
      (item) =>
        html`<li><div class="line">${objectLink(item.object)} <span class="quiet">${item.failure.acknowledged && html`${takenOnBy(item.failure, now)} · `}${lasting(item.failure.since, now)}</span></div><p class="quiet">${gistOfTrouble(item.object, item.failure)}</p></li>`
    )}</ul>${rest > 0 && html`<p class="quiet">and ${rest.toLocaleString('en')} more</p>`}</details>
</li>`
}

/** The button that ends a silence; objects that still fail are then notified again. */
function endForm(id: string, name: string, look: Look): Html {
  return html` <span class="buttons"><form method="post" action="${address(`/silences/${id}/end`, { back: addressOf(look) })}"><button data-key="end-${id}" aria-label="End now: ${shown(name, 100)}">End now</button></form></span>`
}

/** The address to return to, with the search kept. */
function addressOf({ asked }: Look): string {
  return address('/', { q: asked })
}

function by(author: string): Html | '' {
  return author === '' ? '' : html` by <b>${shown(author, 100)}</b>`
}

/** Says whether a mute of the config file or somebody's silence withholds. */
export function sayOrigin({ silence }: Pick<ActiveMute, 'silence'>, now: number): Html | string {
  return silence === undefined
    ? 'a mute of the config file'
    : html`a silence${by(silence.author)}, made ${ago(silence.createdAt, now)}`
}
