// Upkeep in SQLite: deletes what is over and bounds what is remembered, in steps, so that whoever waits for this thread gets
// in between; and measures the file.
import { stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setImmediate as pause } from 'node:timers/promises'
import { oneByOne } from '../../turns.ts'
import type { Expiry, ObjectCount } from '../kept.ts'
import type { Store } from '../store.ts'
import { pruneCards } from './cards.ts'
import type { Database, Transaction } from './file.ts'
import type { ObjectCounts } from './object-counts.ts'
import { pruneRollouts } from './rollouts.ts'

const stepRows = 500

/** What came before these times, in ms, is deleted: the second is for dead letters. */
type Before = readonly [number, number]

/** What is deleted of a table. */
interface Prunable {
  table: string
  /** The column of an index that says how old it is. */
  time: string
  /** What is old enough, by {@link Before}. */
  old: string
  /** And is over. */
  isOver: string
}

// The next id is the newest plus one: one that was given out is not given out again.
const isNotNewest = (table: string) => `id < (select max(id) from ${table})`

const notifications: Prunable = {
  table: 'notifications',
  time: 'created_at',
  old: 'created_at < max(?1, ?2)',
  isOver: `${isNotNewest('notifications')} and
    ((state = 'sent' or state = 'muted' and muted_until is null) and created_at < ?1 or state = 'dead' and created_at < ?2)`
}

// An event stays while a notification of it does, and a message while it carries one.
const events: Prunable = {
  table: 'events',
  time: 'received_at',
  old: 'received_at < ?1',
  isOver: `${isNotNewest('events')} and not exists (select 1 from notifications where event_id = events.id)`
}
const messages: Prunable = {
  table: 'messages',
  time: 'created_at',
  old: 'created_at < ?1',
  isOver: `state <> 'open' and not exists (select 1 from notifications where message_id = messages.id)`
}

/** Looked at in one step: dead letters may be a million, and are kept for longer than what is found behind them. */
const lookRows = 2000

interface OldRow {
  at: number
  id: number
  is_over: number
}

/**
 * Finds what is over, up to `limit` at a time and from where it left off, in steps: what is old and has to stay is not gone through
 * again for each part.
 */
function createOld(db: Database, { table, time, old, isOver }: Prunable, isEnding: () => boolean) {
  const select = `select ${time} as at, id, case when ${isOver} then 1 else 0 end as is_over from ${table}`
  // Two ranges of one index: of both together it would go through all of the one time.
  const sameSql = `${select} where ${time} = ?3 and id > ?4 and ${old} order by id limit ${lookRows}`
  const laterSql = `${select} where ${time} > ?3 and ${old} order by ${time}, id limit ${lookRows}`
  let last = { at: Number.MIN_SAFE_INTEGER, id: 0 }
  return async (before: Before, limit: number): Promise<number[]> => {
    const found: number[] = []
    for (;;) {
      const same = db.all<OldRow>(sameSql, ...before, last.at, last.id)
      const rows = same.length > 0 ? same : db.all<OldRow>(laterSql, ...before, last.at)
      for (const row of rows) {
        if (row.is_over === 1) found.push(row.id)
        last = row
        if (found.length === limit) return found
      }
      if (rows.length === 0) {
        last = { at: Number.MIN_SAFE_INTEGER, id: 0 }
        return found
      }
      await pause()
      if (isEnding()) return found
    }
  }
}

/** Deletes those of `ids` that are still over. Returns the ids that were deleted. */
function deleteOld(db: Database, { table, old, isOver }: Prunable, ids: readonly number[], before: Before): number[] {
  const sql = `delete from ${table} where id in (select value from json_each(?3)) and ${old} and ${isOver} returning id`
  return db.all<{ id: number }>(sql, ...before, JSON.stringify(ids)).map(({ id }) => id)
}

interface ObjectRow {
  rowid: number
  seen_at: number
  failing_since: number | null
  source: string
}

/** Whoever closes the database waits for `ended` first. */
export function createUpkeep(
  db: Database,
  objects: ObjectCounts,
  transaction: Transaction
): { upkeep: Pick<Store, 'prune' | 'boundObjects' | 'size'>; ended(): Promise<void> } {
  /** How far pruning has come in the objects. */
  let cursor = 0

  const inTurn = oneByOne()
  let isEnding = false
  const [oldNotifications, oldEvents, oldMessages] = [
    createOld(db, notifications, () => isEnding),
    createOld(db, events, () => isEnding),
    createOld(db, messages, () => isEnding)
  ]

  async function prune(before: Expiry, limit: number): Promise<number> {
    const times: Before = [before.events, before.deadLetters]
    const finished = await oldNotifications(times, limit)
    const notified = transaction(() => {
      const ids = JSON.stringify(deleteOld(db, notifications, finished, times))
      db.run('delete from views where id in (select value from json_each(?))', ids)
      db.run('delete from gatherings where posted_at < ?', before.gatherings)
      db.run('delete from announcements where announced_at < ?', before.events)
      db.run('delete from silences where ends_at < ?', before.events)
      db.run('delete from acts where at < ?', before.events)
      return finished.length
    })
    const received = await oldEvents(times, limit)
    const posted = await oldMessages(times, limit)
    return transaction(() => {
      deleteOld(db, events, received, times)
      for (const id of deleteOld(db, messages, posted, times)) db.run('delete from attempts where message_id = ?', id)
      const cards = pruneCards(db, before.events, limit)
      const rollouts = pruneRollouts(db, before.events, limit)
      return notified + received.length + posted.length + cards + rollouts + pruneObjects(before.deadLetters, limit)
    })
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

  const upkeep: Pick<Store, 'prune' | 'boundObjects' | 'size'> = {
    prune: (before, limit) => inTurn(() => prune(before, limit)),

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
  return {
    upkeep,
    ended() {
      isEnding = true
      return inTurn.over()
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
