// Records in SQLite: answer what people ask, and retry or discard dead letters.
import { setImmediate as pause } from 'node:timers/promises'
import type { Actor } from '../../actor.ts'
import { objectKey } from '../../objects/name.ts'
import { remember } from '../../objects/notified.ts'
import type { ActName } from '../kept.ts'
import type { LanesByName } from '../kept-lanes.ts'
import { createReading, retryPage } from '../reading/reading.ts'
import { type Ask, among, idOf } from '../reading/walk.ts'
import { discardedReason, maxPage, type Records, type Retried } from '../records.ts'
import { type FailedRow, undeliveredOf } from '../rows.ts'
import type { Waiting } from '../waiting.ts'
import { refuseRepeated, writeAct } from './acts.ts'
import { announce } from './announcements.ts'
import type { Database, Write } from './file.ts'
import { changeMemory, watchMemories } from './memories.ts'
import type { Queue } from './queue.ts'

interface DeadRow extends FailedRow {
  id: number
  says: string
}

/** The parts of the store that records need. */
interface Host {
  queue: Queue
  waiting: Waiting
  write: Write
}

export function createSqliteRecords(db: Database, { queue, waiting, write }: Host): Records {
  const ask = askSqlite(db)

  /** Retries one dead letter, inside a transaction. */
  function retryOne(row: DeadRow, lanes: LanesByName, now: number): Retried[] {
    const { id, destination } = row
    const lane = lanes.get(destination)
    if (lane === undefined) return []
    db.run(
      `update notifications
       set state = 'pending', reason = null, message_id = null, lane = ?, created_at = ?, group_key = null, held_until = 0,
         held_at = null, holds = 0
       where id = ?`,
      ...[lane, now, id]
    )
    waiting.add(destination, 1)
    if (row.says === 'failed') changeMemory(db, row.object, (memory) => remember(memory, undeliveredOf(row), now))
    return [{ id: String(id), destination, lane }]
  }

  /** Writes the act down, inside the transaction of its effect, if it had any. */
  function writeDone(did: ActName, notifications: readonly string[], actor: Actor | undefined, now: number): void {
    if (actor && notifications.length > 0) writeAct(db, { actor, did, about: { notifications } }, now)
  }

  const records: Records = {
    ...createReading(ask, objectKey, (changed) => watchMemories(db, changed)),

    async retry(ids, lanes, now, actor) {
      const wanted = ids.slice(0, maxPage).map((id) => idOf(id, 'id'))
      return write(() => {
        refuseRepeated(db, actor)
        const retried = db
          .query<DeadRow>(
            `select n.id, n.destination, n.rule, n.object, n.says, v.view
             from notifications n join views v on v.id = n.id
             where n.id in ${among(wanted)} and n.state = 'dead' order by n.id`
          )
          .flatMap((row) => retryOne(row, lanes, now))
        writeDone(
          'retry',
          retried.map(({ id }) => id),
          actor,
          now
        )
        return retried
      })
    },

    retryAll: (filter, page, lanes, now, actor) => retryPage(ask, records, { filter, page, lanes, now, actor }),

    async discard(ids, now, actor) {
      const wanted = ids.slice(0, maxPage).map((id) => idOf(id, 'id'))
      return write(() => {
        refuseRepeated(db, actor)
        const discarded = db
          .query(
            `update notifications set state = 'muted', reason = '${discardedReason}'
             where id in ${among(wanted)} and state = 'dead' returning id`
          )
          .map(({ id }) => String(id))
        writeDone('discard', discarded, actor, now)
        return discarded
      })
    },

    announce: async (news) => write(() => announce(db, queue, news))
  }
  return records
}

/** Runs statements for reading; between two of them others may use this thread. */
export function askSqlite(db: Pick<Database, 'query'>): Ask {
  return async (sql, values) => {
    await pause()
    return db.query(sql.replaceAll(/\$(\d+)/g, '?$1'), ...values) as Awaited<ReturnType<Ask>>
  }
}
