// The embedded store: one file, one process. Every method is one transaction, so none ever sees half of another.

import type { RelayError } from '../errors.ts'
import type { NewSilence, Silence } from '../mutes/silence.ts'
import { forget, type ObjectMemory, objectKey } from '../objects.ts'
import type { Payload } from '../render/payload.ts'
import type { View } from '../render/view.ts'
import { badDatabase, type Database, openDatabase } from './database.ts'
import type { Held } from './held.ts'
import { RecentBodies } from './recent-bodies.ts'
import type { Records } from './records.ts'
import {
  heldUntil,
  laneState,
  openMessage,
  pendingOf,
  reroute,
  setBucket,
  waitingSql,
  writeMessage
} from './sqlite-lanes.ts'
import { type Log, openLog } from './sqlite-log.ts'
import { addSilence, endMute, endSilence, silences } from './sqlite-mutes.ts'
import { createPruner, type Pruner } from './sqlite-pruning.ts'
import { createSqliteRecords } from './sqlite-records.ts'
import { bringToVersion } from './sqlite-schema.ts'
import { lastHeard, noteHeard } from './sqlite-sources.ts'
import { Waiting } from './sqlite-tally.ts'
import {
  type Arrival,
  type Attempt,
  composeWindow,
  type Decide,
  type Expiry,
  goneReason,
  type Heard,
  type LaneOf,
  type Message,
  type NewNotification,
  type Pending,
  type Plan,
  type Receipt,
  type Settlement,
  type Step,
  type Store,
  type Tally
} from './store.ts'

/** Opens, and if need be creates, the database in `file`. Throws BAD_DATABASE where it cannot be used. */
export function openSqlite(file: string): Store {
  const db = openDatabase(file)
  try {
    return new SqliteStore(db, openLog(db, file))
  } catch (error) {
    db.close()
    if ((error as RelayError).code === 'BAD_DATABASE') throw error
    throw badDatabase(error, file)
  }
}

