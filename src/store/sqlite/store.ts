// The embedded store: one file, one process. Nothing is read in one transaction and relied on in another.
import { setImmediate as pause } from 'node:timers/promises'
import type { RelayError } from '../../errors.ts'
import type { NewSilence, Silence } from '../../mutes/silence.ts'
import type { View } from '../../render/compose/view.ts'
import type { Payload } from '../../render/slack/payload.ts'
import type {
  Arrival,
  Attempt,
  Decide,
  Expiry,
  LaneOf,
  LaneState,
  LastEvents,
  Message,
  NewNotification,
  ObjectCount,
  Pending,
  Plan,
  Receipt,
  Settlement,
  Size,
  Step,
  Tally
} from '../kept.ts'
import type { Records } from '../records.ts'
import type { Store } from '../store.ts'
import type { Withheld } from '../withheld.ts'
import { acceptOne } from './accept.ts'
import { boundObjects } from './bound.ts'
import { badDatabase, type Database, openDatabase, type Row } from './file.ts'
import {
  heldUntil,
  laneState,
  openMessage,
  pendingOf,
  reroute,
  setBucket,
  tryNow,
  waitingSql,
  waitsStill,
  writeMessage
} from './lanes.ts'
import { type Log, openLog } from './log.ts'
import { addSilence, endMute, endSilence, silences } from './mutes.ts'
import { createPruner, type Pruner } from './pruning.ts'
import { createQueue, type Queue } from './queue.ts'
import { RecentBodies } from './recent-bodies.ts'
import { createSqliteRecords } from './records.ts'
import { bringToVersion } from './schema.ts'
import { settle } from './settle.ts'
import { sizeOf } from './size.ts'
import { lastEvents, noteLastEvents } from './sources.ts'
import { Waiting } from './waiting.ts'

/** How much of what waits is read at a time. */
const readRows = 100

/** Opens, and if need be creates, the database in `file`. Throws BAD_DATABASE where it cannot be used. */
export function openSqlite(file: string): Store {
  const db = openDatabase(file)
  try {
    return new SqliteStore(db, openLog(db))
  } catch (error) {
    db.close()
    if ((error as RelayError).code === 'BAD_DATABASE') throw error
    throw badDatabase(error, db.file)
  }
}

class SqliteStore implements Store {
  readonly #db: Database
  readonly #log: Log
  readonly #waiting: Waiting
  readonly #queue: Queue
  readonly #pruner: Pruner
  readonly #bodies: RecentBodies
  /** Messages whose answer is awaited. They are this process's, so a crash empties it. */
  readonly #posting = new Set<number>()
  readonly records: Records

  constructor(db: Database, log: Log) {
    this.#db = db
    this.#log = log
    this.#pruner = createPruner(db)
    this.records = createSqliteRecords(db, {
      write: (work) => this.#write(work),
      waits: (destination) => this.#waiting.add(destination, 1),
      insert: (notice, now) => void this.#queue.insert(null, notice, now)
    })
    bringToVersion(db)
    this.#bodies = new RecentBodies(db)
    this.#waiting = new Waiting(db)
    this.#queue = createQueue(db, this.#waiting)
    // SQLite opens for reading what may not be written, and says so only now: better before anything is accepted.
    this.#transaction(() => this.#touch())
  }

  /** There is one process, and its clock is the store's. */
  timeOf(now: number): number {
    return now
  }

  get pending(): number {
    return this.#waiting.total
  }

  get buried(): number {
    return this.#waiting.buried
  }

  tally(): ReadonlyMap<string, Tally> {
    return this.#waiting.tally()
  }

  async accept(batch: readonly Arrival[], decide: Decide): Promise<Receipt[]> {
    const receipts = this.#transaction(() =>
      batch.map((arrival) => acceptOne(this.#db, { queue: this.#queue, bodies: this.#bodies }, arrival, decide))
    )
    await this.#log.flushed()
    return receipts
  }

  async endMutes(now: number, laneOf: LaneOf, compose: (withheld: Withheld) => View): Promise<string[]> {
    const lanes: string[] = []
    for (;;) {
      const lane = await this.#write(() => {
        const notification = endMute(this.#db, now, laneOf, compose)
        if (notification !== undefined) this.#queue.insert(null, notification, now)
        return notification?.lane
      })
      if (lane === undefined) return lanes
      lanes.push(lane)
    }
  }

