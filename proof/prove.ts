// Proof: runs relays that are killed again and again, with senders, people who press buttons and a lying Slack; then waits for
// calm and asks the checker.
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
import { createPeople } from './people.ts'
import { createRelays, type Relays } from './relays.ts'
import { startSending } from './sender.ts'
import { calm, disturbConnections, makeTrouble } from './trouble.ts'
import { judge, type Verdict } from './verdict.ts'
import { type Addresses, configOf, maySilence, silencedNamespace, versions } from './world.ts'

export interface ProofOptions {
  kills: number
  seed: number
  postgres?: boolean
  /** Called after each kill. */
  progress?: (kills: number) => void
}

/** Longest time until nothing is pending: further notifications of a cause are held for five minutes at most. */
const drainMs = 330_000
const calmMs = 3000
/** Mutes last up to 8 s, and are checked every 5 s. */
const mutesMs = 14_000

/** Runs a whole proof and resolves to its findings. Leaves nothing behind. */
export async function prove({ kills, seed, postgres = false, progress }: ProofOptions): Promise<Verdict> {
  const dice = createDice(seed)
  const folder = mkdtempSync(join(tmpdir(), 'flux-relay-proof-'))
  const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  const over = new AbortController()
  try {
    // Refuses nothing for its pace: the checker looks at the times of requests instead.
    const slack = await startSlack({ perSecond: Number.POSITIVE_INFINITY, burst: Number.POSITIVE_INFINITY })
    ends.push(() => slack.close())
    const trouble = makeTrouble(slack, dice.for('trouble'))
    const server = postgres ? await startPostgres({ teardown: (end) => void ends.push(end) }) : undefined
    const database = server?.url ?? `sqlite:${join(folder, 'relay.db')}`
    const api = await startTroubledApi(dice.for('api'))
    ends.push(() => api.close())
    const base = { base: slack.url(''), apiUrl: api.apiUrl }
    const people = dice.for('people')
    const clickers = createPeople(api, dice.for('clicks'), ({ text }) => maySilence(text))
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
    const isOver = new AbortController()
    const pressing = clickers.pressUntil(isOver.signal)
    const disturbing = disturbConnections(api.socket, dice.for('connections'), isOver.signal)
    const chaos = dice.for('chaos')
    while (relays.journal.kills.length < kills) {
      if (chaos.chance(0.12)) {
        writeConfig(folder, disturbed(chaos, base))
        relays.journal.moves.push(Date.now())
      }
      if (chaos.chance(0.35)) clocks.set(chaos.pick(relays.ports))
      if (chaos.chance(0.06)) void silence(chaos.pick(relays.ports))
      if (people.chance(0.1)) deleteOne(api, people)
      if (people.chance(0.05)) void endSilences(chaos.pick(relays.ports)).catch(() => {})
      relays.start()
      if (server !== undefined && chaos.chance(0.04)) {
        relays.journal.restarts.push(Date.now())
        await server.restart()
      }
      await relays.end()
      progress?.(relays.journal.kills.length)
    }
    await relays.settle()
    isOver.abort()
    await Promise.all([sending.stop(), pressing])
    const connectionsLost = await disturbing
    const tookMs = performance.now() - began

    calm(slack)
    api.calm()
    for (const port of relays.ports) clocks.set(port, true)
    writeConfig(folder, configOf(versions - 1, base))
    relays.journal.moves.push(Date.now())
    // Lets the relays read their clocks again.
    await pause(500)
    await endSilences(relays.ports[0] ?? 0)
    await pause(mutesMs)
    await drain(relays)
    await retryDeadLetters(relays)
    await drain(relays)
    await untilShown(api)
    const drainedMs = performance.now() - began - tookMs
    await relays.stop()
    const verified = await run(['verify', database])
    const evidence = await readEvidence(database, clocks.real)
    return judge({
      ...{ ...evidence, journal: relays.journal, posted: sending.posted, presses: clickers.presses },
      ...{ slack, cards: api, connectionsLost, trouble, tookMs, drainedMs, verified }
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

/** Silences a namespace for a few seconds. A relay that is down does not get it. */
async function silence(port: number): Promise<void> {
  const body = JSON.stringify({ match: { namespace: silencedNamespace }, for: '3s', comment: 'for the proof' })
  await call(port, 'POST', '/api/silences', body).catch(() => {})
}

/** Ends all silences, so that what they withheld is summed up. */
async function endSilences(port: number): Promise<void> {
  const { silences } = (await call(port, 'GET', '/api/silences')) as { silences: { id: string }[] }
  for (const { id } of silences) await call(port, 'DELETE', `/api/silences/${id}`)
}

async function call(port: number, method: 'GET' | 'POST' | 'DELETE', path: string, body?: string): Promise<unknown> {
  const headers = body === undefined ? {} : { 'content-type': 'application/json' }
  const answer = await request(`http://127.0.0.1:${port}${path}`, { method, headers, ...(body && { body }) })
  return answer.body.json()
}

/**
 * Resolves once nothing has been pending for {@link calmMs}, in which the last outcome may cause a notice, or after {@link
 * drainMs}.
 */
export async function drain({ ports: [port = 0] }: Pick<Relays, 'ports'>): Promise<void> {
  const deadline = performance.now() + drainMs
  let calmSince = performance.now()
  while (performance.now() < deadline) {
    const waiting = (await call(port, 'GET', '/api/notifications?state=pending&limit=1')) as {
      notifications: unknown[]
    }
    if (waiting.notifications.length > 0) calmSince = performance.now()
    if (performance.now() - calmSince > calmMs) return
    await pause(250)
  }
}

/** Retries all dead letters. */
async function retryDeadLetters({ ports: [port = 0] }: Relays): Promise<void> {
  let cursor = ''
  do {
    const page = (await call(port, 'POST', `/api/notifications/retry?limit=500${cursor}`)) as {
      next: string | null
    }
    cursor = page.next === null ? '' : `&cursor=${encodeURIComponent(page.next)}`
  } while (cursor !== '')
}
