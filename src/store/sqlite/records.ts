// Records in SQLite: answer what people ask, and retry or discard dead letters.
import { setImmediate as pause } from 'node:timers/promises'
import { memoryText, objectKey, readMemory, remember } from '../../objects.ts'
import { apartMs } from '../deadline.ts'
import type { NewNotification } from '../kept.ts'
import { createReading, retryPage } from '../reading/reading.ts'
import { type Ask, among, idOf } from '../reading/walk.ts'
import { discardedReason, maxPage, type Records, type Retried } from '../records.ts'
import { readView } from '../texts.ts'
import type { Database, Row } from './file.ts'

/** What belongs to the store itself: its transactions, and its count of what waits. */
export interface Host {
  /** A transaction that is on disk when it resolves. */
  write<T>(work: () => T): Promise<T>
  /** Inside a transaction: one more waits for `destination`. */
  waits(destination: string): void
  insert(notice: NewNotification, now: number): void
}

export function createSqliteRecords(db: Database, host: Host): Records {
  const ask = askSqlite(db)

  /** Retries one, inside a transaction. */
  function retryOne(row: Row, lanes: ReadonlyMap<string, string>, now: number): Retried[] {
    const destination = String(row['destination'])
    const lane = lanes.get(destination)
    if (lane === undefined) return []
    db.run(
      `update notifications
       set state = 'pending', reason = null, message_id = null, lane = ?, created_at = ?, group_key = null, held_until = 0
       where id = ?`,
      ...[lane, now, Number(row['id'])]
    )
    host.waits(destination)
    if (row['says'] === 'failed') rememberFailure(row, now)
    return [{ id: String(row['id']), destination, lane }]
  }

  function rememberFailure(row: Row, now: number): void {
    const key = String(row['object'])
    const known = db.get('select memory from objects where key = ?', key)
    if (known === undefined) return
    const since = readView(String(row['view'])).failure?.since
    const undelivered = { rule: String(row['rule']), destination: String(row['destination']), since }
    const memory = remember(readMemory(String(known['memory'])), undelivered, now)
    db.run('update objects set memory = ? where key = ?', memoryText(memory), key)
  }

  const records: Records = {
    ...createReading(ask, objectKey),

    async retry(ids, lanes, now) {
      const wanted = ids.slice(0, maxPage).map((id) => idOf(id, 'id'))
      const retried = await host.write(() =>
        db
          .query(
            `select n.id, n.destination, n.rule, n.object, n.says, v.view
             from notifications n join views v on v.id = n.id
             where n.id in ${among(wanted)} and n.state = 'dead' order by n.id`
          )
          .flatMap((row) => retryOne(row, lanes, now))
      )
      return retried
    },

    retryAll: (filter, page, lanes, now) => retryPage(ask, records, { filter, page, lanes, now }),

    async discard(ids) {
      const wanted = ids.slice(0, maxPage).map((id) => idOf(id, 'id'))
      const discarded = await host.write(() =>
        db.query(
          `update notifications set state = 'muted', reason = '${discardedReason}'
           where id in ${among(wanted)} and state = 'dead' returning id`
        )
      )
      return discarded.map(({ id }) => String(id))
    },

    async announce(key, notices, now, withinMs) {
      const isNews = await host.write(() => {
        const news = db.all(
          `insert into announcements values (?1, ?2) on conflict (key) do update set announced_at = excluded.announced_at
           where announcements.announced_at <= ?2 - ?3 or announcements.announced_at > ?2 + ${apartMs} returning key`,
          ...[key, now, withinMs]
        )
        if (news.length > 0) for (const notice of notices) host.insert(notice, now)
        return news.length > 0
      })
      return isNews
    }
  }
  return records
}

/** Reads one statement at a time, and lets in between whoever else waits for this thread. */
export function askSqlite(db: Pick<Database, 'query'>): Ask {
  return async (sql, values) => {
    await pause()
    return db.query(sql.replaceAll(/\$(\d+)/g, '?$1'), ...values) as Awaited<ReturnType<Ask>>
  }
}
