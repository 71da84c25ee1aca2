// Proof: runs a relay that is killed again and again, with senders and a lying Slack; then waits for calm and asks the
// checker.
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { request } from 'undici'
import { startPostgres } from '../test/fixtures/postgres.ts'
import { run } from '../test/fixtures/process.ts'
import { startSlack } from '../test/fixtures/slack.ts'
import { deleteOne, startTroubledApi, untilShown } from './cards.ts'
import { createClocks } from './clocks.ts'
import { createDice, type Dice } from './dice.ts'
import { readEvidence } from './evidence.ts'
import { createRelays, type Relays } from './relays.ts'
import { startSending } from './sender.ts'
import { calm, makeTrouble } from './trouble.ts'
import { judge, type Verdict } from './verdict.ts'
import { type Addresses, configOf, versions } from './world.ts'

export interface ProofOptions {
  kills: number
  seed: number
  postgres?: boolean
  /** Called after each kill. */
  progress?: (kills: number) => void
}

/** How long it may take until nothing waits: what follows of a cause is held for five minutes at most. */
const drainMs = 330_000
/** Mutes last up to 8 s, and are looked at every 5. */
const mutesMs = 14_000

/** Runs a whole proof; resolves to what it found. Leaves nothing behind. */
export async function prove({ kills, seed, postgres = false, progress }: ProofOptions): Promise<Verdict> {
  const dice = createDice(seed)
  const folder = mkdtempSync(join(tmpdir(), 'flux-relay-proof-'))
  const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  const over = new AbortController()
  try {
    // It refuses nothing for being too fast: the checker looks at when requests came.
    const slack = await startSlack({ perSecond: Number.POSITIVE_INFINITY, burst: Number.POSITIVE_INFINITY })
    ends.push(() => slack.close())
    const trouble = makeTrouble(slack, dice.for('trouble'))
    const server = postgres ? await startPostgres({ teardown: (end) => void ends.push(end) }) : undefined
    const database = server?.url ?? `sqlite:${join(folder, 'relay.db')}`
    const api = await startTroubledApi(dice.for('api'))
    ends.push(() => api.close())
    const base = { base: slack.url(''), apiUrl: api.apiUrl }
    const people = dice.for('people')
    writeConfig(folder, configOf(0, base))
    const replicas = postgres ? 2 : 1
    const clocks = createClocks(dice.for('clocks'), folder)
    const relays = await createRelays(dice.for('relays'), { folder, database, replicas, clocks, signal: over.signal })
    ends.push(() => {
      over.abort()
      return relays.stop()
    })

    await relays.settle()
    const began = performance.now()
    const sending = startSending(dice.for('senders'), relays.ports)
    const chaos = dice.for('chaos')
    while (relays.journal.kills.length < kills) {
      if (chaos.chance(0.12)) {
        writeConfig(folder, disturbed(chaos, base))
        relays.journal.moves.push(Date.now())
      }
      if (chaos.chance(0.35)) clocks.set(chaos.pick(relays.ports))
      if (chaos.chance(0.06)) void silence(chaos.pick(relays.ports))
      if (people.chance(0.1)) deleteOne(api, people)
      relays.start()
      if (server !== undefined && chaos.chance(0.04)) {
        relays.journal.restarts.push(Date.now())
        await server.restart()
      }
      await relays.end()
      progress?.(relays.journal.kills.length)
    }
    await relays.settle()
    await sending.stop()
    const tookMs = performance.now() - began

    calm(slack)
    api.calm()
    for (const port of relays.ports) clocks.set(port, true)
    writeConfig(folder, configOf(versions - 1, base))
    relays.journal.moves.push(Date.now())
    await pause(mutesMs)
    await drain(relays)
    const retried = await retryDeadLetters(relays)
    await drain(relays)
    await untilShown(api)
    const drainedMs = performance.now() - began - tookMs
    await relays.stop()
    const verified = await run(['verify', database])
    const evidence = await readEvidence(database, clocks.real)
    return judge({
      ...{ ...evidence, retried, journal: relays.journal },
      ...{ posted: sending.posted, slack, cards: api, trouble, tookMs, drainedMs, verified }
    })
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

function writeConfig(folder: string, text: string): void {
  writeFileSync(join(folder, 'next.yaml'), text)
  renameSync(join(folder, 'next.yaml'), join(folder, 'config.yaml'))
}

function disturbed(dice: Dice, base: Addresses): string {
  const until = new Date(Date.now() + 2000 + dice.below(6000)).toISOString()
  return configOf(dice.below(versions), base, dice.chance(0.4) ? until : undefined)
}

/** Of a namespace, for a few seconds. A relay that is down just now does not get it. */
async function silence(port: number): Promise<void> {
  const body = JSON.stringify({ match: { namespace: 'team-b' }, for: '3s', comment: 'for the proof' })
  await call(port, 'POST', '/api/silences', body).catch(() => {})
}

async function call(port: number, method: 'GET' | 'POST', path: string, body?: string): Promise<unknown> {
  const headers = body === undefined ? {} : { 'content-type': 'application/json' }
  const answer = await request(`http://127.0.0.1:${port}${path}`, { method, headers, ...(body && { body }) })
  return answer.body.json()
}

/** Until nothing waits, or for {@link drainMs}. */
export async function drain({ ports: [port = 0] }: Pick<Relays, 'ports'>): Promise<void> {
  const deadline = performance.now() + drainMs
  while (performance.now() < deadline) {
    const waiting = (await call(port, 'GET', '/api/notifications?state=pending&limit=1')) as {
      notifications: unknown[]
    }
    if (waiting.notifications.length === 0) return
    await pause(250)
  }
}

/** Tries all dead letters again. */
async function retryDeadLetters({ ports: [port = 0] }: Relays): Promise<Set<number>> {
  const retried = new Set<number>()
  let cursor = ''
  do {
    const page = (await call(port, 'POST', `/api/notifications/retry?limit=500${cursor}`)) as {
      retried: { id: string }[]
      next: string | null
    }
    for (const { id } of page.retried) retried.add(Number(id))
    cursor = page.next === null ? '' : `&cursor=${encodeURIComponent(page.next)}`
  } while (cursor !== '')
  return retried
}
