// Copies: grow a small database written by a relay into a large one by copying its rows.
import type { DatabaseSync } from 'node:sqlite'

/** SQL expressions for the columns that differ in copy `n`. */
type Changes = Record<string, string>

/** Adds `copies` copies of all rows of `table`, numbered from 1. */
export function copyRows(db: DatabaseSync, table: string, copies: number, changes: Changes): void {
  if (copies < 1) return
  const columns = db.prepare(`select name from pragma_table_info('${table}')`).all() as { name: string }[]
  const values = columns.map(({ name }) => changes[name] ?? `seed.${name}`)
  db.exec(
    `create temp table seed as select * from ${table};
     with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < ${copies})
     insert into ${table} (${columns.map(({ name }) => name).join()}) select ${values.join()} from numbers cross join seed;
     drop table temp.seed`
  )
}

/** Copies needed to have about `wanted` rows in `table`. */
export function copiesFor(db: DatabaseSync, table: string, wanted: number): number {
  const { rows } = db.prepare(`select count(*) as rows from ${table}`).get() as { rows: number }
  if (rows === 0) throw new Error(`nothing to copy in ${table}`)
  return Math.round(wanted / rows) - 1
}

/** An id that no other copy has, in SQL. */
function apart(db: DatabaseSync, table: string, column = 'id'): string {
  const { last } = db.prepare(`select max(id) as last from ${table}`).get() as { last: number }
  return `seed.${column} + n * ${last}`
}

/**
 * Adds about `wanted` events with everything that came of them, 100 ms apart, into the past. Each is about an object of its
 * own.
 */
export function copyEvents(db: DatabaseSync, wanted: number): void {
  const copies = copiesFor(db, 'events', wanted)
  const spanMs = (wanted / copies) * 100
  const at = (column: string) => ({ [column]: `seed.${column} - (${copies} - n) * ${spanMs.toFixed(0)}` })
  const [event, message] = [apart(db, 'events'), apart(db, 'messages')]
  const note = apart(db, 'notifications')
  const object = `seed.object || '-' || n`
  const ofEvent = event.replace('seed.id', 'seed.event_id')
  const ofMessage = message.replace('seed.id', 'seed.message_id')
  copyRows(db, 'attempts', copies, { message_id: ofMessage, ...at('at') })
  copyRows(db, 'views', copies, { id: note })
  copyRows(db, 'notifications', copies, {
    ...{ id: note, event_id: ofEvent, message_id: ofMessage, object },
    ...at('created_at')
  })
  copyRows(db, 'messages', copies, { id: message, ...at('created_at'), ...at('settled_at'), ...at('newest_at') })
  copyRows(db, 'events', copies, { id: event, object, name: `seed.name || '-' || n`, ...at('received_at') })
}

/** Adds about `wanted` pending notifications. Notifications of a message under way are not copied. */
export function copyPending(db: DatabaseSync, wanted: number): void {
  // Turns notifications of messages under way back into pending ones, as if each try had failed.
  db.exec(
    `update notifications set message_id = null; delete from messages; delete from attempts; delete from gatherings;
     update notifications set held_until = 0, holds = 0, held_at = null; update lanes set not_before = 0, block_reason = null, block_since = null`
  )
  const copies = copiesFor(db, 'notifications', wanted)
  const note = apart(db, 'notifications')
  copyRows(db, 'views', copies, { id: note })
  copyRows(db, 'notifications', copies, { id: note, object: `seed.object || '-' || n` })
}

/** Adds about `wanted` objects, all in the state of their originals. */
export function copyObjects(db: DatabaseSync, wanted: number): void {
  copyRows(db, 'objects', copiesFor(db, 'objects', wanted), { key: `seed.key || '-' || n` })
}
