// Parts: draws what pages share: objects as text that stays text, states as badges, times as ages, and filters as plain forms
// whose answers end up in the address.
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

/** A text from outside, cut to about `max` characters, without characters that reorder or hide text. */
export function shown(text: string, max: number): string {
  // Cut before cleaning as well: the text may have megabytes.
  return cut(clean(text.slice(0, 4 * max + 1000)), max)
}

// Kept as long as the object is in memory: every render looks at the same failures.
const gists = new WeakMap<ObjectRef, { reason: string; text: string; gist: string }>()

/** The gist of an object's failure, in one line. */
export function gistOfTrouble(
  object: ObjectRef,
  { gist, ...said }: { reason: string; text: string; gist?: string | undefined }
): string {
  return gist === undefined ? gistIn(object, said) : shown(gist, 200)
}

/** The gist of what an event or failure of `object` says, in one line, the cause first. */
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

/** `at main@4f2c91d`: the revision at which the object fails; undefined if its events name none. */
export function failsAt({ revision }: { revision: string }): Html | undefined {
  return revision === '' ? undefined : html`at <code>${shown(parseRevision(revision).short, 80)}</code>`
}

/** The object's name, kind and cluster, linked to all its events. */
export function objectLink(object: ObjectRef): Html {
  return html`<a class="object" href="${historyOf(object)}"><b>${objectName(object)}</b> ${objectPlace(object)}</a>`
}

/** `Kustomization · prod-eu` */
export function objectPlace({ kind, cluster }: ObjectRef): Html {
  const texts = [kind, cluster].filter(Boolean).map((text) => shown(text, 100))
  return html`<span class="place">${texts.join(' · ')}</span>`
}

/** The address of the list of the object's events. */
export function historyOf(object: ObjectRef): string {
  return address('/events', { ...object })
}

/**
 * Buttons that silence the object for an hour or, if it fails, until it recovers, and a link to the filled-in form. Only the
 * link if a one-tap silence could match other objects as well.
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

/** The form's value for "until it recovers" in place of a duration. */
export const untilRecovered = 'recovered'

function silenceLink(object: ObjectRef): Html {
  const label = `Silence … ${objectName(object)}`
  return html`<a class="button" href="${address('/silences/new', { ...object })}" aria-label="${label}">Silence …</a>`
}

/** Red fails, amber waits or is unknown, green is well, grey is unremarkable. */
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

/** The badge of a transition. A failure that is a warning is amber. */
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

/** Clocks of replicas may differ by this much; a time further ahead is from before a clock was set back. */
const clocksMs = 60_000

/** `5 m ago`; the time itself if it lies ahead of the clock, because its age is unknown then. */
export function ago(at: number, now: number): Html {
  if (at - now > clocksMs) return exactly(at)
  return timed(at, now - at < 1000 ? 'just now' : `${roughly(now - at, 1)} ago`)
}

/** `2 h 5 m`, for something that began at `since`. */
export function lasting(since: number, now: number): Html {
  return timed(since, since - now > clocksMs ? 'an unknown time' : roughly(now - since, 2))
}

/** Beyond this, a date says more than a number of days. */
const farMs = 60 * 24 * 60 * 60 * 1000

/** `in 20 m`, or `on 2099-01-01` */
export function ahead(at: number, now: number): Html {
  if (at - now > farMs) return timed(at, `on ${utc(at).slice(0, 10)}`)
  return timed(at, at - now < 1000 ? 'now' : `in ${roughly(at - now, 2)}`)
}

/** `ends in 20 m` or `ends when it recovers`, of a mute or silence. */
export function ending({ endsAt, untilRecovered }: { endsAt: number; untilRecovered?: true }, now: number): Html {
  return untilRecovered
    ? html`ends when it recovers, at the latest ${ahead(endsAt, now)}`
    : html`ends ${ahead(endsAt, now)}`
}

/** A duration in at most `units` units; seconds only if it is less than a minute. */
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

/** `14:13 UTC`, with the date if it is not the day of `now`. */
export function atClock(at: number, now: number): string {
  const [date = '', time = ''] = utc(at).split(' ')
  return `${utc(now).startsWith(date) ? '' : `${date} `}${time.slice(0, 5)} UTC`
}

/** `12 m`, at least a minute. Rounded up, so that what happened within `ms` also happened within the time named. */
export function atMost(ms: number): string {
  const minute = 60_000
  return sayDuration(Math.max(1, Math.ceil(ms / minute)) * minute)
}

/** One field of a form. `options` makes it a choice; a pair is a value and its label. */
export interface Question {
  name: string
  label: string
  options?: readonly (string | readonly [value: string, label: string])[]
}

/** The answers so far, by the names of the questions. */
export type Answers = Readonly<Record<string, string | undefined>>

/** `namespace db, timeout`: the filter of a list in words, with the search text unlabelled; empty without a filter. */
export function sayAsked(answers: Answers): string {
  const said = Object.entries(answers).flatMap(([name, value]) =>
    value ? (name === 'q' ? value : `${name} ${value}`) : []
  )
  return said.join(', ')
}

/**
 * For a later page that has become empty: earlier pages may still have entries, so it must not say "none". `first` is the first
 * page.
 */
export function nothingMore(first: string): Html {
  return html`Nothing more. <a href="${first}">To the first page</a>`
}

/** The error in a filter, shown above the form that can correct it. */
export function faultLine(fault: string | undefined): Html | undefined {
  return fault === undefined ? undefined : html`<p class="trouble" role="alert">${shown(asSentence(fault), 1000)}</p>`
}

/**
 * Draws the filter form, which leads to `action`; `kept` are hidden fields. It is folded under a summary of its answers,
 * because whoever follows a link wants the list below it; `isOpen` when there is something to correct.
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

/** A longer choice is unusable on a phone and adds half a megabyte to every page: a text field takes its place. */
const maxOptions = 200

/** Draws a question with its present answer. */
export function ask({ name, label, options }: Question, value: string): Html {
  if (options === undefined || options.length > maxOptions) {
    return html`<label>${label} <input name="${name}" value="${value}" maxlength="300" autocomplete="off" autocapitalize="off" spellcheck="false"></label>`
  }
  const pairs = options.map((option) => (typeof option === 'string' ? ([option, option] as const) : option))
  // Keep an answer that is no longer among the choices.
  const all = value === '' || pairs.some(([option]) => option === value) ? pairs : [...pairs, [value, value] as const]
  return html`<label>${label} <select name="${name}">${all.map(
    ([option, text]) => html`<option value="${option}"${option === value && html` selected`}>${text}</option>`
  )}</select></label>`
}
