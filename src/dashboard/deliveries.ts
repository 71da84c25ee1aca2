// Deliveries page: lists notifications by state.
import { html } from 'hono/html'
import type { Listed, NotificationRecord, NotificationState } from '../store/records.ts'
import { sayCount } from './lanes.ts'
import { withTimes } from './notified.ts'
import { address, type Html } from './page.ts'
import {
  type Answers,
  ago,
  faultLine,
  filterForm,
  nothingMore,
  objectName,
  objectPlace,
  sayAsked,
  shown,
  stateBadge
} from './parts.ts'
import { searchBox } from './search-box.ts'

export interface Deliveries {
  now: number
  state: NotificationState
  answers: Answers
  notifications: Listed<NotificationRecord>
  /** Why the list is empty, if the filter names something that does not exist. */
  fault: string | undefined
  /** The dead letters that match, at most one page of them, to be counted by kind. */
  dead: Listed<NotificationRecord> | undefined
  rules: readonly string[]
  destinations: readonly string[]
}

const tabs: readonly (readonly [NotificationState, string])[] = [
  ['pending', 'Pending'],
  ['dead', 'Dead'],
  ['muted', 'Muted'],
  ['discarded', 'Discarded'],
  ['sent', 'Sent']
]

const meanings: Record<NotificationState, string> = {
  pending: 'Nothing is waiting.',
  dead: 'There are no dead letters.',
  muted: 'Nothing is withheld.',
  discarded: 'Nothing was discarded.',
  sent: 'Nothing has been sent yet.'
}

export function deliveriesPage(page: Deliveries): Html {
  const { now, state, answers, notifications, fault, dead, rules, destinations } = page
  const { cursor, ...asked } = answers
  const here = address('/deliveries', { state, ...answers })
  const questions = [
    { name: 'destination', label: 'Destination', options: [['', 'any'], ...destinations] as const },
    { name: 'rule', label: 'Rule', options: [['', 'any'], ...rules] as const },
    { name: 'cluster', label: 'Cluster' },
    { name: 'namespace', label: 'Namespace' },
    { name: 'name', label: 'Name' },
    { name: 'reason', label: 'Reason' }
  ]
  const { q = '', ...filter } = asked
  const { items, next } = notifications
  const older = next && address('/deliveries', { state, ...asked, cursor: next })
  return html`<h1>Deliveries</h1>
<nav class="tabs" aria-label="States">${tabs.map(
    ([tab, label]) =>
      html`<a href="${address('/deliveries', { ...asked, state: tab })}"${tab === state && html` aria-current="page"`}>${label}</a>`
  )}</nav>
${faultLine(fault)}
${searchBox('/deliveries', q, { ...filter, state })}
${filterForm('/deliveries', questions, filter, { state, q }, fault !== undefined)}
<div id="deliveries"${!cursor && fault === undefined && html` data-live`}>
  ${dead && dead.items.length > 0 && deadCard(dead, asked, here)}
  ${items.length === 0 && fault === undefined && html`<p class="empty">${older ? 'None among those searched so far.' : cursor ? nothingMore(address('/deliveries', { state, ...asked })) : nothing(state, asked)}</p>`}
  <ol class="card rows">${items.map((item) => deliveryRow(item, here, now))}</ol>
  ${older && html`<p><a class="button" href="${older}" rel="next">${items.length === 0 ? 'Search further back' : 'Older'}</a></p>`}
</div>`
}

/** "There are none" is only true if nothing was filtered out. */
function nothing(state: NotificationState, asked: Answers): Html {
  const said = sayAsked(asked)
  if (said === '') return html`${meanings[state]}`
  return html`Of those that are ${state}, none match <b>${shown(said, 300)}</b>. <a href="${address('/deliveries', { state })}">Clear</a>`
}

/** The filters that apply to dead letters. */
export const deadLetterQuestions = ['destination', 'reason', 'rule', 'cluster', 'namespace', 'name', 'q'] as const

/** Dead letters by destination and Slack's answer, most frequent first; each kind can be retried or discarded as a whole. */
function deadCard(dead: Listed<NotificationRecord>, asked: Answers, back: string): Html {
  const groups = Map.groupBy(dead.items, ({ destination, reason }) => JSON.stringify([destination, reason]))
  const rows = [...groups.values()].toSorted((a, b) => b.length - a.length)
  const isFiltered = Object.values(asked).some(Boolean)
  return html`<section class="card" aria-labelledby="kinds-title">
  <h2 id="kinds-title">By destination and answer <span class="count">${sayCount(dead)}</span></h2>
  <ul class="rows">${rows.slice(0, 20).map((of) => kindRow(of, dead.next !== null, asked, back))}</ul>
  <div class="line"><span class="quiet">What is retried is sent again, at the pace of its destination.</span>
  <span class="buttons">${retryAllForm(asked, back, isFiltered ? 'Retry all that match' : 'Retry all')} <a class="button danger" href="${address('/deliveries/discard', asked)}">Discard all …</a></span></div>
</section>`
}

