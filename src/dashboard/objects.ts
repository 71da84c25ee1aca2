// Objects page: lists objects by state, healthy ones included.
import { html } from 'hono/html'
import type { Listed, ObjectRecord, ObjectState } from '../store/records.ts'
import { acknowledgeForm, isFailing, takenOnBy } from './acknowledge.ts'
import { address, type Html } from './page.ts'
import {
  ago,
  badge,
  type Colour,
  failsAt,
  gistOfTrouble,
  lasting,
  nothingMore,
  objectLink,
  shown,
  silenceButtons
} from './parts.ts'
import { searchBox } from './search-box.ts'
import type { ActiveMute, MutesOf, OwnerOf } from './trouble.ts'

export interface Objects {
  now: number
  /** Undefined for all states. */
  state: ObjectState | undefined
  /** The text in the search box. */
  asked: string
  cursor: string | undefined
  objects: Listed<ObjectRecord>
  mutesOf: MutesOf
  ownerOf: OwnerOf
}

const tabs = [
  ['failing', 'Failing'],
  ['stale', 'Stale'],
  ['healthy', 'Healthy'],
  ['', 'All']
] as const

export function objectsPage({ now, state, asked, cursor, objects, mutesOf, ownerOf }: Objects): Html {
  const { items, next } = objects
  const here = { state, q: asked }
  const back = address('/objects', { ...here, cursor })
  const more = next && address('/objects', { ...here, cursor: next })
  return html`<h1>Objects</h1>
<nav class="tabs" aria-label="States">${tabs.map(
    ([tab, label]) =>
      html`<a href="${address('/objects', { state: tab, q: asked })}"${tab === (state ?? '') && html` aria-current="page"`}>${label}</a>`
  )}</nav>
${searchBox('/objects', asked, { state })}
<div id="objects"${!cursor && html` data-live`}>
  ${items.length === 0 && html`<p class="empty">${more ? 'None among those searched so far.' : cursor ? nothingMore(address('/objects', here)) : nothing(state, asked)}</p>`}
  <ol class="card rows">${items.map((item) => objectRow(item, mutesOf(item)[0], ownerOf(item), { back, now }))}</ol>
  ${more && html`<p><a class="button" href="${more}" rel="next">${items.length === 0 ? 'Search further' : 'More'}</a></p>`}
</div>`
}

function nothing(state: ObjectState | undefined, asked: string): Html {
  const what = html`No ${state} objects`
  return asked === ''
    ? html`${what}.`
    : html`${what} match <b>${shown(asked, 200)}</b>. <a href="${address('/objects', { state })}">Clear</a>`
}

const colours: Record<ObjectState, Colour> = { failing: 'red', stale: 'amber', healthy: 'green' }

/** `back` is the address of the page that the row is on. */
function objectRow(
  record: ObjectRecord,
  mute: ActiveMute | undefined,
  owner: string | undefined,
  { back, now }: { back: string; now: number }
): Html {
  const { object, state, failure, since, revision, seenAt } = record
  const at = failure && failsAt(failure)
  const colour = state === 'failing' && failure?.severity === 'warn' ? 'amber' : colours[state]
  return html`<li>
  <div class="line"><span>${badge(colour, state)} ${mute && badge('grey', 'muted')} ${objectLink(object)}</span> <span class="quiet">for ${lasting(since, now)}</span></div>
  ${failure?.text && html`<p class="text">${failure.reason && html`<code>${shown(failure.reason, 100)}</code> `}${gistOfTrouble(object, failure)}</p>`}
  ${failure?.acknowledged && html`<p>${takenOnBy(failure, now)}</p>`}
  <p class="quiet">${mute && html`withheld by ${shown(mute.name, 100)} · `}${owner && html`owner <b>${shown(owner, 100)}</b> · `}${at && html`fails ${at} · `}${revision && html`last applied <code>${shown(revision, 80)}</code> · `}last event ${ago(seenAt, now)}</p>
  ${isFailing(record) && html`<div class="buttons">${acknowledgeForm(record, back)} ${!mute && silenceButtons(object)}</div>`}
</li>`
}
