// Object reading: finds pages of objects on any store; failing ones come from an index that has nothing else in it.
import { RelayError } from '../../errors.ts'
import type { ObjectRef } from '../../events/flux.ts'
import { readMemory, stateOf } from '../../objects/stored-memory.ts'
import { objectOf } from '../../objects.ts'
import { maxPage, type ObjectFilter, type ObjectRecord, type ObjectState, type Page, type Records } from '../records.ts'
import { type Ask, Conditions, type Row } from './walk.ts'

/** Rows looked at in one statement, and for one page: their memories are of a kilobyte, and read. */
const windowRows = 1000
const maxRows = 10_000

interface Order {
  /** The window's rows after the one that `cursor` names. */
  next(cursor: string | undefined): Promise<Row[]>
  cursorOf(row: Row): string
}

/** `keyOf`: what the store calls an object. */
export function readObjects(ask: Ask, keyOf: (object: ObjectRef) => string): Pick<Records, 'objects'> {
  return {
    async objects({ state, ...filter }, page, now) {
      const { cluster, kind, namespace, name } = filter
      if (cluster !== undefined && kind !== undefined && namespace !== undefined && name !== undefined) {
        const rows = await ask(`${columnsSql} where key = $1`, [keyOf({ cluster, kind, namespace, name })])
        return { items: rows.flatMap((row) => recordOf(row, filter, state, now)), next: null }
      }
      const isFailing = state === 'failing' || state === 'stale'
      const order = isFailing ? byFailure(ask, page) : byKey(ask)
      return walkObjects(order, page, (row) => recordOf(row, filter, state, now))
    }
  }
}

const columnsSql = 'select key, memory, seen_at, failing_since from objects'

async function walkObjects(order: Order, page: Page, recordsOf: (row: Row) => ObjectRecord[]) {
  const limit = Math.min(page.limit, maxPage)
  const items: ObjectRecord[] = []
  let cursor = page.cursor
  for (let looked = 0; ; ) {
    const rows = await order.next(cursor)
    for (const row of rows) {
      if (items.length === limit) return { items, next: cursor ?? null }
      cursor = order.cursorOf(row)
      items.push(...recordsOf(row))
    }
    looked += rows.length
    if (rows.length < windowRows) return { items, next: null }
    if (looked >= maxRows) return { items, next: cursor ?? null }
  }
}

/** The newest failure first. */
function byFailure(ask: Ask, { order }: Page): Order {
  const [direction, sign] = order === 'asc' ? ['asc', '>'] : ['desc', '<']
  return {
    next(cursor) {
      const conditions = new Conditions()
      const [, since, key] = cursor === undefined ? [] : (/^(-?\d{1,15}):(.*)$/s.exec(cursor) ?? [])
      if (cursor !== undefined && key === undefined) {
        throw new RelayError('BAD_REQUEST', 'cursor is not one that was given out here')
      }
      const after =
        cursor === undefined
          ? ''
          : `and (failing_since, key) ${sign} (${conditions.put(Number(since))}, ${conditions.put(key ?? '')})`
      return ask(
        `${columnsSql} where failing_since is not null ${after}
         order by failing_since ${direction}, key ${direction} limit ${windowRows}`,
        conditions.values
      )
    },
    cursorOf: (row) => `${row['failing_since']}:${row['key']}`
  }
}

function byKey(ask: Ask): Order {
  return {
    next: (cursor = ':') =>
      ask(`${columnsSql} where key > $1 order by key limit ${windowRows}`, [cursor.slice(cursor.indexOf(':') + 1)]),
    // Of the same form as above.
    cursorOf: (row) => `0:${row['key']}`
  }
}

/** One, or none where it is not what was asked for. */
function recordOf(row: Row, wanted: ObjectFilter, state: ObjectState | undefined, now: number): ObjectRecord[] {
  if (row['memory'] === null || (state === 'healthy' && row['failing_since'] !== null)) return []
  const object = objectOf(String(row['key']))
  const isWanted = (['cluster', 'kind', 'namespace', 'name'] as const).every(
    (field) => wanted[field] === undefined || wanted[field] === object[field]
  )
  if (!isWanted) return []
  const memory = readMemory(String(row['memory']))
  const is = stateOf(memory, now)
  if (state !== undefined && state !== is) return []
  const { failure } = memory
  return [
    {
      object,
      state: is,
      ...(failure && {
        failure: {
          since: failure.since,
          count: failure.count,
          reason: failure.reason,
          text: failure.text,
          severity: failure.severity
        }
      }),
      since: memory.since,
      revision: memory.revision,
      notified: memory.notified,
      seenAt: memory.seenAt ?? Number(row['seen_at'])
    }
  ]
}