function kindRow(of: readonly NotificationRecord[], isCut: boolean, asked: Answers, back: string): Html {
  const [{ destination = '', reason = null } = {}] = of
  const kind = { ...asked, destination, ...(reason !== null && { reason }) }
  const count = `${of.length.toLocaleString('en')}${isCut ? '+' : ''}`
  // A very long reason is too long for a filter in an address.
  const isNamed = (reason ?? '').length <= 500
  return html`<li><div class="line"><span><b>${destination}</b> <code>${shown(reason ?? '', 200)}</code> <span class="count">${count}</span></span>
  ${isNamed && of.length > 1 && html`<span class="buttons">${retryAllForm(kind, back, `Retry ${count}`)} <a class="button danger" href="${address('/deliveries/discard', kind)}">Discard ${count} …</a></span>`}</div></li>`
}

function retryAllForm(asked: Answers, back: string, words: string): Html {
  return html`<form method="post" action="/deliveries/retry-all">${hidden(asked)}${backTo(back)}<button>${words}</button></form>`
}

function hidden(asked: Answers): Html {
  return html`${Object.entries(asked).map(([name, value]) => value && html`<input type="hidden" name="${name}" value="${value}">`)}`
}

/** Asks for confirmation before the dead letters that match `asked` are discarded for good. */
export function discardPage(asked: Answers, dead: Listed<NotificationRecord>): Html {
  const count = sayCount(dead)
  const said = Object.entries(asked).flatMap(([name, value]) => (value ? `${name} ${value}` : []))
  const what = dead.items.length === 1 && dead.next === null ? 'dead letter' : 'dead letters'
  const back = address('/deliveries', { state: 'dead', ...asked })
  const of = said.length > 0 && html`<p>Those of <b>${shown(said.join(', '), 600)}</b>.</p>`
  if (dead.items.length === 0 && dead.next === null)
    return html`<h1>Nothing to discard</h1>
<section class="card">
  ${of}
  <p>There are none, or no longer: what was a dead letter may have been retried or discarded.</p>
  <div class="buttons"><a class="button" href="${back}">Dead letters</a></div>
</section>`
  const which = dead.next === null ? { ids: dead.items.map(({ id }) => id).join(' ') } : asked
  return html`<h1>Discard ${count} ${what}?</h1>
<section class="card">
  ${of}
  <p>They will never be sent. This cannot be undone.</p>
  <ul class="members">${dead.items.slice(0, 10).map(({ object, summary, destination }) => html`<li>${objectName(object)} <span class="quiet">to ${destination}: ${shown(summary, 120)}</span></li>`)}</ul>
  ${dead.items.length > 10 && html`<p class="quiet">and others</p>`}
  <div class="buttons">${dead.items.length > 0 && html`<form method="post" action="/deliveries/discard-all">${hidden(which)}<button class="danger">Discard ${count}</button></form>`} <a class="button" href="${back}">Cancel</a></div>
</section>`
}

function deliveryRow(
  { id, event, rule, destination, state, reason, object, summary, createdAt }: NotificationRecord,
  back: string,
  now: number
): Html {
  const name =
    event === null
      ? html`<b>The relay itself</b>`
      : html`<a class="object" href="/events/${event}"><b>${objectName(object)}</b> ${objectPlace(object)}</a>`
  const what = `${event === null ? 'the relay itself' : objectName(object)} to ${destination}`
  return html`<li>
  <div class="line"><span>${stateBadge(state)} ${name}</span> <span class="quiet">${ago(createdAt, now)}</span></div>
  ${summary && html`<p class="text">${shown(summary, 240)}</p>`}
  ${reason && html`<p class="${state === 'dead' ? 'trouble' : 'quiet'}">${withTimes(shown(reason, 300), now)}</p>`}
  <div class="line"><span class="quiet">to <b>${destination}</b> by ${rule}</span>
  ${state === 'dead' && html`<span class="buttons">${retryButton(id, back, what)} ${discardButton(id, back, what)}</span>`}</div>
</li>`
}

/** `back` is the page to return to; `what` names the notification for screen readers, to which all retry buttons sound alike. */
export function retryButton(id: string, back: string, what: string): Html {
  return html`<form method="post" action="/deliveries/${id}/retry">${backTo(back)}<button data-key="retry-${id}" aria-label="Retry: ${what}">Retry</button></form>`
}

function discardButton(id: string, back: string, what: string): Html {
  return html`<form method="post" action="/deliveries/${id}/discard">${backTo(back)}<button class="danger" data-key="discard-${id}" aria-label="Discard: ${what}">Discard</button></form>`
}

function backTo(back: string): Html {
  return html`<input type="hidden" name="back" value="${back}">`
}
