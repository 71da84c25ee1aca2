// Page queries: take known texts from an address or a form, and drop everything else.
import type { FastifyRequest } from 'fastify'
import { html } from 'hono/html'
import type { Html } from '../../src/dashboard/page.ts'
import { isDuration, parseDuration } from '../../src/duration.ts'
import { RelayError } from '../../src/errors.ts'
import { parseSearch, type Search } from '../../src/search.ts'
import { unknownName } from '../../src/spelling.ts'
import { type NotificationState, notificationStates } from '../../src/store/records.ts'

/** The values of `names` in `given`, a query or a form. Throws BAD_REQUEST for one longer than `maxLength`. */
export function answersOf<Name extends string>(
  given: unknown,
  names: readonly Name[],
  maxLength = 500
): Partial<Record<Name, string>> {
  const known = (given ?? {}) as Record<string, unknown>
  const answers: Partial<Record<Name, string>> = {}
  for (const name of names) {
    const value = [known[name]].flat().at(-1)
    if (typeof value !== 'string' || value.trim() === '') continue
    if (value.length > maxLength) throw new RelayError('BAD_REQUEST', `${name} is too long`)
    answers[name] = value.trim()
  }
  return answers
}

/**
 * {@link answersOf} for the address of a list. Throws BAD_REQUEST with the known names for any other name: ignored, it would
 * make the list look like the answer to it.
 */
export function filterOf<Name extends string>(query: unknown, names: readonly Name[], maxLength?: number) {
  const known: readonly string[] = names
  // `done`, what was done on the page before, is part of the address too.
  const other = Object.keys(query ?? {}).find((name) => name !== 'done' && !known.includes(name))
  if (other !== undefined) throw new RelayError('BAD_REQUEST', unknownName('filter', other, known))
  return answersOf(query, names, maxLength)
}

/** `24h` before `now`, in ms. Throws BAD_REQUEST if it is not a duration. */
export function sinceOf(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined
  if (isDuration(text)) return now - parseDuration(text)
  throw new RelayError('BAD_REQUEST', 'since is not a duration such as 30m, 24h, 7d')
}

/** Parses the text of a search box. Throws BAD_REQUEST if a word before a colon is none of `fields`. */
export function searchOf(text: string, fields: readonly string[]): Search {
  const search = parseSearch(text, fields)
  if (typeof search === 'string') throw new RelayError('BAD_REQUEST', search)
  return search
}

/** Throws BAD_REQUEST if it is not a state. */
export function stateOf(text: string | undefined): NotificationState | undefined {
  return oneOf(notificationStates, text, 'state')
}

/** `text`, if it is one of `choices`. Throws BAD_REQUEST with the choices if it is not. */
export function oneOf<Choice extends string>(
  choices: readonly Choice[],
  text: string | undefined,
  what: string
): Choice | undefined {
  const choice = choices.find((each) => each === text)
  if (text !== undefined && choice === undefined) throw new RelayError('BAD_REQUEST', unknownName(what, text, choices))
  return choice
}

/** Each takes a number: a count, or the id of a silence. */
const done: Record<string, (count: number) => Html | string> = {
  retried: (count) =>
    count === 0
      ? 'Nothing was retried: the destination is no longer in the config file, or this is no longer a dead letter.'
      : `${count.toLocaleString('en')} ${count === 1 ? 'notification waits' : 'notifications wait'} to be sent again.`,
  discarded: (count) =>
    count === 0
      ? 'It was no longer a dead letter.'
      : count === 1
        ? 'Discarded. It will not be sent.'
        : `${count.toLocaleString('en')} discarded. They will not be sent.`,
  tried: (count) => (count === 0 ? 'Slack asked to wait, so it is not tried before that.' : 'Trying it now.'),
  acknowledged: (count) =>
    count === 0
      ? 'Nothing of that fails, or all of it is acknowledged already.'
      : `Acknowledged${count === 1 ? '' : ` ${count.toLocaleString('en')} incidents`}. No reminders and no pings until ${count === 1 ? 'it is' : 'they are'} over.`,
  unacknowledged: (count) =>
    count === 0 ? 'It was not acknowledged any more.' : 'No longer acknowledged: reminders go on.',
  silenced: (id) => withButton('Silenced.', `/silences/${id}/end`, 'Undo'),
  extended: (count) => (count === 0 ? 'It had already ended.' : 'It lasts an hour longer.'),
  ended: (count) =>
    count === 0
      ? 'It had already ended.'
      : withButton(
          'Ended. If it withheld anything, one message sums that up.',
          `/silences/${count}/again`,
          'Silence it again for 1 h'
        )
}

function withButton(says: string, action: string, words: string): Html {
  return html`${says} <form class="inline" method="post" action="${action}"><button>${words}</button></form>`
}

/** `path` with a note of what was done there. */
export function withDone(path: string, what: keyof typeof done, count: number): string {
  const { pathname, searchParams } = new URL(path, 'http://here')
  searchParams.set('done', `${what}-${count}`)
  return `${pathname}?${searchParams}`
}

/** Says what was done in our own words: the address only names it. */
export function doneOf(query: unknown): Html | string | undefined {
  const { done: text = '' } = answersOf(query, ['done'])
  const [, what = '', count] = /^([a-z]+)-(\d{1,9})$/.exec(text) ?? []
  return Object.hasOwn(done, what) ? done[what]?.(Number(count)) : undefined
}

/** The page to return to: one of ours, or `otherwise`. It never throws, because the act is already done. */
export function backOf(form: unknown, otherwise: string): string {
  const { back = '' } = answersOf(form, ['back'], Number.POSITIVE_INFINITY)
  return /^\/((events|objects|deliveries)\b[\w/?=&%.+*~-]*|\?[\w=&%.+*~-]*)?$/.test(back) ? back : otherwise
}

/**
 * The origin by which the client reached the relay. It is put into commands to paste into a shell, so nothing but a host gets
 * through.
 */
export function originOf({ host, headers }: FastifyRequest): string {
  const scheme = headers['x-forwarded-proto'] === 'https' ? 'https' : 'http'
  return /^[\w.:[\]-]{1,253}$/.test(host) ? `${scheme}://${host}` : 'http://localhost:8080'
}

/** What was looked up by the id in an address. Throws NOT_FOUND if it does not exist. */
export async function found<T>(looked: Promise<T | undefined>): Promise<T> {
  const thing = await looked
  if (thing === undefined)
    throw new RelayError('NOT_FOUND', 'It may have existed once: what is older than the retention is deleted.')
  return thing
}
