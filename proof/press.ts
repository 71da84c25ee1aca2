// Presses: people press buttons in Slack ten times a second, at first undisturbed, then while relays are killed and connections
// cut. Measures how long it takes until a card shows a press, and checks what must be true of each press in the end.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startPostgres } from '../test/fixtures/postgres.ts'
import { freePort } from '../test/fixtures/process.ts'
import { about } from '../test/fixtures/relay.ts'
import { appToken, botToken, type Pressed, type SlackApi, startSlackApi } from '../test/fixtures/slack-api.ts'
import { cardsAreTrue } from './cards.ts'
import { createDice, type Dice } from './dice.ts'
import { type Evidence, readEvidence } from './evidence.ts'
import { createPeople, operators, type People, type Press, workspace } from './people.ts'
import { fatesOf, pressesKept } from './press-checks.ts'
import { createPressRelays, type PressRelays } from './press-relays.ts'
import { disturbConnection } from './trouble.ts'
import { cardChannel } from './world.ts'

const config = (apiUrl: string) => `
sources: { default: {} }
slackApps: { acme: { token: "${botToken}", appToken: "${appToken}", operators: [${operators}], apiUrl: "${apiUrl}" } }
destinations: { team: { slack: { app: acme, channel: ${cardChannel} }, pace: { perSecond: 50, burst: 100 } } }
rules: [{ name: failures, match: { severity: error }, send: team }]
`

export interface Findings {
  faults: string[]
  figures: [name: string, value: string][]
}

export interface PressOptions {
  /** Presses while nothing is disturbed; `troubled` while relays are killed. */
  calm: number
  troubled: number
  perSecond: number
  /** Number of cards whose buttons are pressed. */
  cards: number
  seed: number
  /** Two relays on one PostgreSQL instead of one on SQLite. */
  postgres?: boolean
  progress?: (done: number) => void
}

/** By then the leases of killed relays, gaps and the budget of updates have run out. */
const settleMs = 90_000

/** Presses buttons and checks what became of each press. */
export async function pressButtons(options: PressOptions): Promise<Findings> {
  const dice = createDice(options.seed)
  const folder = mkdtempSync(join(tmpdir(), 'flux-relay-clicks-'))
  const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  try {
    const server = options.postgres ? await startPostgres({ teardown: (end) => void ends.push(end) }) : undefined
    const database = server?.url ?? `sqlite:${join(folder, 'relay.db')}`
    const api = await startSlackApi({
      ...workspace,
      channels: [{ id: cardChannel, name: 'cards', members: ['U0FLUX'] }]
    })
    ends.push(() => api.close())
    writeFileSync(join(folder, 'config.yaml'), config(api.apiUrl))
    const ports = await Promise.all(Array.from({ length: options.postgres ? 2 : 1 }, freePort))
    const relays = createPressRelays(folder, { ports, database })
    ends.push(() => relays.stop())
    await relays.start()
    await until(() => api.socket.open().length >= ports.length)
    await postCards(api, ports[0] ?? 0, options.cards)
    const people = createPeople(api, dice.for('people'))
    const isCalm = new AbortController()
    const probing = probe(ports[0] ?? 0, isCalm.signal)
    await press(people, options.calm, options)
    isCalm.abort()
    const probes = await probing
    const chaos = new AbortController()
    const restart = server && (() => server.restart())
    const trouble = makeTrouble(api, { relays, restart }, dice.for('trouble'), chaos.signal)
    await press(people, options.calm + options.troubled, options)
    chaos.abort()
    const troubles = await trouble
    const shown = async () => cardsAreTrue(api, await readEvidence(database, (at) => at))
    const began = performance.now()
    while (performance.now() - began < settleMs && (await shown()).length > 0) await pause(500)
    await relays.stop()
    const evidence = await readEvidence(database, (at) => at)
    const untrue = cardsAreTrue(api, evidence)
    return judge(evidence, { presses: people.presses, calm: options.calm, probes, troubles, untrue })
  } finally {
    for (const end of ends.toReversed()) await end()
  }
}

/** Posts `count` cards, one incident each, each with its own cause. */
async function postCards(api: SlackApi, port: number, count: number): Promise<void> {
  for (let at = 0; at < count; at++) {
    const message = `no such file: base of ${String.fromCodePoint(97 + (at % 26)).repeat(4 + Math.floor(at / 26))}`
    const body = JSON.stringify(about(`app-${at}`, { message, timestamp: new Date().toISOString() }))
    const headers = { 'content-type': 'application/json' }
    await fetch(`http://127.0.0.1:${port}/webhook`, { method: 'POST', headers, body })
    await until(() => api.posted.length > at)
  }
  await pause(500)
}

/** Presses at an even rate until there are `count` presses in all, whatever becomes of earlier ones. */
async function press(
  people: People,
  count: number,
  { perSecond, progress }: Pick<PressOptions, 'perSecond' | 'progress'>
): Promise<void> {
  const before = people.presses.length
  const began = performance.now()
  while (people.presses.length < count) {
    const dueAt = began + ((people.presses.length - before) * 1000) / perSecond
    await pause(Math.max(0, dueAt - performance.now()))
    if (people.press()) progress?.(people.presses.length)
    else await pause(10)
  }
  await people.settle()
}

