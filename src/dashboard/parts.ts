// Parts: draws what pages share: objects as text that stays text, states as badges, how long ago something was, and filters as
// plain forms; the page comes back with the answers in its address.
import { html } from 'hono/html'
import { sayDuration } from '../duration.ts'
import type { ObjectRef } from '../events/flux.ts'
import { gistOf } from '../events/gist.ts'
import { parseRevision } from '../events/revision.ts'
import { clean } from '../legible.ts'
import { matchOf } from '../mutes/silence.ts'
import { asSentence } from '../notices/notice.ts'
import type { Transition } from '../objects.ts'
import { cut, utc } from '../render/slack/mrkdwn.ts'
import type { NotificationState } from '../store/records.ts'
import { address, type Html } from './page.ts'

/** At most about `max` characters of a text from outside, without what reorders or hides text. */
export function shown(text: string, max: number): string {
  // Cut before it is cleaned, too: it may have megabytes.
  return cut(clean(text.slice(0, 4 * max + 1000)), max)
}

// For as long as the object is at hand: the same failures come look after look.
const gists = new WeakMap<ObjectRef, { reason: string; text: string; gist: string }>()

/** What a failure of `object` says, in one line. */
export function gistOfTrouble(
  object: ObjectRef,
  { gist, ...said }: { reason: string; text: string; gist?: string | undefined }
): string {
  return gist === undefined ? gistIn(object, said) : shown(gist, 200)
}

/** What an event or a failure of `object` says: the cause first, in one line. */
export function gistIn(object: ObjectRef, { reason, text }: { reason: string; text: string }): string {
  const last = gists.get(object)
  if (last?.reason === reason && last.text === text) return last.gist
  const gist = shown(gistOf(object, reason, text).what, 200)
  gists.set(object, { reason, text, gist })
  return gist
}

/** `apps/shop` */
export function objectName({ namespace, name }: ObjectRef): string {
  return shown([namespace, name].filter(Boolean).join('/'), 300) || 'unnamed object'
}

/** `at main@4f2c91d`: the revision that it fails at; nothing where its events name none. */
export function failsAt({ revision }: { revision: string }): Html | undefined {
  return revision === '' ? undefined : html`at <code>${shown(parseRevision(revision).short, 80)}</code>`
}

/** The name, what kind of object it is and where: a link to all events about it. */
export function objectLink(object: ObjectRef): Html {
  return html`<a class="object" href="${historyOf(object)}"><b>${objectName(object)}</b> ${objectPlace(object)}</a>`
}

/** `Kustomization · prod-eu` */
export function objectPlace({ kind, cluster }: ObjectRef): Html {
  const texts = [kind, cluster].filter(Boolean).map((text) => shown(text, 100))
  return html`<span class="place">${texts.join(' · ')}</span>`
}

/** Where its events are. */
export function historyOf(object: ObjectRef): string {
  return address('/events', { ...object })
}

/**
 * Silences it at one tap, for an hour or, where it fails, as long as that; or leads to the form, filled in: by that alone where a
 * silence could be about others, too.
 */
export function silenceButtons(object: ObjectRef, isFailing = true): Html {
  if (matchOf(object) === undefined) return silenceLink(object)
  return html`${hourForm(object)} ${isFailing && untilRecoveredForm(object)} ${silenceLink(object)}`
}

function hourForm(object: ObjectRef): Html {
  const action = address('/silences', { ...object, for: '1h' })
  return html`<form method="post" action="${action}"><button aria-label="Silence 1 h: ${objectName(object)}">Silence 1 h</button></form>`
}

function untilRecoveredForm(object: ObjectRef): Html {
  const action = address('/silences', { ...object, for: untilRecovered })
  return html`<form method="post" action="${action}"><button aria-label="Until it recovers: silence ${objectName(object)}">Until it recovers</button></form>`
}

/** What a form of a silence says instead of how long it lasts. */
export const untilRecovered = 'recovered'

function silenceLink(object: ObjectRef): Html {
  const label = `Silence … ${objectName(object)}`
  return html`<a class="button" href="${address('/silences/new', { ...object })}" aria-label="${label}">Silence …</a>`
}

/** Red fails, amber waits or is not known, green is well, grey is unremarkable. */
export type Colour = 'red' | 'amber' | 'green' | 'grey'

export function badge(colour: Colour, word: string): Html {
  return html`<span class="badge ${colour}">${word}</span>`
}

const transitions: Record<Transition, Colour> = {
  failed: 'red',
  changed: 'red',
  repeated: 'amber',
  recovered: 'green',
  updated: 'green',
  informed: 'grey',
  heartbeat: 'grey'
}

/** What an event did to its object. A warning fails in amber. */
export function transitionBadge(transition: Transition, severity: string): Html {
  const colour = transitions[transition]
  return badge(colour === 'red' && severity === 'warn' ? 'amber' : colour, transition)
}

const states: Record<NotificationState, Colour> = {
  pending: 'amber',
  sent: 'green',
  dead: 'red',
  muted: 'grey',
  discarded: 'grey'
}

export function stateBadge(state: NotificationState): Html {
  return badge(states[state], state)
}

function timed(at: number, text: string): Html {
  return html`<time datetime="${new Date(at).toISOString()}" title="${utc(at)}">${text}</time>`
}

