// Presence: gives a replica's signs of life in the database, by which it keeps its lanes, and runs the channel on which replicas wake
// each other.
import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'
import { every, systemClock } from '../../clock.ts'
import { RelayError } from '../../errors.ts'
import { type Connections, clockSql, connectionConfig } from './connections.ts'
import type { Servers } from './servers.ts'

const channel = 'flux_relay_lanes'

/** Bytes of a payload; PostgreSQL takes up to 8000. */
const maxPayload = 7000

/** How long lanes are gathered for one announcement: the replica that committed is at work on them, and others only help if it dies. */
const gatherMs = 250

// Returns the database's time, which all replicas go by, and whether there are no other replicas.
const beatSql = `
  insert into replicas (id, alive_until) values ($1, ${clockSql} + $2)
  on conflict (id) do update set alive_until = excluded.alive_until
  returning ${clockSql} as now,
    not exists (select 1 from replicas where id <> $1 and alive_until > ${clockSql}) as is_alone`

export class Presence {
  readonly replica: string = randomUUID()
  /** How far {@link aheadMs} may be off, in ms. */
  skewErrorMs = 0
  /** The database's time at the last sign of life, less the ticks of this process then, which nobody can set. */
  #begun = Date.now() - performance.now()
  readonly #servers: Servers
  readonly #leaseMs: number
  readonly #database: Connections
  readonly #wake: (lanes: string[]) => void
  readonly #toAnnounce = new Set<string>()
  #client: Client | undefined
  #lost = new AbortController()
  #leasedUntil = 0
  #isOver = false
  /** True if there was no other replica at the last sign of life. */
  #isAlone = false
  #stopBeating = () => {}
  #lapsing: NodeJS.Timeout | undefined
  #announcing: NodeJS.Timeout | undefined

  /** `wake` is called with lanes that another replica filled. */
  constructor(servers: Servers, database: Connections, leaseMs: number, wake: (lanes: string[]) => void) {
    this.#servers = servers
    this.#database = database
    this.#leaseMs = leaseMs
    this.#wake = wake
  }

  /** How far the database's clock, which all replicas go by, is ahead of this machine's, in ms. */
  aheadMs(): number {
    return Math.round(performance.now() + this.#begun - Date.now())
  }

  /** Begins to give signs of life. Rejects if the first one fails. */
  async begin(): Promise<void> {
    await this.#beat()
    // A broken connection is replaced at once; if that fails, too, the next beat tries again.
    const beat = () => this.#beat().catch(() => this.#beat())
    this.#stopBeating = every(systemClock, this.#leaseMs / 5, beat, () => {})
  }

  /**
   * A signal that aborts a little before others may take this replica for dead: a post that went on longer could coincide with another
   * replica's. Throws CANNOT_STORE if that time has already come.
   */
  lease(): AbortSignal {
    // The timer may be late, because this process may have been suspended.
    if (performance.now() >= this.#leasedUntil) this.#lost.abort()
    const { signal } = this.#lost
    if (!signal.aborted) return signal
    throw new RelayError('CANNOT_STORE', 'the database was out of reach for so long that others may have the lanes')
  }

  /** Lets other replicas know that there is something new in these lanes. A replica that has just started looks for itself. */
  announce(lanes: Iterable<string>): void {
    if (this.#isAlone) return
    for (const lane of lanes) this.#toAnnounce.add(lane)
    if (this.#toAnnounce.size > 0 && !this.#isOver) this.#announcing ??= setTimeout(() => this.#flush(), gatherMs)
  }

  /** Ends the signs of life; from now on nothing may be posted. */
  end(): void {
    this.#isOver = true
    this.#stopBeating()
    for (const timer of [this.#lapsing, this.#announcing]) clearTimeout(timer)
    this.#lost.abort()
    this.#drop()
  }

  /** Leaves `lanes` to the others after the end: they learn of them, and need not wait for the lease to run out. */
  async leave(lanes: readonly string[]): Promise<void> {
    await this.#database.query('delete from replicas where id = $1', [this.replica])
    for (const lane of lanes) this.#toAnnounce.add(lane)
    await this.#flush()
  }

  async #beat(): Promise<void> {
    try {
      this.#client ??= await this.#connect()
      const sent = performance.now()
      const { rows } = await this.#client.query<{ now: number; is_alone: boolean }>(beatSql, [
        this.replica,
        this.#leaseMs
      ])
      const tookMs = performance.now() - sent
      // The best guess is that the clock was read in the middle of the round trip.
      this.#begun = (rows[0]?.now ?? 0) - (sent + tookMs / 2)
      this.skewErrorMs = Math.ceil(tookMs / 2)
      this.#isAlone = rows[0]?.is_alone ?? false
      if (this.#isOver) this.#drop()
      else this.#lease(sent + this.#leaseMs * 0.9)
    } catch (error) {
      this.#drop()
      throw error
    }
  }

  /** Extends the lease. `until` counts from before the beat was sent, and is a tenth less: the lease always ends here first. */
  #lease(until: number): void {
    clearTimeout(this.#lapsing)
    // A post from before a gap between two leases has to end.
    if (performance.now() >= this.#leasedUntil) this.#lost.abort()
    if (this.#lost.signal.aborted) this.#lost = new AbortController()
    const lost = this.#lost
    this.#leasedUntil = until
    this.#lapsing = setTimeout(() => lost.abort(), until - performance.now())
  }

  async #connect(): Promise<Client> {
    const timeoutMs = this.#leaseMs / 5
    const config = {
      ...connectionConfig(this.#servers.url),
      connectionTimeoutMillis: timeoutMs,
      query_timeout: timeoutMs
    }
    const client = await this.#servers.connect(config)
    client.on('notification', ({ payload = '' }) => {
      const [replica, ...lanes] = payload.split('\n')
      if (replica !== this.replica) this.#wake(lanes)
    })
    // Where `listen` is not supported, replicas find each other's work by looking.
    await client.query(`listen ${channel}`).catch(() => {})
    return client
  }

  #drop(): void {
    void this.#client?.end().catch(() => {})
    this.#client = undefined
  }

  /**
   * Announces the lanes, outside of the transactions that write the notifications: PostgreSQL commits transactions that notify one after
   * the other, and each waits for the disk. With eight at a time that is 1,900 a second instead of 3,900.
   */
  async #flush(): Promise<void> {
    this.#announcing = undefined
    const lanes = [...this.#toAnnounce]
    this.#toAnnounce.clear()
    while (lanes.length > 0) {
      let payload = this.replica
      for (let next = lanes[0]; next !== undefined; next = lanes[0]) {
        if (payload !== this.replica && Buffer.byteLength(`${payload}\n${next}`) > maxPayload) break
        payload += `\n${lanes.shift()}`
      }
      // Lanes that are not announced are found by looking.
      await this.#database.query('select pg_notify($1, $2)', [channel, payload]).catch(() => {})
    }
  }
}
