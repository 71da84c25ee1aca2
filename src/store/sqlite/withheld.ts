// Withheld in SQLite: goes through what mutes withhold, along its index, some rows at a time.
import { setImmediate as pause } from 'node:timers/promises'
import type { Database, Write } from './file.ts'

/** Rows whose end one transaction moves. */
const stepRows = 2000
/** Rows that are read at a time. */
const pageRows = 500

/** The ends of withheld notifications after `after` and until `last`, in ms, each once. */
export function* endsBetween(db: Database, after: number, last: number): Generator<number> {
  const sql =
    'select muted_until as until from notifications where muted_until > ? and muted_until <= ? order by muted_until limit 1'
  for (let at = after; ; ) {
    const next = db.get<{ until: number }>(sql, at, last)
    if (next === undefined) return
    at = next.until
    yield at
  }
}

/** The mutes that withhold something beyond `now`, in ms, and until when, each pair once. */
export function mutesAfter(db: Database, now: number): { mute: string; until: number }[] {
  const found: { mute: string; until: number }[] = []
  const sql = `select mute, muted_until as until from notifications where muted_until is not null and (muted_until, mute) > (?1, ?2)
    order by muted_until, mute limit 1`
  for (let last = { until: now + 1, mute: '' }; ; ) {
    const next = db.get<{ mute: string; until: number }>(sql, last.until, last.mute)
    if (next === undefined) return found
    found.push({ mute: next.mute, until: next.until })
    last = next
  }
}

/** Moves the end of what `mute` withholds from `from` to `to`, if it was withheld at `since` or later; all in ms. */
export async function moveEnds(
  db: Database,
  write: Write,
  { mute, from, to, since = 0 }: { mute: string; from: number; to: number; since?: number }
): Promise<void> {
  if (from === to) return
  // A held notification was withheld at `held_at`, later than it was created.
  const sql = `update notifications set muted_until = ?1 where id in (
    select id from notifications where muted_until = ?2 and mute = ?3 and coalesce(held_at, created_at) >= ?4 limit ${stepRows})`
  while ((await write(() => db.changes(sql, to, from, mute, since))) > 0);
}

/** A withheld notification whose mute is over. */
export interface OverRow {
  id: number
  event_id: number | null
  mute: string
  destination: string
  /** When it was withheld, in ms. */
  since: number
}

interface Group {
  until: number
  mute: string
  destination: string
}

/** All withheld notifications that are over at `now`, in ms, in parts between which others may use this thread. */
export async function* overAt(db: Database, now: number): AsyncGenerator<OverRow[]> {
  const groupSql = `select muted_until as until, mute, destination from notifications
    where muted_until <= ?4 and (muted_until, mute, destination) > (?1, ?2, ?3) order by muted_until, mute, destination limit 1`
  const sql = `select id, event_id, mute, destination, coalesce(held_at, created_at) as since from notifications
    where muted_until = ? and mute = ? and destination = ? and id > ? order by id limit ${pageRows}`
  for (let group: Group = { until: Number.MIN_SAFE_INTEGER, mute: '', destination: '' }; ; ) {
    const next = db.get<Group>(groupSql, group.until, group.mute, group.destination, now)
    if (next === undefined) return
    group = next
    for (let id: number | undefined = 0; id !== undefined; await pause()) {
      const rows: OverRow[] = db.all<OverRow>(sql, group.until, group.mute, group.destination, id)
      if (rows.length > 0) yield rows
      id = rows.at(-1)?.id
    }
  }
}
