// Deliveries page: lists notifications by state: pending, sent, withheld or dead.
import { html } from 'hono/html'
import type { Listed, NotificationRecord, NotificationState } from '../store/records.ts'
import { address, type Html } from './page.ts'
import { type Answers, ago, filterForm, objectName, objectPlace, shown, stateBadge } from './parts.ts'

export interface Deliveries {
  now: number
  state: NotificationState
  answers: Answers
  notifications: Listed<NotificationRecord>
  rules: readonly string[]
  destinations: readonly string[]
}

const tabs: readonly (readonly [NotificationState, string])[] = [
  ['pending', 'Pending'],
  ['dead', 'Dead'],
  ['muted', 'Muted'],
  ['sent', 'Sent']
]

const meanings: Record<NotificationState, string> = {
  pending: 'Nothing is waiting.',
  dead: 'There are no dead letters.',
  muted: 'Nothing is withheld.',
  sent: 'Nothing has been sent yet.'
}

export function deliveriesPage({ now, state, answers, notifications, rules, destinations }: Deliveries): Html {
  const { cursor, ...asked } = answers
  const here = address('/deliveries', { state, ...asked })
  const questions = [
    { name: 'destination', label: 'Destination', options: [['', 'any'], ...destinations] as const },
    { name: 'rule', label: 'Rule', options: [['', 'any'], ...rules] as const },
    { name: 'cluster', label: 'Cluster' },
    { name: 'namespace', label: 'Namespace' },
    { name: 'name', label: 'Name' }
  ]
  const { items, next } = notifications
  const older = next && address('/deliveries', { state, ...asked, cursor: next })
  return html`<h1>Deliveries</h1>
<nav class="tabs" aria-label="States">${tabs.map(
    ([tab, label]) =>
      html`<a href="${address('/deliveries', { ...asked, state: tab })}"${tab === state && html` aria-current="page"`}>${label}</a>`
  )}</nav>
${filterForm('/deliveries', questions, asked, { state })}
<div id="deliveries"${!cursor && html` data-live`}>
  ${state === 'dead' && items.length > 0 && retryAllForm(asked, here)}
  ${items.length === 0 && html`<p class="empty">${older ? 'None among those searched so far.' : meanings[state]}</p>`}
  <ol class="card rows">${items.map((item) => deliveryRow(item, here, now))}</ol>
  ${older && html`<p><a class="button" href="${older}" rel="next">${items.length === 0 ? 'Search further back' : 'Older'}</a></p>`}
</div>`
}

function retryAllForm(asked: Answers, back: string): Html {
  const isFiltered = Object.values(asked).some(Boolean)
  return html`<form class="line" method="post" action="/deliveries/retry-all">
  ${Object.entries(asked).map(([name, value]) => value && html`<input type="hidden" name="${name}" value="${value}">`)}
  ${backTo(back)}
  <span class="quiet">Each is sent again, at the pace of its destination.</span>
  <button class="primary">Retry all${isFiltered && ' that match'}</button>
</form>`
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
  return html`<li>
  <div class="line"><span>${stateBadge(state)} ${name}</span> <span class="quiet">${ago(createdAt, now)}</span></div>
  ${summary && html`<p class="text">${shown(summary, 240)}</p>`}
  ${reason && html`<p class="${state === 'dead' ? 'trouble' : 'quiet'}">${shown(reason, 300)}</p>`}
  <div class="line"><span class="quiet">to <b>${destination}</b> by ${rule}</span>
  ${state === 'dead' && html`<span class="buttons">${retryButton(id, back)} ${discardButton(id, back)}</span>`}</div>
</li>`
}

/** `back` is the page to come back to. */
export function retryButton(id: string, back: string): Html {
  return html`<form method="post" action="/deliveries/${id}/retry">${backTo(back)}<button data-key="retry-${id}">Retry</button></form>`
}

function discardButton(id: string, back: string): Html {
  return html`<form method="post" action="/deliveries/${id}/discard">${backTo(back)}<button class="danger" data-key="discard-${id}">Discard</button></form>`
}

function backTo(back: string): Html {
  return html`<input type="hidden" name="back" value="${back}">`
}