  async silences(now: number): Promise<Silence[]> {
    return silences(this.#db, now)
  }

  async addSilence(silence: NewSilence, now: number): Promise<Silence> {
    return this.#write(() => addSilence(this.#db, silence, now))
  }

  async endSilence(id: string, now: number): Promise<boolean> {
    return this.#write(() => endSilence(this.#db, id, now))
  }

  async backlog(lane: string): Promise<number> {
    return Number(this.#db.get(`select count(*) as n from ${waitingSql} where lane = ?`, lane)?.n)
  }

  async tryNow(lane: string, now: number): Promise<number | undefined> {
    return this.#write(() => tryNow(this.#db, lane, now))
  }

  async busyLanes(): Promise<string[]> {
    return this.#db.all(`select distinct lane from ${waitingSql}`).map(({ lane }) => String(lane))
  }

  async next(lane: string, plan: Plan, now: number): Promise<Step> {
    const step = await this.#next(lane, plan, now)
    if (step.is === 'post') await this.#log.flushed()
    return step
  }

  /** Reading, composing and writing hundreds takes milliseconds each: whoever waits for this thread is let in between. */
  async #next(lane: string, plan: Plan, now: number): Promise<Step> {
    for (;;) {
      const seen = this.#transaction(() => this.#look(lane, plan, now))
      if ('is' in seen) return this.#posts(seen)
      const { state, rows } = seen
      const pending: Pending[] = []
      for (let at = 0; at < rows.length; at += readRows) {
        await pause()
        pending.push(...pendingOf(this.#db, rows.slice(at, at + readRows)))
      }
      await pause()
      const next = plan.next(state, pending, now)
      if ('until' in next) return { is: 'wait', until: next.until }
      await pause()
      const message = this.#transaction(() => {
        if (!waitsStill(this.#db, lane, next.ids)) return undefined
        setBucket(this.#db, lane, next.bucket)
        return writeMessage(this.#db, lane, pending, next, now)
      })
      if (message !== undefined) return this.#posts({ is: 'post', message, block: state.block })
    }
  }

  /** At once, because whoever moves lanes next has to know. */
  #posts(step: Step): Step {
    if (step.is === 'post') this.#posting.add(Number(step.message.id))
    return step
  }

  /** What the lane does, where that needs no composing; else what to compose from. */
  #look(lane: string, plan: Plan, now: number): Step | { state: LaneState; rows: Row[] } {
    const open = openMessage(this.#db, lane)
    const state = laneState(this.#db, lane, now)
    if (open !== undefined) {
      if (state.notBefore > now) return { is: 'wait', until: state.notBefore }
      const taken = plan.token(state, now)
      if ('until' in taken) return { is: 'wait', until: taken.until }
      setBucket(this.#db, lane, taken.bucket)
      return { is: 'post', message: open, block: state.block }
    }
    const rows = this.#queue.oldest(lane, plan.oldest, now)
    if (rows.length === 0) return heldUntil(this.#db, lane)
    if (state.notBefore > now) return { is: 'wait', until: state.notBefore }
    const taken = plan.token(state, now)
    return 'until' in taken ? { is: 'wait', until: taken.until } : { state, rows }
  }

  async settle(
    message: Message,
    attempt: Attempt,
    settlement: Settlement,
    notices: readonly NewNotification[] = []
  ): Promise<void> {
    this.#transaction(() => settle(this.#db, this.#queue, message, { attempt, settlement, notices }))
    this.#posting.delete(Number(message.id))
    await this.#log.flushed()
  }

  async follow(lanes: ReadonlyMap<string, string>): Promise<number> {
    return this.#write(() => {
      const waiting = this.#db.all(`select distinct destination, lane from ${waitingSql}`)
      let lost = 0
      for (const row of waiting) {
        const destination = String(row.destination)
        const lane = lanes.get(destination)
        if (lane === undefined) lost += this.#queue.abandon(destination)
        else if (lane !== row.lane) reroute(this.#db, destination, lane, this.#posting)
      }
      return lost
    })
  }

  async messages(
    destination: string,
    limit: number
  ): Promise<{ id: string; at: number; state: string; payload: Payload }[]> {
    const rows = this.#db.all(
      'select * from messages where destination = ? order by id desc limit ?',
      destination,
      limit
    )
    return rows.map((row) => ({
      id: String(row.id),
      at: Number(row.settled_at ?? row.created_at),
      state: String(row.state),
      payload: JSON.parse(String(row.payload)) as Payload
    }))
  }

  async noteLastEvents(sources: ReadonlyMap<string, number>, now: number): Promise<void> {
    this.#transaction(() => noteLastEvents(this.#db, sources, now))
  }

  async lastEvents(): Promise<LastEvents> {
    return lastEvents(this.#db)
  }

  /** There are no others on this file. */
  listen(): void {}

  async ping(): Promise<void> {
    await this.#write(() => this.#touch())
  }

  async size(): Promise<Size> {
    return sizeOf(this.#db)
  }

  /** Writes nothing, and fails where nothing can be written. */
  #touch(): void {
    this.#db.run(`update lanes set probes = probes where key = ''`)
  }

  async prune(before: Expiry, limit: number): Promise<number> {
    return this.#transaction(() => this.#pruner.prune(before, limit))
  }

  async boundObjects(max: number): Promise<ReadonlyMap<string, ObjectCount>> {
    return boundObjects(this.#db, (work) => this.#transaction(work), max)
  }

  async close(): Promise<void> {
    await this.#log.close()
    this.#db.close()
  }

  /** A transaction that is on disk when it resolves. */
  async #write<T>(work: () => T): Promise<T> {
    const result = this.#transaction(work)
    await this.#log.flushed()
    return result
  }

  #transaction<T>(work: () => T): T {
    try {
      const result = this.#db.transaction(work)
      this.#bodies.keep()
      this.#waiting.keep()
      return result
    } catch (error) {
      this.#bodies.takeBack()
      this.#waiting.takeBack()
      throw error
    }
  }
}
