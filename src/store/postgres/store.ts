// The store for several replicas: keeps everything in one PostgreSQL, for any number of relays. They share lanes by leases, and go by
// the database's clock.
import { setTimeout as pause } from 'node:timers/promises'
import { every, systemClock } from '../../clock.ts'
import { RelayError } from '../../errors.ts'
import { rolloutMs } from '../kept.ts'
import { readMessages } from '../reading/notifications.ts'
import type { Store } from '../store.ts'
import { Waiting } from '../waiting.ts'
import { accept } from './accept.ts'
import { createActs, refuseRepeated, writeAct } from './acts.ts'
import { createCards } from './card-claims.ts'
import { createClaims } from './claim.ts'
import { Connections, checkUrl, chosenBare, isNotUpYet, sayDatabaseError } from './connections.ts'
import { shorten } from './lasting.ts'
import { lastEvents, noteLastEvents } from './memories.ts'
import { follow } from './moves.ts'
import { createMuting } from './mutes.ts'
import { Presence } from './presence.ts'
import { backlog, busyLanes, countPending, releaseSome, tryNow } from './queue.ts'
import { askPostgres, createPostgresRecords } from './records.ts'
import { createRollouts } from './rollouts.ts'
import { migrate } from './schema.ts'
import { Servers } from './servers.ts'
import { Naming } from './statements.ts'
import { sayHint, sayPlace } from './unopened.ts'
import { createUpkeep } from './upkeep.ts'

export interface PostgresOptions {
  /** A replica's lanes are taken over after this long without a sign of life, in ms. */
  leaseMs?: number
  /** The clock that everything goes by; the caller's is for tests, which have a time of their own. */
  clock?: 'database' | 'caller'
  /** Called with the reason before each wait for a server that is not up yet; without it, there is no waiting. */
  waiting?: ((reason: string) => void) | undefined
  /** Called with a text about something that works but should be changed. */
  warn?: ((message: string) => void) | undefined
  /** Called before tables of an earlier version are changed. */
  migrating?: ((from: number, to: number) => void) | undefined
}

/** How often to look for work that was left behind, and to count waiting notifications. */
const lookMs = 5000

/** The largest share of time that goes into counting, which takes longer the more there is. */
const countShare = 0.02

/** How often to try to connect to a server that starts together with the relay. */
const openTries = 30
const openAgainMs = 1000

/** How long to try to leave the lanes to other replicas. */
const farewellMs = 2000

// Intake has connections of its own: a thousand lanes that wake at once are no reason to keep Flux waiting.
const intakeConnections = 2
const laneConnections = 8

/**
 * Connects to `url`, and creates or migrates its tables. Waits half a minute for a server that is not up yet, if there is a `waiting` to
 * call. Throws BAD_DATABASE if it cannot be used; no text ever contains the password.
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
        throw new RelayError('BAD_DATABASE', `cannot use the database${sayPlace(url)}: ${reason}${sayHint(reason)}`)
      options.waiting(reason + sayPlace(url))
      await pause(openAgainMs)
    }
  }
}

async function connect(
  url: string,
  { leaseMs = 10_000, clock = 'database', warn, migrating }: PostgresOptions
): Promise<Store> {
  const servers = new Servers(url)
  await migrate(servers, migrating)
  const naming = new Naming(warn)
  const intake = new Connections(servers, intakeConnections, naming)
  const lanes = new Connections(servers, laneConnections, naming)
  let wake: (lanes: string[]) => void = () => {}
  const presence = new Presence(servers, lanes, leaseMs, (filled) => wake(filled))
  const isCallersClock = clock === 'caller'
  /** The numbers of waiting notifications, as last counted and changed by this replica since. */
  const waiting = new Waiting()
  let countAfter = 0
  let stopLooking = () => {}

  function added(entries: readonly { destination: string; lane: string }[]): void {
    for (const { destination } of entries) waiting.add(destination, 1)
    waiting.keep()
    presence.announce(entries.map(({ lane }) => lane))
  }

  function buried(destinations: readonly string[]): void {
    for (const destination of destinations) waiting.bury(destination)
    waiting.keep()
  }

  async function count(): Promise<void> {
    const started = performance.now()
    if (started < countAfter) return
    waiting.recount(await countPending(lanes.query))
    const ended = performance.now()
    countAfter = ended + (ended - started) / countShare
  }

  /** Finds, within a few seconds, what no replica has announced because the one that had it died. */
  async function look(): Promise<void> {
    wake(await busyLanes(lanes.query))
    await count()
  }

  const store: Store = {
    ...createClaims({ connections: lanes, presence, waiting, isCallersClock }),
    ...createCards({ connections: lanes, presence, isCallersClock, added }),
    ...createMuting(lanes, presence, added),
    ...createActs(lanes, waiting),
    ...createRollouts(lanes, added),
    ...createUpkeep(lanes),
    records: createPostgresRecords({ connections: lanes, added }),
    messages: readMessages(askPostgres(lanes.query)),

    timeOf: (now) => (isCallersClock ? now : now + presence.aheadMs()),
    get pending() {
      return waiting.total
    },
    get buried() {
      return waiting.buried
    },
    // Between two counts, more may have left than is known to have come.
    tally: () =>
      new Map(
        [...waiting.tally()].map(([name, { pending, buried }]) => [name, { pending: Math.max(0, pending), buried }])
      ),

    async accept(batch, decide) {
      const { receipts, settled } = await intake.transaction((sql, finish) => accept(sql, finish, batch, decide))
      for (const destination of settled) waiting.add(destination, -1)
      const all = receipts.flatMap((receipt) => (receipt.status === 'accepted' ? receipt.notifications : []))
      added(all.filter(({ isMuted, isDead }) => !isMuted && !isDead))
      for (const { destination, isDead } of all) if (isDead) waiting.add(destination, 1)
      buried(all.filter(({ isDead }) => isDead).map(({ destination }) => destination))
      return receipts
    },

    busyLanes: () => busyLanes(lanes.query),
    backlog: (lane) => backlog(lanes.query, lane),
    async tryNow(lane, now, actor) {
      const limitedUntil = await lanes.transaction(async (sql) => {
        await refuseRepeated(sql, actor)
        const until = await tryNow(sql, lane, now)
        if (actor && until === undefined) await writeAct(sql, { actor, did: 'try', about: { lane } }, now)
        return until
      })
      if (limitedUntil === undefined) while ((await lanes.transaction((sql) => releaseSome(sql, lane))) > 0);
      return limitedUntil
    },
    shorten: (holdOf, now) => shorten(lanes, holdOf, now),
    follow: (byDestination, now) => follow(lanes, byDestination, now - rolloutMs, buried),

    noteLastEvents: (sources, now) => noteLastEvents(lanes.query, sources, now),
    lastEvents: () => lastEvents(lanes.query),
    listen(woken) {
      wake = woken
    },
    async ping() {
      await intake.query(`update lanes set probes = probes where key = ''`)
    },

    async close() {
      stopLooking()
      presence.end()
      // Other replicas take over at once what is left here, or after a while if the database cannot be reached to announce it.
      const farewell = busyLanes(lanes.query).then((left) => presence.leave(left))
      await Promise.race([farewell.catch(() => {}), pause(farewellMs, undefined, { ref: false })])
      await Promise.all([intake.close(), lanes.close()])
    }
  }
  try {
    await presence.begin()
    await count()
    // An error is ignored: the next look may find the database again, and whoever needs it now gets an error, too.
    stopLooking = every(systemClock, lookMs, look, () => {})
    return store
  } catch (error) {
    await store.close()
    throw error
  }
}
