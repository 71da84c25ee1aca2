// Object reading: finds pages of objects on any store.
import type { ObjectRef } from '../../events/flux.ts'
import { objectOf } from '../../objects/name.ts'
import { readMemory, stateOf } from '../../objects/stored-memory.ts'
import {
  maxFailures,
  maxPage,
  type ObjectFilter,
  type ObjectRecord,
  type ObjectState,
  type Page,
  type Records
} from '../records.ts'
import { createFailing, type FailingPlace, standing, type WatchMemories } from './failing-objects.ts'
import { asOf, columnsSql, type Order, placeIn, recordIn, windowRows } from './object-rows.ts'
import type { Ask, Row } from './walk.ts'

/** Rows that are looked at for one page. */
const maxRows = 10_000

/**
 * Creates the reading of objects. `keyOf` makes the store's key of an object. `watch` is of a store that only this process writes to:
 * there, what has not changed is not read again; in other stores it is read and compared.
 */
export function readObjects(
  ask: Ask,
  keyOf: (object: ObjectRef) => string,
  watch?: WatchMemories
): Pick<Records, 'objects' | 'failures'> {
  const failing = createFailing(ask, watch)
  let looks = 0
  return {
    async objects({ state, isNamed = () => true, isWanted = () => true, ...filter }, page, now) {
      const { cluster, kind, namespace, name } = filter
      const wanted = { ...filter, state, isNamed }
      if (cluster !== undefined && kind !== undefined && namespace !== undefined && name !== undefined) {
        const rows = await ask(`${columnsSql} where key = $1`, [keyOf({ cluster, kind, namespace, name })])
        return { items: rows.flatMap((row) => recordOf(row, wanted, now)).filter(isWanted), next: null }
      }
      const limit = Math.min(page.limit, maxPage)
      if (state !== 'failing' && state !== 'stale') {
        return walkObjects(byKey(ask), { ...page, limit }, (row) => recordOf(row, wanted, now).filter(isWanted))
      }
      const order = failing.order(page, (object) => isAsked(object, wanted))
      return walkObjects(order, { ...page, limit }, ({ known }) => {
        const record = known && standing(known, now)
        return record?.state === state && isWanted(record) ? [record] : []
      })
    },

    async failures(now) {
      const page = { limit: maxFailures }
      const look = ++looks
      const recordsOf = ({ known }: FailingPlace) => {
        const record = known && standing(known, now)
        if (known === undefined || record === undefined) return []
        known.look = look
        return [record]
      }
      const found = await walkObjects(
        failing.order(page, () => true),
        page,
        recordsOf,
        maxFailures
      )
      failing.forgetBefore(look)
      return found
    }
  }
}

async function walkObjects<Place>(
  order: Order<Place>,
  page: Page,
  recordsOf: (place: Place) => ObjectRecord[],
  most = maxRows
) {
  const { limit } = page
  const items: ObjectRecord[] = []
  let last: Place | undefined
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

function byKey(ask: Ask): Order<Row> {
  return {
    next(cursor = '0:') {
      const { key } = placeIn(cursor, true)
      return ask(`${columnsSql} where key > $1 order by key limit ${windowRows}`, [key])
    },
    // The same form as in the default of `next`.
    cursorOf: (row) => `0:${row['key']}`
  }
}

interface Wanted extends ObjectFilter {
  state: ObjectState | undefined
  isNamed: (object: ObjectRef) => boolean
}

function isAsked(object: ObjectRef, { isNamed, ...wanted }: Omit<Wanted, 'state'>): boolean {
  const isWanted = (['cluster', 'kind', 'namespace', 'name'] as const).every(
    (field) => wanted[field] === undefined || wanted[field] === object[field]
  )
  return isWanted && isNamed(object)
}

/** The record of a row, or none if it is not what was asked for. */
function recordOf(row: Row, { state, ...wanted }: Wanted, now: number): ObjectRecord[] {
  if (row['memory'] === null || (state === 'healthy' && row['failing_since'] !== null)) return []
  const object = objectOf(String(row['key']))
  if (!isAsked(object, wanted)) return []
  const memory = readMemory(String(row['memory']))
  const is = stateOf(memory, now)
  if (state !== undefined && state !== is) return []
  return [asOf(recordIn(memory, object, Number(row['seen_at'])), memory, now)]
}
