// Presence: a replica's sign of life in the database, by which it keeps its lanes, and the line on which replicas call
// each other.
import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'
import { every, systemClock } from '../../clock.ts'
import { RelayError } from '../../errors.ts'
import { type Connections, clockSql, connectionConfig } from './connections.ts'
import type { Servers } from './servers.ts'

const channel = 'flux_relay_lanes'

/** PostgreSQL takes up to 8000 bytes. */
const maxPayload = 7000

/** Several commits are announced at once: whoever committed is at work on them already, this is for the case that it dies. */
const gatherMs = 250

// Answers with the database's clock, which all replicas go by, and whether there are others.
const beatSql = `
  insert into replicas (id, alive_until) values ($1, ${clockSql} + $2)
  on conflict (id) do update set alive_until = excluded.alive_until
  returning ${clockSql} as now,
    not exists (select 1 from replicas where id <> $1 and alive_until > ${clockSql}) as is_alone`

export class Presence {
  readonly replica: string = randomUUID()
  /** How far {@link aheadMs} may be off, in ms. */
  skewErrorMs = 0
  /** The database's clock at the last sign of life, less the ticks of this process: nobody sets those. */
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
  /** At the last sign of life no other replica gave any. */
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

  /** How far the database's clock, which all replicas go by, is ahead of what this machine's says now, in ms. */
  aheadMs(): number {
    return Math.round(performance.now() + this.#begun - Date.now())
  }

  /** Rejects where the first sign of life cannot be given. */
  async begin(): Promise<void> {
    await this.#beat()
    // A connection that broke is replaced at once; where that fails too, the next beat tries again.
    const beat = () => this.#beat().catch(() => this.#beat())
    this.#stopBeating = every(systemClock, this.#leaseMs / 5, beat, () => {})
  }

  /**
   * Aborted a little before others may take this replica for dead: a post that goes on longer could be beside another's.
   * Throws CANNOT_STORE where that is so already.
   */
  lease(): AbortSignal {
    // The timer may be late: this process may have been stopped.
    if (performance.now() >= this.#leasedUntil) this.#lost.abort()
    const { signal } = this.#lost
    if (!signal.aborted) return signal
    throw new RelayError('CANNOT_STORE', 'the database was out of reach for so long that others may have the lanes')
  }

  /** Other replicas get to know that there is something new in these lanes. One that has just come looks for itself. */
  announce(lanes: Iterable<string>): void {
    if (this.#isAlone) return
    for (const lane of lanes) this.#toAnnounce.add(lane)
    if (this.#toAnnounce.size > 0 && !this.#isOver) this.#announcing ??= setTimeout(() => this.#flush(), gatherMs)
  }

  /** No more signs of life, and nothing may be posted any more. */
  end(): void {
    this.#isOver = true
    this.#stopBeating()
    for (const timer of [this.#lapsing, this.#announcing]) clearTimeout(timer)
    this.#lost.abort()
    this.#drop()
  }

  /** After the end: the others need not wait for the lease to run out, and get to know of `lanes`, left to them. */
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
      // Read in the middle of the round trip, as far as anyone knows.
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

  /** Counted from before the beat was sent, and a tenth less: here the lease always ends first. */
  #lease(until: number): void {
    clearTimeout(this.#lapsing)
    // A post from before a gap is over, whatever comes after it.
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
    // Where it is not spoken, replicas find each other's work by looking.
    await client.query(`listen ${channel}`).catch(() => {})
    return client
  }

  #drop(): void {
    void this.#client?.end().catch(() => {})
    this.#client = undefined
  }

  /**
   * Not in the transaction that writes the notifications: PostgreSQL commits transactions that notify one after the other,
   * and each waits for the disk. With eight at a time that is 1,900 a second instead of 3,900.
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
      // What is not announced is found by looking.
      await this.#database.query('select pg_notify($1, $2)', [channel, payload]).catch(() => {})
    }
  }
}
