// Pruning in SQLite: deletes what is over, in steps, inside a transaction of the store's.

import type { Expiry } from '../kept.ts'
import type { Database } from './file.ts'

export interface Pruner {
  /** As Store.prune. */
  prune(before: Expiry, limit: number): number
}

// The next id is the newest plus one: one that was given out is not given out again.
const isNotNewest = (table: string) => `id < (select max(id) from ${table})`

export function createPruner(db: Database): Pruner {
  /** How far it has come in the objects' keys. */
  let cursor = ''

  /** Looks at the next `limit` objects, from where it left off. */
  function pruneObjects(before: number, limit: number): number {
    const next = db.all('select key, seen_at from objects where key > ? order by key limit ?', cursor, limit)
    cursor = next.length < limit ? '' : String(next.at(-1)?.key)
    const over = next.filter((row) => Number(row.seen_at) < before)
    for (const { key } of over) db.run('delete from objects where key = ?', String(key))
    return over.length
  }

  return {
    prune(before, limit) {
      const finished = db.all(
        `delete from notifications where id in (
           select id from notifications where created_at < max(?1, ?2) and ${isNotNewest('notifications')} and
             ((state = 'sent' or state = 'muted' and muted_until is null) and created_at < ?1 or state = 'dead' and created_at < ?2) limit ?3) returning id`,
        ...[before.events, before.deadLetters, limit]
      )
      const ids = JSON.stringify(finished.map(({ id }) => Number(id)))
      db.run('delete from views where id in (select value from json_each(?))', ids)
      db.run('delete from announcements where announced_at < ?', before.events)
      // An event stays while a notification of it does, and a message while it carries one.
      const events = db.changes(
        `delete from events where id in (
           select id from events where received_at < ? and ${isNotNewest('events')} and
             not exists (select 1 from notifications where event_id = events.id) limit ?)`,
        ...[before.events, limit]
      )
      const messages = db.all(
        `delete from messages where id in (
           select id from messages where created_at < ? and state <> 'open' and
             not exists (select 1 from notifications where message_id = messages.id) limit ?) returning id`,
        ...[before.events, limit]
      )
      for (const { id } of messages) db.run('delete from attempts where message_id = ?', Number(id))
      db.run('delete from silences where ends_at < ?', before.events)
      return finished.length + events + messages.length + pruneObjects(before.deadLetters, limit)
    }
  }
}
