// Object reading: finds pages of objects on any store; failing ones come from an index that has nothing else in it.
import { RelayError } from '../../errors.ts'
import type { ObjectRef } from '../../events/flux.ts'
import { readMemory, stateOf } from '../../objects/stored-memory.ts'
import { type ObjectMemory, objectOf } from '../../objects.ts'
import {
  maxFailures,
  maxPage,
  type ObjectFilter,
  type ObjectRecord,
  type ObjectState,
  type Page,
  type Records
} from '../records.ts'
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
export function readObjects(ask: Ask, keyOf: (object: ObjectRef) => string): Pick<Records, 'objects' | 'failures'> {
  // Most say what they said at the last look, and thousands take their time to be read.
  const known = new Map<string, Remembered>()
  let looks = 0
  return {
    async objects({ state, isNamed = () => true, isWanted = () => true, ...filter }, page, now) {
      const { cluster, kind, namespace, name } = filter
      const wanted = { ...filter, state, isNamed }
      if (cluster !== undefined && kind !== undefined && namespace !== undefined && name !== undefined) {
        const rows = await ask(`${columnsSql} where key = $1`, [keyOf({ cluster, kind, namespace, name })])
        return { items: rows.flatMap((row) => recordOf(row, wanted, now)).filter(isWanted), next: null }
      }
      const isFailing = state === 'failing' || state === 'stale'
      const order = isFailing ? byFailure(ask, page) : byKey(ask)
      const limit = Math.min(page.limit, maxPage)
      return walkObjects(order, { ...page, limit }, (row) => recordOf(row, wanted, now).filter(isWanted))
    },

    async failures(now) {
      const page = { limit: maxFailures }
      const look = ++looks
      const recordsOf = (row: Row) => {
        const key = String(row['key'])
        const last = known.get(key)
        const one = last?.text === row['memory'] ? last : remembered(row, last?.record.object)
        if (one === undefined) return []
        if (one !== last) known.set(key, one)
        one.look = look
        return [standing(one, now)]
      }
      const found = await walkObjects(byFailure(ask, page), page, recordsOf, maxFailures)
      for (const [key, one] of known) if (one.look < look) known.delete(key)
      return found
    }
  }
}

const columnsSql = 'select key, memory, seen_at, failing_since from objects'

async function walkObjects(order: Order, page: Page, recordsOf: (row: Row) => ObjectRecord[], most = maxRows) {
  const { limit } = page
  const items: ObjectRecord[] = []
  let last: Row | undefined
  const place = () => (last === undefined ? page.cursor : order.cursorOf(last))
  for (let looked = 0; ; ) {
    const rows = await order.next(place())
    for (const row of rows) {
      if (items.length === limit) return { items, next: place() ?? null }
      last = row
      items.push(...recordsOf(row))
    }
    looked += rows.length
    if (rows.length < windowRows) return { items, next: null }
    if (looked >= most) return { items, next: place() ?? null }
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

/** A row with what was read out of it. */
interface Remembered {
  text: string
  memory: ObjectMemory
  record: Omit<ObjectRecord, 'state'>
  /** As it was last asked for, and in which look. */
  stood?: ObjectRecord
  look: number
}

/** `object` where it is known from before: who found something out about it finds that again. */
function remembered(row: Row, object = objectOf(String(row['key']))): Remembered | undefined {
  if (row['memory'] === null) return undefined
  const text = String(row['memory'])
  const memory = readMemory(text)
  return { text, memory, record: recordIn(memory, object, Number(row['seen_at'])), look: 0 }
}

function standing(one: Remembered, now: number): ObjectRecord {
  const { record, memory, stood } = one
  const isSame = stood?.state === stateOf(memory, now) && !record.notified.some(({ heldUntil }) => heldUntil)
  one.stood = isSame ? stood : asOf(record, memory, now)
  return one.stood
}

interface Wanted extends ObjectFilter {
  state: ObjectState | undefined
  isNamed: (object: ObjectRef) => boolean
}

/** One, or none where it is not what was asked for. */
function recordOf(row: Row, { state, isNamed, ...wanted }: Wanted, now: number): ObjectRecord[] {
  if (row['memory'] === null || (state === 'healthy' && row['failing_since'] !== null)) return []
  const object = objectOf(String(row['key']))
  const isWanted = (['cluster', 'kind', 'namespace', 'name'] as const).every(
    (field) => wanted[field] === undefined || wanted[field] === object[field]
  )
  if (!isWanted || !isNamed(object)) return []
  const memory = readMemory(String(row['memory']))
  const is = stateOf(memory, now)
  if (state !== undefined && state !== is) return []
  return [asOf(recordIn(memory, object, Number(row['seen_at'])), memory, now)]
}

/** Nobody knows of what is held to see whether it lasts. */
function asOf(record: Omit<ObjectRecord, 'state'>, memory: ObjectMemory, now: number): ObjectRecord {
  const notified = record.notified.filter(({ heldUntil = 0 }) => heldUntil <= now)
  return { ...record, notified, state: stateOf(memory, now) }
}

function recordIn(memory: ObjectMemory, object: ObjectRef, rowSeenAt: number): Omit<ObjectRecord, 'state'> {
  const { failure, since, revision, notified, seenAt = rowSeenAt } = memory
  return {
    object,
    ...(failure && {
      failure: {
        since: failure.since,
        count: failure.count,
        reason: failure.reason,
        text: failure.text,
        severity: failure.severity,
        ...(failure.acknowledged && { acknowledged: failure.acknowledged })
      }
    }),
    since,
    revision,
    notified,
    seenAt
  }
}
