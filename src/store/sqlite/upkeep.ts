// Upkeep in SQLite: deletes what is over and bounds what is remembered, in steps, so that whoever waits for this thread gets
// in between; and measures the file.
import { stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setImmediate as pause } from 'node:timers/promises'
import type { Expiry, ObjectCount } from '../kept.ts'
import type { Store } from '../store.ts'
import { pruneCards } from './cards.ts'
import type { Database, Transaction } from './file.ts'
import type { ObjectCounts } from './object-counts.ts'
import { pruneRollouts } from './rollouts.ts'

const stepRows = 500

// The next id is the newest plus one: one that was given out is not given out again.
const isNotNewest = (table: string) => `id < (select max(id) from ${table})`

interface ObjectRow {
  rowid: number
  seen_at: number
  failing_since: number | null
  source: string
}

export function createUpkeep(
  db: Database,
  objects: ObjectCounts,
  transaction: Transaction
): Pick<Store, 'prune' | 'boundObjects' | 'size'> {
  /** How far pruning has come in the objects. */
  let cursor = 0

  function prune(before: Expiry, limit: number): number {
    const finished = db.all<{ id: number }>(
      `delete from notifications where id in (
         select id from notifications where created_at < max(?1, ?2) and ${isNotNewest('notifications')} and
           ((state = 'sent' or state = 'muted' and muted_until is null) and created_at < ?1 or state = 'dead' and created_at < ?2) limit ?3) returning id`,
      ...[before.events, before.deadLetters, limit]
    )
    const ids = JSON.stringify(finished.map(({ id }) => id))
    db.run('delete from views where id in (select value from json_each(?))', ids)
    db.run('delete from gatherings where posted_at < ?', before.gatherings)
    db.run('delete from announcements where announced_at < ?', before.events)
    // An event stays while a notification of it does, and a message while it carries one.
    const events = db.changes(
      `delete from events where id in (
         select id from events where received_at < ? and ${isNotNewest('events')} and
           not exists (select 1 from notifications where event_id = events.id) limit ?)`,
      ...[before.events, limit]
    )
    const messages = db.all<{ id: number }>(
      `delete from messages where id in (
         select id from messages where created_at < ? and state <> 'open' and
           not exists (select 1 from notifications where message_id = messages.id) limit ?) returning id`,
      ...[before.events, limit]
    )
    for (const { id } of messages) db.run('delete from attempts where message_id = ?', id)
    db.run('delete from silences where ends_at < ?', before.events)
    db.run('delete from acts where at < ?', before.events)
    const cards = pruneCards(db, before.events, limit)
    const rollouts = pruneRollouts(db, before.events, limit)
    return finished.length + events + messages.length + cards + rollouts + pruneObjects(before.deadLetters, limit)
  }

  /** Looks at the next `limit` objects, from where it left off. */
  function pruneObjects(before: number, limit: number): number {
    const next = db.all<Omit<ObjectRow, 'failing_since'>>(
      'select rowid, seen_at, source from objects where rowid > ? order by rowid limit ?',
      cursor,
      limit
    )
    cursor = next.length < limit ? 0 : (next.at(-1)?.rowid ?? 0)
    const over = next.filter((row) => row.seen_at < before)
    for (const row of over) forget(row)
    return over.length
  }

  /** Whether it is forgotten: not one that was seen since it was read, nor another that has its row by now. */
  function forget({ rowid, seen_at, source }: Omit<ObjectRow, 'failing_since'>): boolean {
    const sql = 'delete from objects where rowid = ? and seen_at = ? and source = ?'
    const isGone = db.changes(sql, rowid, seen_at, source) > 0
    if (isGone) objects.delete(rowid, source)
    return isGone
  }

  return {
    prune: async (before, limit) => transaction(() => prune(before, limit)),

    async boundObjects(max) {
      const counts = new Map<string, ObjectCount>()
      for (const [source, n] of [...(await objects.count())]) {
        const over = n > max ? (await oldestFirst(db, source)).slice(0, n - max) : []
        let forgotten = 0
        for (let at = 0; at < over.length; at += stepRows) {
          await pause()
          forgotten += transaction(() => over.slice(at, at + stepRows).filter(forget).length)
        }
        counts.set(source, { kept: n - forgotten, forgotten })
      }
      return counts
    },

    /** With its log. Rejects where the volume does not answer. */
    async size() {
      const [data, log, volume] = await Promise.all([stat(db.file), stat(`${db.file}-wal`), statfs(dirname(db.file))])
      const pages = 'select freelist_count * page_size as bytes from pragma_freelist_count, pragma_page_size'
      return {
        dataBytes: data.size,
        logBytes: log.size,
        reusableBytes: Number(db.get(pages)?.bytes),
        freeBytes: volume.bavail * volume.bsize
      }
    }
  }
}

/** A source's objects, healthy ones before those that fail, those with the oldest last event before others. */
async function oldestFirst(db: Database, source: string): Promise<ObjectRow[]> {
  const known: ObjectRow[] = []
  for (let cursor = 0, isMore = true; isMore; ) {
    const rows = db.all<ObjectRow>(
      'select rowid, seen_at, failing_since, source from objects where rowid > ? order by rowid limit ?',
      ...[cursor, stepRows]
    )
    known.push(...rows.filter((row) => row.source === source))
    isMore = rows.length === stepRows
    cursor = rows.at(-1)?.rowid ?? cursor
    await pause()
  }
  const isFailing = (row: ObjectRow) => Number(row.failing_since !== null)
  return known.sort((a, b) => isFailing(a) - isFailing(b) || a.seen_at - b.seen_at)
}
