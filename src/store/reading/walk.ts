// Walk: goes along an index, a window at a time, until a page is full or has cost as much as it may. Every row in the window is tested for
// the conditions that the index cannot answer. The SQL is the same for every store, except for how it names the index.
import { RelayError } from '../../errors.ts'
import { maxPage, type Page } from '../records.ts'

export type Value = string | number | null
export type Row = Record<string, Value>

/** Runs one statement outside of any transaction. Its values stand in it as $1, $2, … */
export interface Ask {
  (sql: string, values: readonly Value[]): Promise<Row[]>
  /**
   * Set if the store needs a comparison of both as a row to choose the index of a column and the id. For `rule = 'x' … order by id`,
   * PostgreSQL may assume that such rows are everywhere, and go through the ids of all rules.
   */
  comparesRows?: true
}

/** Rows that one statement looks at: a few milliseconds, which in SQLite block everything else. */
const windowRows = 2000
/** Rows that are looked at for one page; a row with another beside it counts twice. */
const maxRows = 20_000
/** How many rows around a moment may have times out of the order of their ids. */
const disorderRows = 1000

/** Conditions and their values. */
export class Conditions {
  readonly values: Value[] = []
  /** Conditions that the index answers. */
  readonly lead: string[] = []
  /** Conditions for which every row is tested. */
  readonly rest: string[] = []
  /** The column before the id in the index, if any, and its value as it is written in the statement. */
  column?: readonly [name: string, value: string]

  /** Adds `value`, and returns how it is written in the statement. */
  put(value: Value): string {
    this.values.push(value)
    return `$${this.values.length}`
  }

  /** Conditions that the columns of `alias` have the values in `wanted`, without those that are undefined. */
  equal(alias: string, wanted: Record<string, Value | undefined>): string[] {
    return Object.entries(wanted).flatMap(([column, value]) =>
      value === undefined ? [] : [`${alias}.${column} = ${this.put(value)}`]
    )
  }
}

export interface Walk {
  table: 'events' | 'notifications'
  /** The columns of `table` that the conditions need. */
  columns: readonly string[]
  /** The `from` and `where` of a row in another table that a hit needs. The window is `w`. */
  beside?: string
  conditions: Conditions
  /** The expression that identifies a hit, if that is not the row's id. */
  found?: string
}

/** The ids of the hits, in order, and the cursor of the next page. */
export interface Walked {
  ids: number[]
  next: string | null
}

/** Finds a page of rows that meet every condition. Throws BAD_REQUEST if the cursor is malformed. */
export async function walk(
  ask: Ask,
  { table, columns, beside, conditions, found = 'w.id' }: Walk,
  page: Page
): Promise<Walked> {
  const { values, lead, rest, column } = conditions
  const isDown = page.order !== 'asc'
  const limit = Math.min(page.limit, maxPage)
  const order = isDown ? 'desc' : 'asc'
  const size = rest.length === 0 ? limit + 1 : windowRows
  const hits: { id: number; at: number }[] = []
  let place = page.cursor === undefined ? (isDown ? greatest : 0) : idOf(page.cursor, 'cursor')
  for (let looked = 0; ; ) {
    const where = [...lead, ...idsAfter(place, isDown, column, ask.comparesRows)].join(' and ')
    const hit = `case when ${rest.join(' and ') || 'true'} then 1 else 0 end`
    const rows = await ask(
      `select w.id as place, ${found} as id, ${beside ? `(select ${hit} from ${beside})` : hit} as hit
       from (select ${['id', ...columns].join(', ')} from ${table} where ${where}
             order by ${column && ask.comparesRows ? `${column[0]} ${order}, ` : ''}id ${order} limit ${size}) as w
       order by w.id ${order}`,
      values
    )
    for (const { id, place: at, hit } of rows) if (hit === 1) hits.push({ id: Number(id), at: Number(at) })
    const last = hits.length > limit ? hits[limit - 1] : undefined
    if (last !== undefined) return { ids: hits.slice(0, limit).map(({ id }) => id), next: String(last.at) }
    const isEnd = rows.length < size
    looked += rows.length * (beside ? 2 : 1)
    place = Number(rows.at(-1)?.['place'])
    if (isEnd || looked >= maxRows) return { ids: hits.map(({ id }) => id), next: isEnd ? null : String(place) }
  }
}

/** No id is greater than this. */
const greatest = Number.MAX_SAFE_INTEGER

function idsAfter(place: number, isDown: boolean, column: Conditions['column'], comparesRows = false): string[] {
  const [sign, end] = isDown ? ['<', '>='] : ['>', '<=']
  if (column === undefined) return [`id ${sign} ${place}`]
  const [name, value] = column
  if (!comparesRows) return [`${name} = ${value}`, `id ${sign} ${place}`]
  return [`(${name}, id) ${sign} (${value}, ${place})`, `(${name}, id) ${end} (${value}, ${isDown ? 0 : greatest})`]
}

/** The number of an id; `what` names it in the error. Throws BAD_REQUEST if it is not a number. */
export function idOf(text: string, what: string): number {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text)
  throw new RelayError('BAD_REQUEST', `${what} is not one that this relay gave out`)
}

/**
 * An id below which there is nothing since `since`, because ids and times go up together with little disorder; undefined if nothing came
 * since then.
 */
export async function firstSince(
  ask: Ask,
  table: Walk['table'] | 'messages',
  since: number
): Promise<number | undefined> {
  const time = table === 'events' ? 'received_at' : 'created_at'
  const [row] = await ask(
    `select min(id) as id from (
       select id from ${table} where ${time} >= $1 order by ${time} limit ${disorderRows}) as w`,
    [since]
  )
  return row?.['id'] == null ? undefined : Number(row['id'])
}

/** An id above which there is no event before `until`, as with {@link firstSince}; undefined if there is none before. */
export async function lastBefore(ask: Ask, until: number): Promise<number | undefined> {
  const [row] = await ask(
    `select max(id) as id from (
       select id from events where received_at < $1 order by received_at desc limit ${disorderRows}) as w`,
    [until]
  )
  return row?.['id'] == null ? undefined : Number(row['id'])
}

/** A list of `ids` for SQL's `in`; never empty, because PostgreSQL refuses that. */
export function among(ids: readonly Value[]): string {
  return `(${[...new Set(ids)].filter((id) => id !== null).join() || 'null'})`
}

/** `rows` in the order of their ids in `ids`. */
export function inOrder(ids: readonly number[], rows: readonly Row[]): Row[] {
  const byId = new Map(rows.map((row) => [Number(row['id']), row]))
  return ids.map((id) => byId.get(id)).filter((row) => row !== undefined)
}