/** Clocks of replicas may be apart by so much; what is further ahead is from before a clock was set back. */
const clocksMs = 60_000

/** `5 m ago`; the time itself, of what is ahead of the clock: how long ago it was is not known. */
export function ago(at: number, now: number): Html {
  if (at - now > clocksMs) return exactly(at)
  return timed(at, now - at < 1000 ? 'just now' : `${roughly(now - at, 1)} ago`)
}

/** `2 h 5 m`, of what began at `since`. */
export function lasting(since: number, now: number): Html {
  return timed(since, since - now > clocksMs ? 'an unknown time' : roughly(now - since, 2))
}

/** Further ahead than that, a date says more than a number of days. */
const farMs = 60 * 24 * 60 * 60 * 1000

/** `in 20 m`, or `on 2099-01-01` */
export function ahead(at: number, now: number): Html {
  if (at - now > farMs) return timed(at, `on ${utc(at).slice(0, 10)}`)
  return timed(at, at - now < 1000 ? 'now' : `in ${roughly(at - now, 2)}`)
}

/** `ends in 20 m`, or `ends when it recovers`, of a mute or silence. */
export function ending({ endsAt, untilRecovered }: { endsAt: number; untilRecovered?: true }, now: number): Html {
  return untilRecovered
    ? html`ends when it recovers, at the latest ${ahead(endsAt, now)}`
    : html`ends ${ahead(endsAt, now)}`
}

/** At most so many units; seconds only where there is nothing else to say. */
function roughly(ms: number, units: number): string {
  const minute = 60_000
  const said = sayDuration(ms < minute ? ms : Math.floor(ms / minute) * minute)
  return said
    .split(' ')
    .slice(0, 2 * units)
    .join(' ')
}

/** `2026-09-21 14:13:20 UTC` */
export function exactly(at: number): Html {
  return timed(at, utc(at))
}

/** `14:13 UTC`, with the date where that is another day than `now`'s. */
export function atClock(at: number, now: number): string {
  const [date = '', time = ''] = utc(at).split(' ')
  return `${utc(now).startsWith(date) ? '' : `${date} `}${time.slice(0, 5)} UTC`
}

/** `12 m`, rounded up, so that what happened within it did; at least a minute. */
export function atMost(ms: number): string {
  const minute = 60_000
  return sayDuration(Math.max(1, Math.ceil(ms / minute)) * minute)
}

/** One question of a form. `options` makes it a choice; a pair is a value and what it is called. */
export interface Question {
  name: string
  label: string
  options?: readonly (string | readonly [value: string, label: string])[]
}

/** What was asked for so far, by the names of the questions. */
export type Answers = Readonly<Record<string, string | undefined>>

/** `namespace db, timeout`: what a list was asked for, its search without a name; empty where that is all. */
export function sayAsked(answers: Answers): string {
  const said = Object.entries(answers).flatMap(([name, value]) =>
    value ? (name === 'q' ? value : `${name} ${value}`) : []
  )
  return said.join(', ')
}

/** Of a later page that is empty by now: what stands on those before is not denied. `first` is where they begin. */
export function nothingMore(first: string): Html {
  return html`Nothing more. <a href="${first}">To the first page</a>`
}

/** What is wrong with what a list was asked for, above the form that can mend it. */
export function faultLine(fault: string | undefined): Html | undefined {
  return fault === undefined ? undefined : html`<p class="trouble" role="alert">${shown(asSentence(fault), 1000)}</p>`
}

/**
 * `action` is where the form leads; `kept` goes along unseen. Closed, and saying what was asked for: who comes by a link
 * wants to see what is below it. Open where there is something to mend.
 */
export function filterForm(
  action: string,
  questions: readonly Question[],
  answers: Answers,
  kept: Answers = {},
  isOpen = false
): Html {
  const asked = questions.flatMap(({ name, label }) => (answers[name] ? `${label.toLowerCase()} ${answers[name]}` : []))
  return html`<details class="card filter" id="filter"${isOpen && html` open`}>
  <summary>Filter <span class="count">${asked.join(', ')}</span></summary>
  <form action="${action}" method="get">
    ${Object.entries(kept).map(([name, value]) => value && html`<input type="hidden" name="${name}" value="${value}">`)}
    <div class="questions">${questions.map((question) => ask(question, answers[question.name] ?? ''))}</div>
    <div class="buttons"><button class="primary">Show</button> <a class="button" href="${address(action, kept)}">Clear</a></div>
  </form>
</details>`
}

/** More choices than that are no choice on a phone, and half a megabyte with every look: a name is written instead. */
const maxOptions = 200

/** A question with its answer so far. */
export function ask({ name, label, options }: Question, value: string): Html {
  if (options === undefined || options.length > maxOptions) {
    return html`<label>${label} <input name="${name}" value="${value}" maxlength="300" autocomplete="off" autocapitalize="off" spellcheck="false"></label>`
  }
  const pairs = options.map((option) => (typeof option === 'string' ? ([option, option] as const) : option))
  // An answer stays, even where it is no longer one of the choices.
  const all = value === '' || pairs.some(([option]) => option === value) ? pairs : [...pairs, [value, value] as const]
  return html`<label>${label} <select name="${name}">${all.map(
    ([option, text]) => html`<option value="${option}"${option === value && html` selected`}>${text}</option>`
  )}</select></label>`
}
