// Events page: lists events, newest first.
import { html } from 'hono/html'
import { sayDuration } from '../duration.ts'
import { severityNames } from '../events/severity.ts'
import { transitionNames } from '../objects.ts'
import { type EventRecord, type Listed, notificationStates } from '../store/records.ts'
import { acknowledgeForm, isFailing } from './acknowledge.ts'
import { type Standing, sayStanding } from './notified.ts'
import { address, type Html } from './page.ts'
import {
  type Answers,
  ago,
  badge,
  faultLine,
  filterForm,
  gistIn,
  gistOfTrouble,
  historyOf,
  lasting,
  nothingMore,
  objectName,
  objectPlace,
  type Question,
  sayAsked,
  shown,
  silenceButtons,
  transitionBadge
} from './parts.ts'
import { searchBox } from './search-box.ts'

export interface Events {
  now: number
  answers: Answers
  events: Listed<EventRecord>
  /** Why the list is empty, if the filter names something that does not exist. */
  fault: string | undefined
  /** The object, if the filter names exactly one, and the events of the last `weekMs` with which it began to fail. */
  object: History | undefined
  rules: readonly string[]
  destinations: readonly string[]
}

interface History {
  standing: Standing
  failed: Listed<EventRecord>
  weekMs: number
}

const any = ['', 'any'] as const

/** The fields of the filter form. */
function questionsOf(rules: readonly string[], destinations: readonly string[]): Question[] {
  return [
    { name: 'source', label: 'Source' },
    { name: 'cluster', label: 'Cluster' },
    { name: 'kind', label: 'Kind' },
    { name: 'namespace', label: 'Namespace' },
    { name: 'name', label: 'Name' },
    { name: 'reason', label: 'Reason' },
    { name: 'severity', label: 'Severity', options: [any, ...severityNames] },
    { name: 'transition', label: 'Transition', options: [any, ...transitionNames] },
    { name: 'rule', label: 'Rule', options: [any, ...rules] },
    { name: 'destination', label: 'Destination', options: [any, ...destinations] },
    { name: 'state', label: 'Notification', options: [any, ...notificationStates] },
    {
      name: 'since',
      label: 'Since',
      options: [any, ['1h', '1 hour ago'], ['6h', '6 hours ago'], ['24h', '1 day ago'], ['7d', '7 days ago']]
    }
  ]
}

export function eventsPage({ now, answers, events, fault, object, rules, destinations }: Events): Html {
  const { cursor, ...asked } = answers
  const { q = '', ...filter } = asked
  const older = events.next && address('/events', { ...asked, cursor: events.next })
  const isCut = older && events.items.length === 0
  return html`<h1>${object ? objectName(object.standing.record.object) : 'Events'}</h1>
${object && objectCard(object, now)}
${faultLine(fault)}
${searchBox('/events', q, filter)}
${filterForm('/events', questionsOf(rules, destinations), filter, { q }, fault !== undefined)}
<div id="events"${!cursor && fault === undefined && html` data-live`}>
  ${events.items.length === 0 && fault === undefined && html`<p class="empty">${isCut ? 'None among those searched so far.' : cursor ? nothingMore(address('/events', asked)) : nothing(asked)}</p>`}
  <ol class="card rows">${events.items.map((event) => eventRow(event, now))}</ol>
  ${older && html`<p><a class="button" href="${older}" rel="next">${isCut ? 'Search further back' : 'Older'}</a></p>`}
</div>`
}

function nothing(asked: Answers): Html {
  const said = sayAsked(asked)
  return said === '' ? html`No events.` : html`No events match <b>${shown(said, 300)}</b>. <a href="/events">Clear</a>`
}

/** After this long, a healthy object is shown as unknown: it may have been deleted, or its cluster may be gone. */
const knownForMs = 24 * 60 * 60 * 1000

function objectCard({ standing, failed, weekMs }: History, now: number): Html {
  const { record } = standing
  const { object, state, failure, since, revision, seenAt } = record
  // An object last seen well long ago may have failed unseen since.
  const isKnown = now - seenAt <= knownForMs
  const colour = state === 'healthy' ? (isKnown ? 'green' : 'grey') : state === 'stale' ? 'amber' : 'red'
  return html`<section class="card" id="object" data-live aria-label="The object">
  <div class="line"><span>${badge(colour, state)} for ${lasting(since, now)}, last event ${ago(seenAt, now)} · ${objectPlace(object)}</span> <span class="buttons">${isFailing(record) && acknowledgeForm(record, historyOf(object))} ${silenceButtons(object, isFailing(record))}</span></div>
  ${
    failure &&
    html`<p class="text"><code>${shown(failure.reason, 100)}</code> ${gistOfTrouble(object, failure)}</p>
  <p>${sayStanding(standing, now)}</p>`
  }
  <p class="quiet">${sayHowOften(failed)} in the last ${sayDuration(weekMs)}.${revision && html` Last applied: <code>${shown(revision, 200)}</code>`}</p>
</section>`
}

/** `3 failures began` */
function sayHowOften({ items: { length }, next }: Listed<unknown>): string {
  if (length === 0) return next === null ? 'No failure began' : 'No failure began among its newest events'
  return `${length}${next === null ? '' : '+'} ${length === 1 && next === null ? 'failure' : 'failures'} began`
}

function eventRow(
  { id, receivedAt, object, severity, reason, transition, message, notifications }: EventRecord,
  now: number
): Html {
  return html`<li><a class="event" href="/events/${id}">
  <span class="line"><span>${transitionBadge(transition, severity)} <b>${objectName(object)}</b> ${objectPlace(object)}</span> <span class="quiet">${ago(receivedAt, now)}</span></span>
  <span class="text">${reason && html`<code>${shown(reason, 100)}</code> `}${gistIn(object, { reason, text: message })}</span>
  ${notifications.length > 0 && html`<span class="quiet">${recipientsOf(notifications)}</span>`}
</a></li>`
}

/** `platform sent, team-a pending`; each pair once, even if several rules notified the same destination. */
function recipientsOf(notifications: EventRecord['notifications']): string {
  const all = [...new Set(notifications.map(({ destination, state }) => `${destination} ${state}`))]
  return [...all.slice(0, 5), ...(all.length > 5 ? [`${all.length - 5} more`] : [])].join(', ')
}
