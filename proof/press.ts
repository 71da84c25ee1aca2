// Presses: people press buttons in Slack ten times a second, at first while nothing is wrong, then while relays are killed and
// connections cut: how long it takes until a card shows it, and what has to be true of each press in the end.
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
  /** While nothing is wrong, and while relays are killed. */
  calm: number
  troubled: number
  perSecond: number
  /** Cards to press buttons of. */
  cards: number
  seed: number
  /** Two relays on one PostgreSQL, instead of one on SQLite. */
  postgres?: boolean
  progress?: (done: number) => void
}

/** Claims of who was killed, gaps and the budget of updates are over after this. */
const settleMs = 90_000

/** Presses buttons, and looks at what became of each. */
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

/** One card for each of so many incidents, each with a cause of its own. */
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

/** Until so many were pressed in all, at an even rate, whatever becomes of those before. */
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

/** Asks a relay, and it its database, for nothing, five times a second, until it is told to stop; resolves to how long each took, in ms. */
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

/** Does to relays, connections and the database whatever machines, Slack and networks do; resolves to how often each. */
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
      // The others are alone for a while.
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

/** At most, from a click to its card, of 99 in 100 while nothing is wrong. */
const maxP99Ms = 1000
/** Fewer say nothing of one in a hundred. */
const leastTimes = 100
/** On a machine that is busy with other things, so many requests that do nothing may take as long. */
const maxProbes = 10

interface Course {
  presses: readonly Press[]
  /** How many of them while nothing was wrong. */
  calm: number
  /** While nothing was wrong, how long a relay took for a request that does nothing, in ms: how busy the machine and its disk were. */
  probes: readonly number[]
  /** What was done to relays, connections and the database, each with how often. */
  troubles: ReadonlyMap<string, number>
  /** What cards show in the end that is not so. */
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

/** From each press to `end`, its card where that is left out, in ms, the shortest first. */
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