/** Calls a relay's /readyz, which asks the database, five times a second until `signal`; resolves to the latencies in ms. */
async function probe(port: number, signal: AbortSignal): Promise<number[]> {
  const times: number[] = []
  while (!signal.aborted) {
    const began = performance.now()
    await (await fetch(`http://127.0.0.1:${port}/readyz`)).text()
    times.push(performance.now() - began)
    await pause(200)
  }
  return times
}

/** Does to relays, connections and the database what machines, Slack and networks do; resolves to how often each happened. */
async function makeTrouble(
  api: SlackApi,
  { relays, restart }: { relays: PressRelays; restart: (() => Promise<void>) | undefined },
  dice: Dice,
  signal: AbortSignal
): Promise<Map<string, number>> {
  const counts = new Map<string, number>()
  const count = (what: string) => counts.set(what, (counts.get(what) ?? 0) + 1)
  while (!signal.aborted) {
    await pause(500 + dice.below(4500))
    if (dice.chance(0.4)) {
      count('relay killed')
      const relay = dice.pick(relays.all)
      await relay.kill()
      // Leaves the other relay alone for a while.
      if (relays.all.length > 1) await pause(dice.below(3000))
      await relay.start()
      continue
    }
    if (dice.chance(0.15)) {
      count('relay stopped for a while')
      await dice.pick(relays.all).freeze(500 + dice.below(6000))
      continue
    }
    if (restart !== undefined && dice.chance(0.15)) {
      count('database restarted')
      await restart()
      continue
    }
    if (disturbConnection(api.socket, dice)) count('connection lost')
  }
  return counts
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let tries = 0; tries < 3000 && !isTrue(); tries++) await pause(10)
  if (!isTrue()) throw new Error(`not within 30 s: ${isTrue}`)
}

/** Limit for the 99th percentile from a click to its card while nothing is disturbed. */
const maxP99Ms = 1000
/** Fewer times say nothing about a 99th percentile. */
const leastTimes = 100
/** On a busy machine, the limit is this many times the 99th percentile of a request that does nothing. */
const maxProbes = 10

interface Course {
  presses: readonly Press[]
  /** Number of presses while nothing was disturbed. */
  calm: number
  /** Latencies of a request that does nothing during those presses, in ms: they show how busy the machine and its disk were. */
  probes: readonly number[]
  /** Kinds of trouble and how often each happened. */
  troubles: ReadonlyMap<string, number>
  /** Untruths that cards show in the end. */
  untrue: readonly string[]
}

function judge(evidence: Evidence, { presses, calm, probes, troubles, untrue }: Course): Findings {
  const fates = fatesOf(presses, evidence)
  const times = timesOf(presses.slice(0, calm))
  const p99 = at(times, 0.99)
  const idle = probes.toSorted((a, b) => a - b)
  const isSlow = p99 > Math.max(maxP99Ms, maxProbes * at(idle, 0.99)) && times.length >= leastTimes
  const answers = timesOf(presses.slice(0, calm), ({ ackedAt }) => ackedAt)
  return {
    faults: [
      ...pressesKept(presses, evidence),
      ...untrue,
      // A run in which nothing happens proves nothing.
      ...(fates.has('took effect once') ? [] : ['no click took effect']),
      ...(isSlow ? [`p99 from click to card is ${Math.round(p99)} ms`] : [])
    ],
    figures: [
      ['clicks', `${presses.length}, ${presses.filter(({ may }) => !may).length} of them by who may not`],
      ['trouble', [...troubles].map(([what, times]) => `${times} × ${what}`).join(', ') || 'none'],
      ...[...fates].map(([fate, of]): [string, string] => [fate, `${of.length}`]),
      ['a request that does nothing, calm', sayTimes(idle)],
      ['click to its acknowledgement, calm', sayTimes(answers)],
      ['click to card, calm', sayTimes(times)],
      ['click to card, in trouble', sayTimes(timesOf(presses.slice(calm)))]
    ]
  }
}

/** Times from each press to `end`, by default to its card, in ms, shortest first. */
function timesOf(
  presses: readonly Press[],
  end: (pressed: Pressed) => number | undefined = ({ replacedAt }) => replacedAt[0]
): number[] {
  return presses
    .flatMap(({ pressed }) => {
      const ended = end(pressed)
      return ended === undefined ? [] : [ended - pressed.at]
    })
    .sort((a, b) => a - b)
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.floor(sorted.length * share)] ?? 0
}

function sayTimes(sorted: readonly number[]): string {
  const ms = (share: number) => `${Math.round(at(sorted, share))} ms`
  return `median ${ms(0.5)}, p99 ${ms(0.99)}, longest ${Math.round(sorted.at(-1) ?? 0)} ms, of ${sorted.length}`
}
