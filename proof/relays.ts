// Proof relays: real processes on one database, ended in every way and started again.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { beginRelay, freePort } from '../test/fixtures/process.ts'
import type { Clocks } from './clocks.ts'
import type { Dice } from './dice.ts'

export interface Relays {
  ports: readonly number[]
  /** Starts the relays that are not running. */
  start(): void
  /** Lets one relay live for a moment, from its start or from when it listens, then ends it. */
  end(): Promise<void>
  /** Starts all relays and waits until they listen. */
  settle(): Promise<void>
  stop(): Promise<void>
  journal: Journal
}

/** Times of what was done to the relays, in `Date.now()`. */
export interface Journal {
  kills: number[]
  terms: number[]
  /** Replacements of the config file. */
  moves: number[]
  /** Settings of a clock. */
  clocks: readonly number[]
  /** Restarts of the database. A relay that starts at that time may exit, for its supervisor to start it again. */
  restarts: number[]
  /** Exits that nobody asked for, and stops that were not clean. */
  faults: string[]
  startsMs: number[]
}

interface Slot {
  port: number
  relay: ChildProcess | undefined
  listening: Promise<void>
}

export async function createRelays(
  dice: Dice,
  options: { folder: string; database: string; replicas: number; clocks: Clocks; signal: AbortSignal }
): Promise<Relays> {
  const { folder, database, clocks, signal } = options
  const ports = await Promise.all(Array.from({ length: options.replicas }, freePort))
  const slots: Slot[] = ports.map((port) => ({ port, relay: undefined, listening: Promise.resolve() }))
  const journal: Journal = {
    ...{ kills: [], terms: [], moves: [], restarts: [], faults: [], startsMs: [] },
    clocks: clocks.times
  }
  const expected = new WeakSet<ChildProcess>()

  function begin(slot: Slot): void {
    const began = performance.now()
    const { relay, listening } = beginRelay(folder, slot.port, { database, env: clocks.environmentOf(slot.port) })
    slot.relay = relay
    slot.listening = listening.then(
      () => void journal.startsMs.push(performance.now() - began),
      () => {}
    )
    relay.once('exit', (code, by) => {
      if (slot.relay === relay) slot.relay = undefined
      const isDatabaseAway = code === 2 && journal.restarts.some((at) => Date.now() - at < 15_000)
      if (!expected.has(relay) && !isDatabaseAway) journal.faults.push(`a relay ended by itself with ${code ?? by}`)
    })
  }

  async function endOf(relay: ChildProcess): Promise<number | null> {
    if (relay.exitCode === null && relay.signalCode === null) await once(relay, 'exit')
    return relay.exitCode
  }

  async function kill(relay: ChildProcess): Promise<void> {
    expected.add(relay)
    journal.kills.push(Date.now())
    relay.kill('SIGKILL')
    await endOf(relay)
  }

  async function terminate(relay: ChildProcess): Promise<void> {
    expected.add(relay)
    journal.terms.push(Date.now())
    relay.kill('SIGTERM')
    // Kubelet kills a relay that takes too long to stop.
    const patience = new AbortController()
    const isOver = await Promise.race([
      endOf(relay).then((code) => ({ code })),
      pause(400 + dice.below(2000), undefined, { signal: patience.signal }).catch(() => undefined)
    ])
    patience.abort()
    if (isOver === undefined || isOver === null) return kill(relay)
    // Before the relay handles signals, SIGTERM ends it like any program.
    if (isOver.code !== 0 && relay.signalCode !== 'SIGTERM')
      journal.faults.push(`a relay ended with ${isOver.code} after SIGTERM`)
  }

  return {
    ports,
    journal,
    start() {
      for (const slot of slots) if (slot.relay === undefined) begin(slot)
    },
    async end() {
      const slot = dice.pick(slots)
      const { relay } = slot
      if (relay === undefined) return
      if (!dice.chance(0.15)) await slot.listening
      // Most relays end while the first posts after the start are under way.
      await pause(dice.below(dice.chance(0.7) ? 500 : 1500))
      if (signal.aborted || slot.relay !== relay) return
      await (dice.chance(0.15) ? terminate(relay) : kill(relay))
    },
    async settle() {
      for (const slot of slots) if (slot.relay === undefined) begin(slot)
      await Promise.all(slots.map(({ listening }) => listening))
    },
    async stop() {
      await Promise.all(
        slots.map(async ({ relay }) => {
          if (relay === undefined) return
          expected.add(relay)
          relay.kill('SIGTERM')
          const timer = setTimeout(() => relay.kill('SIGKILL'), 15_000)
          const code = await endOf(relay)
          clearTimeout(timer)
          if (code !== 0) journal.faults.push(`the last stop ended with ${code}`)
        })
      )
    }
  }
}
