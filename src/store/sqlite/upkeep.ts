// Upkeep in SQLite: deletes what is over and bounds what is remembered, in steps, between which others may use this thread, and measures
// the file.
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

/** Times, in ms, before which rows are deleted: the second is for dead letters. */
type Before = readonly [number, number]

/** Which rows of a table are deleted. */
interface Prunable {
  table: string
  /** The indexed column with the age of a row. */
  time: string
  /** SQL condition that a row is old enough, by {@link Before}. */
  old: string
  /** SQL condition that an old row may be deleted. */
  isOver: string
}

// The newest row stays, because the next id is the newest plus one, and no id must be given out twice.
const isNotNewest = (table: string) => `id < (select max(id) from ${table})`

const notifications: Prunable = {
  table: 'notifications',
  time: 'created_at',
  old: 'created_at < max(?1, ?2)',
  isOver: `${isNotNewest('notifications')} and
    ((state = 'sent' or state = 'muted' and muted_until is null) and created_at < ?1 or state = 'dead' and created_at < ?2)`
}

// An event stays as long as a notification of it, and a message as long as it carries one.
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

/** Rows that one step looks at: there may be a million dead letters, which are kept for longer than the rows behind them. */
const lookRows = 2000

interface OldRow {
  at: number
  id: number
  is_over: number
}

/**
 * Creates a search for rows to delete, which finds up to `limit` at a time, in steps, and goes on where it left off: old rows that have
 * to stay are not gone through again each time.
 */
function createOld(db: Database, { table, time, old, isOver }: Prunable, isEnding: () => boolean) {
  const select = `select ${time} as at, id, case when ${isOver} then 1 else 0 end as is_over from ${table}`
  // Two ranges of one index: for both in one condition, SQLite would go through all rows of that one time.
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

/** Deletes those of `ids` that still may be deleted, and returns them. */
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

/** Creates the store's part for upkeep. Whoever closes the database waits for `ended` first. */
export function createUpkeep(
  db: Database,
  objects: ObjectCounts,
  transaction: Transaction
): { upkeep: Pick<Store, 'prune' | 'boundObjects' | 'size'>; ended(): Promise<void> } {
  /** The row up to which pruning has looked at objects. */
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

  /** Forgets those of the next `limit` objects that are too old; returns how many. */
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

  /** Forgets an object, unless it was seen since it was read or another one has its row by now; returns whether it did. */
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

    // Rejects if the volume does not answer.
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

/** A source's objects: healthy ones before failing ones, and within both, those with the oldest last event first. */
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