class SqliteStore implements Store {
  readonly #db: Database
  readonly #log: Log
  readonly #waiting: Waiting
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
      insert: (notice, now) => void this.#insertNotification(null, notice, now)
    })
    bringToVersion(db)
    this.#bodies = new RecentBodies(db)
    this.#waiting = new Waiting(db)
    // SQLite opens for reading what may not be written, and says so only now: better before anything is accepted.
    this.#transaction(() => this.#touch())
  }

  get pending(): number {
    return this.#waiting.total
  }

  tally(): ReadonlyMap<string, Tally> {
    return this.#waiting.tally()
  }

  async accept(batch: readonly Arrival[], decide: Decide): Promise<Receipt[]> {
    const receipts = this.#transaction(() => batch.map((arrival) => this.#acceptOne(arrival, decide)))
    await this.#log.flushed()
    return receipts
  }

  #acceptOne(arrival: Arrival, decide: Decide): Receipt {
    const { event, body, identity, receivedAt } = arrival
    const known = this.#bodies.find(identity, receivedAt)
    if (known !== undefined) return { status: 'duplicate', id: String(known) }

    const key = objectKey(event.object)
    const row = this.#db.get('select memory from objects where key = ?', key)
    const memory = row && (JSON.parse(String(row.memory)) as ObjectMemory)
    let decision: ReturnType<Decide>
    try {
      decision = decide(arrival, memory)
    } catch (error) {
      return { status: 'failed', error }
    }
    if (decision.memory !== memory) {
      this.#db.run(
        `insert into objects values (?, ?, ?, ?)
         on conflict (key) do update
         set memory = excluded.memory, seen_at = excluded.seen_at, failing_since = excluded.failing_since`,
        ...[key, JSON.stringify(decision.memory), receivedAt, decision.memory.failure?.since ?? null]
      )
    }
    const { transition } = decision
    if (!decision.keep) return { status: 'accepted', id: null, transition, notifications: [] }

    const id = this.#db.run(
      'insert into events values (null, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      receivedAt,
      event.source,
      event.object.cluster,
      event.object.kind,
      event.object.namespace,
      event.object.name,
      event.severity,
      event.reason,
      transition,
      key,
      body,
      JSON.stringify(decision.trace),
      identity
    )
    this.#bodies.add(identity, id, receivedAt)
    const notifications = decision.notifications.map((entry) => ({
      id: String(this.#insertNotification(id, entry, receivedAt)),
      rule: entry.rule,
      destination: entry.destination,
      lane: entry.lane,
      isMuted: entry.muting !== undefined
    }))
    return { status: 'accepted', id: String(id), transition, notifications }
  }

  #insertNotification(event: number | null, entry: NewNotification, now: number): number {
    const { rule, destination, lane, view, muting } = entry
    const group = muting === undefined ? entry.group : undefined
    if (muting === undefined) this.#waiting.add(destination, 1)
    const id = this.#db.run(
      `insert into notifications (event_id, rule, destination, lane, object, says, state, created_at, group_key,
         held_until, mute, muted_until)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[event, rule, destination, lane, objectKey(view.object), view.says],
      ...[muting ? 'muted' : 'pending', now, group?.key ?? null],
      group === undefined ? 0 : this.#deadline(lane, group, now),
      ...[muting?.name ?? null, muting?.until ?? null]
    )
    this.#db.run('insert into views values (?, ?)', id, JSON.stringify(view))
    return id
  }

  /** That of the group's first notification that is still held, or one of its own. */
  #deadline(lane: string, { key, waitMs }: { key: string; waitMs: number }, now: number): number {
    const first = this.#db.get(
      `select held_until from notifications
       where lane = ? and group_key = ? and held_until > ? and state = 'pending' and message_id is null
       order by held_until limit 1`,
      ...[lane, key, now]
    )
    return first === undefined ? now + waitMs : Number(first.held_until)
  }

  async endMutes(now: number, laneOf: LaneOf, compose: (held: Held) => View): Promise<string[]> {
    const lanes: string[] = []
    for (;;) {
      const lane = await this.#write(() => {
        const notification = endMute(this.#db, now, laneOf, compose)
        if (notification !== undefined) this.#insertNotification(null, notification, now)
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

  async busyLanes(): Promise<string[]> {
    return this.#db.all(`select distinct lane from ${waitingSql}`).map(({ lane }) => String(lane))
  }

  async next(lane: string, plan: Plan, now: number): Promise<Step> {
    const step = this.#next(lane, plan, now)
    if (step.is !== 'post') return step
    this.#posting.add(Number(step.message.id))
    await this.#log.flushed()
    return step
  }

  #next(lane: string, plan: Plan, now: number): Step {
    return this.#transaction((): Step => {
      const open = openMessage(this.#db, lane)
      const state = laneState(this.#db, lane)
      if (open !== undefined) {
        if (state.notBefore > now) return { is: 'wait', until: state.notBefore }
        const taken = plan.again(state, now)
        if ('until' in taken) return { is: 'wait', until: taken.until }
        setBucket(this.#db, lane, taken.bucket)
        return { is: 'post', message: open, block: state.block }
      }
      const pending = this.#oldestPending(lane, plan.oldest, now)
      if (pending.length === 0) return heldUntil(this.#db, lane)
      if (state.notBefore > now) return { is: 'wait', until: state.notBefore }
      const next = plan.next(state, pending, now)
      if ('until' in next) return { is: 'wait', until: next.until }
      setBucket(this.#db, lane, next.bucket)
      return { is: 'post', message: writeMessage(this.#db, lane, pending, next, now), block: state.block }
    })
  }

  /** Of the destination that has waited longest: two may share a lane, and a message is for one of them. */
  #oldestPending(lane: string, oldest: number, now: number): Pending[] {
    for (;;) {
      const rows = this.#db.all(
        `select n.id, n.event_id, n.destination, n.created_at, n.group_key, v.view
         from notifications n join views v on v.id = n.id
         where n.lane = ? and n.state = 'pending' and n.message_id is null and n.held_until <= ? order by n.id limit ?`,
        ...[lane, now, composeWindow]
      )
      const expired = rows.filter((row) => Number(row.created_at) < oldest)
      for (const { id } of expired) this.#bury(Number(id), 'not delivered within 24 hours')
      if (expired.length > 0) continue
      return rows.filter((row) => row.destination === rows[0]?.destination).map(pendingOf)
    }
  }

  async settle(
    message: Message,
    attempt: Attempt,
    settlement: Settlement,
    notices: readonly NewNotification[] = []
  ): Promise<void> {
    const id = Number(message.id)
    this.#transaction(() => {
      this.#db.run('insert into attempts values (?, ?, ?)', id, attempt.at, attempt.answer)
      const { message: end, lane } = settlement
      if (end.state === 'open') {
        this.#db.run(
          'update messages set failures = ?, is_plain = ? where id = ?',
          end.failures,
          end.isPlain ? 1 : 0,
          id
        )
      } else {
        this.#db.run('update messages set state = ?, settled_at = ? where id = ?', end.state, attempt.at, id)
      }
      if (end.state === 'sent') {
        const sent = `update notifications set state = 'sent' where message_id = ? and state = 'pending'`
        this.#waiting.add(message.destination, -this.#db.changes(sent, id))
        // Given up on while the answer was on its way, because their destination went: they arrived all the same.
        this.#db.run(
          `update notifications set state = 'sent', reason = null where message_id = ? and state = 'dead'`,
          id
        )
      }
      if (end.state === 'dead') {
        const members = this.#db.all('select id from notifications where message_id = ?', id)
        for (const member of members) this.#bury(Number(member.id), end.reason)
      }
      this.#db.run(
        'update lanes set not_before = ?, block_reason = ?, block_since = ?, probes = ? where key = ?',
        lane.notBefore,
        lane.block?.reason ?? null,
        lane.block?.since ?? null,
        lane.block?.probes ?? 0,
        message.lane
      )
      for (const notice of notices) this.#insertNotification(null, notice, attempt.at)
    })
    this.#posting.delete(id)
    await this.#log.flushed()
  }

  /** Makes a dead letter of a pending notification, and takes back that its destination heard of a failure. */
  #bury(id: number, reason: string): void {
    const row = this.#db.get('select * from notifications where id = ?', id)
    if (row === undefined || row.state !== 'pending') return
    this.#db.run(`update notifications set state = 'dead', reason = ? where id = ?`, reason, id)
    this.#waiting.bury(String(row.destination))
    if (row.says !== 'failed') return
    const { object, rule, destination } = row
    const known = this.#db.get('select memory from objects where key = ?', object ?? '')
    if (known !== undefined) {
      const memory = forget(JSON.parse(String(known.memory)) as ObjectMemory, String(rule), String(destination))
      this.#db.run('update objects set memory = ? where key = ?', JSON.stringify(memory), object ?? '')
    }
    // The end of a failure that was never heard of would be news from nowhere. The plus keeps the planner from going through
    // everything the rule ever told.
    const end = this.#db.get(
      `select id from notifications
       where lane = ? and state = 'pending' and message_id is null and id > ?
         and object = ? and +rule = ? and +destination = ? and says = 'recovered' order by id limit 1`,
      ...[row.lane ?? '', id, object ?? '', rule ?? '', destination ?? '']
    )
    if (end !== undefined) this.#bury(Number(end.id), 'the failure it ends was never delivered')
  }

  async follow(lanes: ReadonlyMap<string, string>): Promise<number> {
    return this.#write(() => {
      const waiting = this.#db.all(`select distinct destination, lane from ${waitingSql}`)
      let lost = 0
      for (const row of waiting) {
        const destination = String(row.destination)
        const lane = lanes.get(destination)
        if (lane === undefined) lost += this.#abandon(destination)
        else if (lane !== row.lane) reroute(this.#db, destination, lane, this.#posting)
      }
      return lost
    })
  }

  #abandon(destination: string): number {
    const lost = this.#db.all(`select id, message_id from ${waitingSql} where destination = ?`, destination)
    for (const { id, message_id } of lost) {
      if (message_id !== null) this.#db.run(`update messages set state = 'dead' where id = ?`, Number(message_id))
      this.#bury(Number(id), goneReason)
    }
    return lost.length
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

  async heard(sources: ReadonlyMap<string, number>, now: number): Promise<void> {
    this.#transaction(() => noteHeard(this.#db, sources, now))
  }

  async lastHeard(): Promise<Heard> {
    return lastHeard(this.#db)
  }

  /** There are no others on this file. */
  listen(): void {}

  async ping(): Promise<void> {
    await this.#write(() => this.#touch())
  }

  /** Writes nothing, and fails where nothing can be written. */
  #touch(): void {
    this.#db.run(`update lanes set probes = probes where key = ''`)
  }

  async prune(before: Expiry, limit: number): Promise<number> {
    return this.#transaction(() => this.#pruner.prune(before, limit))
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
