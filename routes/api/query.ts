// What the lists of the API have in common: filters and pages in the query, texts and times in the replies.
import { Type } from 'typebox'
import { isDuration, parseDuration } from '../../src/duration.ts'
import { RelayError } from '../../src/errors.ts'
import { maxPage, type Page } from '../../src/store/records.ts'

const Text = Type.Optional(Type.String({ minLength: 1, maxLength: 300 }))

export const objectFields = { cluster: Text, kind: Text, namespace: Text, name: Text }

export const PageFields = {
  limit: Type.Optional(Type.String({ description: `A number from 1 to ${maxPage}; 100 if left out.` })),
  cursor: Type.Optional(
    Type.String({ minLength: 1, maxLength: 2000, description: 'The `next` of the page before, with the same filter.' })
  ),
  order: Type.Optional(
    Type.Enum(['asc', 'desc'], {
      description: 'desc, the newest first, if left out; objects that do not fail come by their names.'
    })
  )
}

export const State = Type.Enum(['pending', 'sent', 'dead', 'muted'])
export const Filter = Text

export const Moment = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 40,
    description: 'A time such as 2026-11-20T10:00:00Z, milliseconds since 1970, or so long ago: 30m, 24h, 7d.'
  })
)

export const Next = Type.Unsafe<string | null>({
  type: ['string', 'null'],
  description: 'The cursor of the next page; null where there is none. A page may be short and have one.'
})

export const TextOrNull = Type.Unsafe<string | null>({ type: ['string', 'null'] })

export const ObjectReply = Type.Object({
  cluster: Type.String(),
  kind: Type.String(),
  namespace: Type.String(),
  name: Type.String()
})

type PageQuery = { [field in keyof typeof PageFields]?: string | undefined }

/** Throws BAD_REQUEST where `limit` is not right. */
export function pageOf({ limit = '100', cursor, order }: PageQuery): Page {
  const rows = /^[1-9][0-9]{0,2}$/.test(limit) ? Number(limit) : maxPage + 1
  if (rows > maxPage) throw new RelayError('BAD_REQUEST', `limit must be a number from 1 to ${maxPage}`)
  return { limit: rows, cursor, order: order === 'asc' ? 'asc' : 'desc' }
}

/** The time that `text` says, in ms. Throws BAD_REQUEST, naming `field`. */
export function momentOf(text: string | undefined, field: string, now: number): number | undefined {
  if (text === undefined) return undefined
  if (/^[0-9]{1,15}$/.test(text)) return Number(text)
  if (isDuration(text)) return now - parseDuration(text)
  const ms = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN
  if (!Number.isNaN(ms)) return ms
  throw new RelayError(
    'BAD_REQUEST',
    `${field} is not a time such as 2026-11-20T10:00:00Z or a duration such as 30m, 24h, 7d`
  )
}

/** As the API writes times. */
export function iso(ms: number): string {
  return new Date(ms).toISOString()
}

export function isoOrNull(ms: number | null): string | null {
  return ms === null ? null : iso(ms)
}
