// List queries: define the filters, pages, texts and times that all lists of the API share.

import { closedObject } from '../../src/about.ts'
import { actWays } from '../../src/actor.ts'
import { isDuration, parseDuration, parseTime } from '../../src/duration.ts'
import { RelayError } from '../../src/errors.ts'
import { type Schema, type Static, Type } from '../../src/json-schema.ts'
import type { Acknowledgement } from '../../src/objects/memory.ts'
import { maxPage, notificationStates, type Page } from '../../src/store/records.ts'

const Text = Type.Optional(Type.String({ minLength: 1, maxLength: 300 }))

export const objectFields = { cluster: Text, kind: Text, namespace: Text, name: Text }

export function cursorOf(pattern: string) {
  return Type.Optional(
    Type.String({
      maxLength: 2000,
      pattern,
      patternErrorMessage: 'is not a cursor of this list',
      description: 'The `next` of the page before, with the same filter.'
    })
  )
}

export const PageFields = {
  limit: Type.Optional(
    Type.String({
      pattern: '^([1-9][0-9]?|[1-4][0-9]{2}|500)$',
      patternErrorMessage: `must be a number from 1 to ${maxPage}`,
      description: `A number from 1 to ${maxPage}; 100 if left out.`
    })
  ),
  cursor: cursorOf('^[0-9]{1,15}$'),
  order: Type.Optional(
    Type.Enum(['asc', 'desc'], {
      description: 'desc (newest first) if left out; objects that do not fail are ordered by name.'
    })
  )
}

export const State = Type.Enum([...notificationStates])
export const Filter = Text

const date = '[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])'
const clockTime = '([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\\.[0-9]{1,9})?)?'
// A plus that is not percent-encoded in a query is decoded as a blank.
const zone = '(Z|[+ -]([01][0-9]|2[0-3]):[0-5][0-9])'

export const Moment = Type.Optional(
  Type.String({
    maxLength: 40,
    pattern: `^([0-9]{1,15}|([0-9]{1,6}[smhd]){1,4}|${date}([T ]${clockTime}${zone}?)?)$`,
    patternErrorMessage: 'is not a time such as 2026-11-20T10:00:00Z or a duration such as 30m, 24h, 7d',
    description: 'A time such as 2026-11-20T10:00:00Z, milliseconds since 1970, or so long ago: 30m, 24h, 7d.'
  })
)

/** A text or null. */
export function textOrNull(description?: string, format?: string) {
  return Type.Unsafe<string | null>({
    type: ['string', 'null'],
    ...(format && { format }),
    ...(description && { description })
  })
}

/** A time as {@link iso} writes it. */
export const Time = Type.String({ format: 'date-time' })

/** The reason of a notification's state. */
export const Because = textOrNull(
  'Why it is dead, discarded or muted: of what a mute or silence withheld, by which. Of one that waits for something: for what.'
)

export function timeOrNull(description: string) {
  return textOrNull(description, 'date-time')
}

export const Next = textOrNull('The cursor of the next page, or null. Even a short page may have one.')

/** A row's id in a path. */
export const Id = Type.Object({
  id: Type.String({ pattern: '^[0-9]{1,15}$', patternErrorMessage: 'is not a number, as every id is' })
})

/** The form of every error. */
export const ErrorReply = Type.Object({
  code: Type.String({ description: 'For programs; never changes.' }),
  message: Type.String({ description: 'What happened, and what to do.' })
})

export const ObjectReply = Type.Object({
  cluster: Type.String(),
  kind: Type.String(),
  namespace: Type.String(),
  name: Type.String()
})

/** Who acknowledged an incident, by what way, and when. */
export const AcknowledgementReply = Type.Object({ by: Type.String(), via: Type.Enum([...actWays]), at: Time })

/** The acknowledgement as a part of an answer; empty without one. */
export function takenOn(by: Acknowledgement | undefined): { acknowledged?: Static<typeof AcknowledgementReply> } {
  return by === undefined ? {} : { acknowledged: { ...by, at: iso(by.at) } }
}

type PageQuery = { [field in keyof typeof PageFields]?: string | undefined }

export function pageOf({ limit = '100', cursor, order }: PageQuery): Page {
  return { limit: Number(limit), cursor, order: order === 'asc' ? 'asc' : 'desc' }
}

/** A time in seconds, as `date +%s` prints it; in ms, it would be a day of 1970. */
const seconds = /^[0-9]{9,10}$/

/** Parses a {@link Moment} into ms. Throws BAD_REQUEST for a day that does not exist, and for a time in seconds. */
export function momentOf(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined
  if (seconds.test(text)) throw new RelayError('BAD_REQUEST', `${text} is in seconds: milliseconds are ${text}000`)
  if (/^[0-9]+$/.test(text)) return Number(text)
  const at = isDuration(text) ? now - parseDuration(text) : parseTime(text.replace(/(:\S+) (?=\d\d:\d\d$)/, '$1+'))
  if (Number.isNaN(at)) throw new RelayError('BAD_REQUEST', `${text} is on a day that does not exist`)
  return at
}

/** The clocks of a client and the relay may differ by this much. */
const aheadMs = 60_000

/**
 * {@link momentOf} for the start of a list. Throws BAD_REQUEST if it lies in the future, where an empty list would look as if
 * all were quiet.
 */
export function startOf(text: string | undefined, now: number): number | undefined {
  const at = momentOf(text, now)
  if (at !== undefined && at - now > aheadMs)
    throw new RelayError(
      'BAD_REQUEST',
      `since, ${iso(at)}, is ahead: it is ${iso(now)} here; a time without a zone is in UTC`
    )
  return at
}

/** The form of times in the API. */
export function iso(ms: number): string {
  return new Date(ms).toISOString()
}

export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms)
}

/** The schema of a route for the description of the API: what it takes, and what it answers with 200. */
export function describe(
  summary: string,
  reply: Schema,
  takes: { [part in 'params' | 'querystring' | 'body']?: Schema } = {}
) {
  // Unknown parameters are refused: a filter that is ignored would look as if everything matched it.
  return { schema: { summary, querystring: closedObject({}), ...takes, response: { 200: reply } } }
}
