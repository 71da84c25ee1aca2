// Walk: goes along an index, a window at a time, until a page is full or has cost as much as it may. What the index
// cannot answer is asked of every row in the window. The same SQL for every store, but for how it says which index that is.
import { RelayError } from '../../errors.ts'
import { maxPage, type Page } from '../records.ts'

export type Value = string | number | null
export type Row = Record<string, Value>

/** Runs one statement, whose values stand in it as $1, $2, …: outside of any transaction. */
export interface Ask {
  (sql: string, values: readonly Value[]): Promise<Row[]>
  /**
   * An index of a column and the id is named by comparing both as a row. Of `rule = 'x' … order by id`, PostgreSQL may think that
   * what it looks for is everywhere, and go through the ids of all rules.
   */
  comparesRows?: true
}

/** Rows looked at in one statement: a few milliseconds, also where they are looked at on the thread that does all else. */
const windowRows = 2000
/** Rows looked at for one page; each with a row beside it counts twice. */
const maxRows = 20_000
/** How many rows on either side of a moment may have times out of the order of their ids. */
const disorderRows = 1000

/** Conditions and the values in them. */
export class Conditions {
  readonly values: Value[] = []
  /** Answered by the index that is walked along. */
  readonly lead: string[] = []
  /** Asked of every row. */
  readonly rest: string[] = []
  /** The column before the id in the index that is walked along, if any, and how the value in it is written. */
  column?: readonly [name: string, value: string]

  /** How `value` is written in the statement. */
  put(value: Value): string {
    this.values.push(value)
    return `$${this.values.length}`
  }

  /** That the columns of `alias` are as `wanted`, where something is wanted of them. */
  equal(alias: string, wanted: Record<string, Value | undefined>): string[] {
    return Object.entries(wanted).flatMap(([column, value]) =>
      value === undefined ? [] : [`${alias}.${column} = ${this.put(value)}`]
    )
  }
}

export interface Walk {
  table: 'events' | 'notifications'
  /** Its columns that the conditions need. */
  columns: readonly string[]
  /** A row of another table, `from` and `where`, that has to be there for a hit. The window is `w`. */
  beside?: string
  conditions: Conditions
  /** What identifies a hit, if not the row's id. */
  found?: string
}

/** The ids of what was found, in order, and where to go on. */
export interface Walked {
  ids: number[]
  next: string | null
}

/** A page of the rows that meet every condition. Throws BAD_REQUEST if the cursor is malformed. */
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

/** No id is greater. */
const greatest = Number.MAX_SAFE_INTEGER

function idsAfter(place: number, isDown: boolean, column: Conditions['column'], comparesRows = false): string[] {
  const [sign, end] = isDown ? ['<', '>='] : ['>', '<=']
  if (column === undefined) return [`id ${sign} ${place}`]
  const [name, value] = column
  if (!comparesRows) return [`${name} = ${value}`, `id ${sign} ${place}`]
  return [`(${name}, id) ${sign} (${value}, ${place})`, `(${name}, id) ${end} (${value}, ${isDown ? 0 : greatest})`]
}

/** The number behind an id. Throws BAD_REQUEST if it is not a number. */
export function idOf(text: string, what: string): number {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text)
  throw new RelayError('BAD_REQUEST', `${what} is not one that this relay gave out`)
}

/**
 * An id that nothing since `since` is below, as ids and times go up together but for a little; undefined where nothing
 * came since then.
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

/** As {@link firstSince}: an id that no event before `until` is above. */
export async function lastBefore(ask: Ask, until: number): Promise<number | undefined> {
  const [row] = await ask(
    `select max(id) as id from (
       select id from events where received_at < $1 order by received_at desc limit ${disorderRows}) as w`,
    [until]
  )
  return row?.['id'] == null ? undefined : Number(row['id'])
}

/** For `in`; never empty, as PostgreSQL wants it. */
export function among(ids: readonly Value[]): string {
  return `(${[...new Set(ids)].filter((id) => id !== null).join() || 'null'})`
}

/** `rows` in the order of their ids in `ids`. */
export function inOrder(ids: readonly number[], rows: readonly Row[]): Row[] {
  const byId = new Map(rows.map((row) => [Number(row['id']), row]))
  return ids.map((id) => byId.get(id)).filter((row) => row !== undefined)
}
