// The embedded store: keeps everything in one file, for one process. Nothing is read in one transaction and relied on in another.
import { RelayError } from '../../errors.ts'
import { readMessages } from '../reading/notifications.ts'
import type { Store } from '../store.ts'
import { Waiting } from '../waiting.ts'
import { accept } from './accept.ts'
import { createActs, refuseRepeated, writeAct } from './acts.ts'
import { createCards } from './card-claims.ts'
import { createClaims } from './claim.ts'
import { badDatabase, type Database, openDatabase, type Transaction, type Write } from './file.ts'
import { backlog, busyLanes, countPending, releaseSome, tryNow, waitingPairs } from './lanes.ts'
import { shorten } from './lasting.ts'
import { onceUnlocked } from './locked.ts'
import { type Log, openLog } from './log.ts'
import { lastEvents, noteLastEvents } from './memories.ts'
import { createMuting } from './mutes.ts'
import { ObjectCounts } from './object-counts.ts'
import { watchPlace } from './path.ts'
import { createQueue } from './queue.ts'
import { RecentBodies } from './recent-bodies.ts'
import { askSqlite, createSqliteRecords } from './records.ts'
import { createRollouts } from './rollouts.ts'
import { bringToVersion } from './schema.ts'
import { createUpkeep } from './upkeep.ts'

/** How soon a lane from which or to which notifications are being moved looks again; the mover also wakes it. */
const movingMs = 1000

/**
 * Opens the database in `file`, or creates it; `migrating` is called before one of an earlier version is changed. Throws BAD_DATABASE if
 * it cannot be used.
 */
export function openSqlite(file: string, migrating?: (from: number, to: number) => void): Store {
  const db = openDatabase(file)
  try {
    bringToVersion(db, migrating)
    return createStore(db, openLog(db))
  } catch (error) {
    db.close()
    if ((error as RelayError).code === 'BAD_DATABASE') throw error
    throw badDatabase(error, db.file)
  }
}

function createStore(db: Database, log: Log): Store {
  const bodies = new RecentBodies(db)
  const waiting = new Waiting()
  waiting.recount(countPending(db))
  const objects = new ObjectCounts(db)
  const queue = createQueue(db, waiting)

  const transaction: Transaction = (work) => {
    try {
      const result = db.transaction(work)
      bodies.keep()
      waiting.keep()
      objects.keep()
      return result
    } catch (error) {
      bodies.takeBack()
      waiting.takeBack()
      objects.takeBack()
      throw error
    }
  }
  const write: Write = async (work) => {
    const result = await onceUnlocked(() => transaction(work))
    await log.flushed()
    return result
  }
  /** Changes nothing, but fails if nothing can be written. */
  const touch = () => void db.run(`update lanes set probes = probes where key = ''`)
  // SQLite opens a file that it may not write for reading only, and fails only here: better now than when something is accepted.
  transaction(touch)
  db.waitForNoLock()
  const isInPlace = watchPlace(db.file)
  /** Writes what comes from outside, or refuses it if it would not outlive this process. What was accepted is still delivered. */
  const take: Write = async (work) => {
    if (isInPlace()) return write(work)
    const hint = 'put it back, or start the relay again once nothing waits any more'
    throw new RelayError(
      'CANNOT_STORE',
      `cannot write to the database: its file was moved or deleted while the relay runs; ${hint}`
    )
  }

  /** Lanes that post nothing while notifications move between them: the newer ones could be posted before the older. */
  const moving = new Set<string>()
  const { posting, next, ...claims } = createClaims(db, { queue, waiting, log, transaction })
  const { muting, ended } = createMuting(db, queue, take)
  const { upkeep, ended: pruned } = createUpkeep(db, objects, transaction)
  return {
    ...claims,
    ...createCards(db, { queue, transaction, write }),
    ...muting,
    ...createActs(db, { waiting, write: take }),
    ...createRollouts(db, { queue, write }),
    ...upkeep,
    records: createSqliteRecords(db, { queue, waiting, write: take }),
    messages: readMessages(askSqlite(db)),

    // There is only one process, and its clock is the store's.
    timeOf: (now) => now,
    get pending() {
      return waiting.total
    },
    get buried() {
      return waiting.buried
    },
    tally: () => waiting.tally(),

    accept: (batch, decide) => take(() => accept(db, { queue, bodies, waiting, objects }, batch, decide)),
    busyLanes: async () => busyLanes(db),
    backlog: async (lane) => backlog(db, lane),
    async tryNow(lane, now, actor) {
      const limitedUntil = await take(() => {
        refuseRepeated(db, actor)
        const until = tryNow(db, lane, now)
        if (actor && until === undefined) writeAct(db, { actor, did: 'try', about: { lane } }, now)
        return until
      })
      if (limitedUntil === undefined) while ((await take(() => releaseSome(db, lane))) > 0);
      return limitedUntil
    },
    shorten: (holdOf, now) => shorten(db, write, holdOf, now),
    async follow(lanes) {
      let all = 0
      for (const { destination, lane } of waitingPairs(db)) {
        const to = lanes().get(destination) ?? lane
        if (to !== lane) moving.add(lane).add(to)
        try {
          for (let isMore = true; isMore; ) {
            const { moved, lost } = await write(() => queue.followSome(destination, lane, lanes(), posting))
            all += lost
            isMore = moved + lost > 0
          }
        } finally {
          moving.delete(lane)
          moving.delete(to)
        }
      }
      return all
    },
    async next(lane, plan, now) {
      return moving.has(lane) ? { is: 'wait', until: now + movingMs, isInterruptible: true } : next(lane, plan, now)
    },

    noteLastEvents: async (sources, now) => transaction(() => noteLastEvents(db, sources, now)),
    lastEvents: async () => lastEvents(db),
    ping: () => take(touch),
    // No other process uses this file.
    listen() {},
    async close() {
      await Promise.all([ended(), pruned()])
      await log.close()
      db.close()
    }
  }
}
