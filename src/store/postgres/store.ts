// The store for several replicas: one PostgreSQL, any number of relays. Lanes are shared by lease, time is the database's.
import { setTimeout as pause } from 'node:timers/promises'
import { every, systemClock } from '../../clock.ts'
import { RelayError } from '../../errors.ts'
import type { NewSilence, Silence } from '../../mutes/silence.ts'
import type { View } from '../../render/compose/view.ts'
import type { Payload } from '../../render/slack/payload.ts'
import {
  type Arrival,
  type Attempt,
  type Decide,
  type Expiry,
  type LaneOf,
  type LastEvents,
  type Message,
  type NewNotification,
  type ObjectCount,
  type Plan,
  type Receipt,
  rolloutMs,
  type Settlement,
  type Size,
  type Step,
  type Tally
} from '../kept.ts'
import type { Records } from '../records.ts'
import type { Store } from '../store.ts'
import type { Withheld } from '../withheld.ts'
import { accept } from './accept.ts'
import { type Asking, claim } from './claim.ts'
import { Connections, checkUrl, isNotUpYet, sayDatabaseError } from './connections.ts'
import { abandon, reroute, waitedFor } from './moves.ts'
import { addSilence, endMute, endSilence, silences } from './mutes.ts'
import { Presence } from './presence.ts'
import { boundObjects, prune, pruneObjects } from './pruning.ts'
import { backlog, busyLanes, countPending, tryNow } from './queue.ts'
import { createPostgresRecords } from './records.ts'
import { migrate } from './schema.ts'
import { settle } from './settle.ts'
import { lastEvents, noteLastEvents } from './sources.ts'
import { chosenBare } from './tls.ts'

export interface PostgresOptions {
  /** After so long without a sign of life a replica's lanes are taken over. */
  leaseMs?: number
  /** Whose clock everything goes by: the caller's is for tests, whose time is their own. */
  clock?: 'database' | 'caller'
  /** Called with the reason before each wait for a server that is not up yet; without it there is none. */
  waiting?: ((reason: string) => void) | undefined
  /** Called with what works, and should be otherwise. */
  warn?: ((message: string) => void) | undefined
}

/** A lane is looked at again by everyone after so long: the replica that unblocked it may be gone by then. */
const longestWaitMs = 10_000

/** How often to look for work that was left behind, and how many notifications wait. */
const lookMs = 5000

/** Counting takes longer the more there is: at most this part of the time goes into it. */
const countShare = 0.02

/** The server asks its file system for each file of a database: not for every scrape of every replica. */
const sizeMs = 60_000

/** For a server that starts together with the relay. */
const openTries = 30
const openAgainMs = 1000

/** How long to try to say goodbye. */
const farewellMs = 2000

// Intake has connections of its own: a thousand lanes that wake at once are no reason to keep Flux waiting.
const intakeConnections = 2
const laneConnections = 8

/**
 * Connects to `url`, and creates or migrates its tables. A server that is not up yet is waited for, half a minute, if
 * `waiting` is there to be called. Throws
 * BAD_DATABASE where it cannot be used; no text ever contains the password.
 */
export async function openPostgres(url: string, options: PostgresOptions = {}): Promise<Store> {
  if (checkUrl(url).isReadable) options.warn?.(chosenBare)
  for (let tries = 1; ; tries++) {
    try {
      return await connect(url, options)
    } catch (error) {
      if ((error as RelayError).code === 'BAD_DATABASE') throw error
      const reason = error instanceof RelayError ? error.message : sayDatabaseError(error, url)
      if (options.waiting === undefined || !isNotUpYet(error) || tries === openTries)
        throw new RelayError('BAD_DATABASE', `cannot use the database: ${reason}`)
      options.waiting(reason)
      await pause(openAgainMs)
    }
  }
}

async function connect(url: string, options: PostgresOptions): Promise<Store> {
  await migrate(url)
  const store = new PostgresStore(url, options)
  try {
    await store.begin()
    return store
  } catch (error) {
    await store.close()
    throw error
  }
}

class PostgresStore implements Store {
  readonly #intake: Connections
  readonly #lanes: Connections
  readonly #presence: Presence
  readonly #isCallersClock: boolean
  readonly records: Records
  /** The claims behind the messages in hand, by their ids. */
  readonly #claims = new Map<string, number>()
  #pending = 0
  /** By destination, as last counted, and what this replica has changed since. */
  #counted: Map<string, number> = new Map()
  readonly #buried = new Map<string, number>()
  #buriedInAll = 0
  #stopLooking = () => {}
  #countAfter = 0
  #size: { dataBytes: number; until: number } | undefined
  /** How far pruning has come in the objects' keys. */
  #pruned = ''
  #wake: (lanes: string[]) => void = () => {}

  constructor(url: string, { leaseMs = 10_000, clock = 'database' }: PostgresOptions) {
    this.#intake = new Connections(url, intakeConnections)
    this.#lanes = new Connections(url, laneConnections)
    this.#presence = new Presence(url, this.#lanes, leaseMs, (lanes) => this.#wake(lanes))
    this.#isCallersClock = clock === 'caller'
    this.records = createPostgresRecords({
      connections: this.#lanes,
      added: (lanes) => {
        this.#pending += lanes.length
        this.#presence.announce(lanes)
      }
    })
  }

  async begin(): Promise<void> {
    await this.#presence.begin()
    await this.#count()
    // What no replica announced, because the one that had it died, is found within a few seconds. An error is no
    // news: the next look may find the database again, and whoever needs it now gets to know.
    const look = () => this.#look()
    this.#stopLooking = every(systemClock, lookMs, look, () => {})
  }

  // Handed on without its store.
  readonly timeOf = (now: number): number => (this.#isCallersClock ? now : now + this.#presence.aheadMs())

  get pending(): number {
    return this.#pending
  }

  get buried(): number {
    return this.#buriedInAll
  }

  tally(): ReadonlyMap<string, Tally> {
    const destinations = new Set([...this.#counted.keys(), ...this.#buried.keys()])
    return new Map(
      [...destinations].map((name) => [
        name,
        { pending: Math.max(0, this.#counted.get(name) ?? 0), buried: this.#buried.get(name) ?? 0 }
      ])
    )
  }

  async accept(batch: readonly Arrival[], decide: Decide): Promise<Receipt[]> {
    const receipts = await this.#intake.transaction((sql) => accept(sql, batch, decide))
    const all = receipts.flatMap((receipt) => (receipt.status === 'accepted' ? receipt.notifications : []))
    const written = all.filter(({ isMuted, isDead }) => !isMuted && !isDead)
    for (const { destination } of written) this.#wait(destination, 1)
    for (const { destination, isDead } of all) if (isDead) this.#noteBuried([destination])
    this.#presence.announce(written.map(({ lane }) => lane))
    return receipts
  }

  async busyLanes(): Promise<string[]> {
    return busyLanes(this.#lanes.query)
  }

  async next(lane: string, plan: Plan, now: number): Promise<Step> {
    // Asked for before the claim: if it ends while that is committed, so does the post, at once.
    const signal = this.#presence.lease()
    const asking: Asking = { lane, plan, now, replica: this.#presence.replica, isCallersClock: this.#isCallersClock }
    const { step, number, buried } = await this.#lanes.transaction((sql) => claim(sql, asking))
    for (const destination of buried) this.#wait(destination, -1)
    this.#noteBuried(buried)
    if (step.is === 'wait') {
      // Round up, so that the retry is not too early; cap it, because another replica may unblock the lane.
      return { ...step, until: Math.min(step.until + this.#skewErrorMs, now + longestWaitMs) }
    }
    if (step.is === 'idle') return step
    // A process that was stopped in between must not go on as if no time had passed.
    this.#presence.lease()
    if (number !== undefined) this.#claims.set(step.message.id, number)
    return { ...step, signal }
  }

  async settle(
    message: Message,
    attempt: Attempt,
    settlement: Settlement,
    notices: readonly NewNotification[] = []
  ): Promise<void> {
    const { block, notBefore, bucket } = settlement.lane
    // Round up: it is what Slack asked for.
    const until = Math.max(0, notBefore + this.#skewErrorMs)
    const settling = {
      ...{ message, notices, replica: this.#presence.replica, number: this.#claims.get(message.id) },
      attempt,
      settlement: {
        ...settlement,
        lane: { notBefore: until, block, ...(bucket && { bucket: { ...bucket, at: until + bucket.at - notBefore } }) }
      }
    }
    const { settled, buried } = await this.#lanes.transaction((sql) => settle(sql, settling))
    this.#noteBuried(buried)
    this.#claims.delete(message.id)
    this.#wait(message.destination, -settled)
    for (const { destination } of notices) this.#wait(destination, 1)
    this.#presence.announce(notices.map(({ lane }) => lane))
  }

  async endMutes(now: number, laneOf: LaneOf, compose: (withheld: Withheld) => View): Promise<string[]> {
    const lanes: string[] = []
    for (;;) {
      const lane = await this.#lanes.transaction((sql) => endMute(sql, now, laneOf, compose))
      if (lane === undefined) return lanes
      this.#pending += 1
      this.#presence.announce([lane])
      lanes.push(lane)
    }
  }

  async silences(now: number): Promise<Silence[]> {
    return silences(this.#lanes.query, now)
  }

  async addSilence(silence: NewSilence, now: number): Promise<Silence> {
    return addSilence(this.#lanes.query, silence, now)
  }

  async endSilence(id: string, now: number): Promise<boolean> {
    return this.#lanes.transaction((sql) => endSilence(sql, id, now))
  }

  async backlog(lane: string): Promise<number> {
    return backlog(this.#lanes.query, lane)
  }

  async tryNow(lane: string, now: number): Promise<number | undefined> {
    return tryNow(this.#lanes.query, lane, now)
  }

  async follow(lanes: ReadonlyMap<string, string>, now: number): Promise<number> {
    const waiting = await waitedFor(this.#lanes.query)
    for (const { destination, lane } of waiting) {
      const to = lanes.get(destination) ?? lane
      if (to !== lane) await this.#lanes.transaction((sql) => reroute(sql, destination, to))
    }
    const gone = waiting.map(({ destination }) => destination).filter((destination) => !lanes.has(destination))
    return gone.length === 0 ? 0 : this.#abandon(gone, now - rolloutMs)
  }

  async #abandon(destinations: readonly string[], before: number): Promise<number> {
    let all = 0
    for (;;) {
      const some = await this.#lanes.transaction((sql) => abandon(sql, destinations, before))
      if (some.length === 0) return all
      all += some.length
      for (const destination of some) this.#wait(destination, -1)
      this.#noteBuried(some)
    }
  }

  async messages(
    destination: string,
    limit: number
  ): Promise<{ id: string; at: number; state: string; payload: Payload }[]> {
    const { rows } = await this.#lanes.query<{ id: number; at: number; state: string; payload: string }>(
      `select id, coalesce(settled_at, created_at) as at, state, payload from messages
       where destination = $1 order by id desc limit $2`,
      [destination, limit]
    )
    return rows.map((row) => ({ ...row, id: String(row.id), payload: JSON.parse(row.payload) as Payload }))
  }

  async noteLastEvents(sources: ReadonlyMap<string, number>, now: number): Promise<void> {
    await noteLastEvents(this.#lanes.query, sources, now)
  }

  async lastEvents(): Promise<LastEvents> {
    return lastEvents(this.#lanes.query)
  }

  async ping(): Promise<void> {
    await this.#intake.query(`update lanes set probes = probes where key = ''`)
  }

  async size(): Promise<Size> {
    const now = performance.now()
    if (this.#size === undefined || now >= this.#size.until) {
      const { rows } = await this.#lanes.query<{ bytes: number }>(
        'select pg_database_size(current_database()) as bytes'
      )
      this.#size = { dataBytes: rows[0]?.bytes ?? 0, until: now + sizeMs }
    }
    return { dataBytes: this.#size.dataBytes }
  }

  async prune(before: Expiry, limit: number): Promise<number> {
    const rows = await this.#lanes.transaction((sql) => prune(sql, before, limit))
    const objects = await this.#lanes.transaction((sql) => pruneObjects(sql, this.#pruned, before.deadLetters, limit))
    this.#pruned = objects.last ?? ''
    return rows + objects.deleted
  }

  async boundObjects(max: number): Promise<ReadonlyMap<string, ObjectCount>> {
    return boundObjects(this.#lanes.query, max)
  }

  listen(wake: (lanes: string[]) => void): void {
    this.#wake = wake
  }

  async close(): Promise<void> {
    this.#stopLooking()
    this.#presence.end()
    // The others take over at once what is left here. Where there is no database to announce it by, they will in a while.
    const farewell = this.busyLanes().then((lanes) => this.#presence.leave(lanes))
    await Promise.race([farewell.catch(() => {}), pause(farewellMs, undefined, { ref: false })])
    await Promise.all([this.#intake.close(), this.#lanes.close()])
  }

  /** So many more wait for `destination`; negative for those that wait no longer. */
  #wait(destination: string, count: number): void {
    this.#pending += count
    this.#counted.set(destination, (this.#counted.get(destination) ?? 0) + count)
  }

  #noteBuried(destinations: readonly string[]): void {
    for (const name of destinations) this.#buried.set(name, (this.#buried.get(name) ?? 0) + 1)
    this.#buriedInAll += destinations.length
  }

  get #skewErrorMs(): number {
    return this.#isCallersClock ? 0 : this.#presence.skewErrorMs
  }

  /** Whatever was announced to no replica, because the one that had it died, is found within a few seconds. */
  async #look(): Promise<void> {
    this.#wake(await this.busyLanes())
    await this.#count()
  }

  async #count(): Promise<void> {
    const started = performance.now()
    if (started < this.#countAfter) return
    this.#counted = await countPending(this.#lanes.query)
    this.#pending = [...this.#counted.values()].reduce((sum, count) => sum + count, 0)
    const ended = performance.now()
    this.#countAfter = ended + (ended - started) / countShare
  }
}
