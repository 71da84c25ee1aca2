// Presses: people who press buttons in Slack while relays are killed and connections cut, and what has to be true of each press
// in the end.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { startPostgres } from '../test/fixtures/postgres.ts'
import { freePort } from '../test/fixtures/process.ts'
import { about } from '../test/fixtures/relay.ts'
import { appToken, botToken, type Posted, type SlackApi, startSlackApi } from '../test/fixtures/slack-api.ts'
import { createDice, type Dice } from './dice.ts'
import { createPressRelays, type PressRelays } from './press-relays.ts'
import { type Findings, judgePresses, type Press, untrueCards } from './press-verdict.ts'

const channel = 'C0000CARD'
const operator = 'U0ANNA1'
const stranger = 'U0EVE11'

const config = (apiUrl: string) => `
sources: { default: {} }
slackApps: { acme: { token: "${botToken}", appToken: "${appToken}", operators: [${operator}], apiUrl: "${apiUrl}" } }
destinations: { team: { slack: { app: acme, channel: ${channel} }, pace: { perSecond: 50, burst: 100 } } }
rules: [{ name: failures, match: { severity: error }, send: team }]
`

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
    const tiers = { 'chat.postMessage': 100_000 }
    const api = await startSlackApi({
      ...{ perSecond: 1000, burst: 1000, tiers, pingMs: 5000 },
      channels: [{ id: channel, name: 'cards', members: ['U0FLUX'] }]
    })
    ends.push(() => api.close())
    writeFileSync(join(folder, 'config.yaml'), config(api.apiUrl))
    const ports = await Promise.all(Array.from({ length: options.postgres ? 2 : 1 }, freePort))
    const relays = createPressRelays(folder, { ports, database })
    ends.push(() => relays.stop())
    await relays.start()
    await until(() => api.socket.open().length >= ports.length)
    const cards = await postCards(api, ports[0] ?? 0, options.cards)
    const isCalm = new AbortController()
    const probing = probe(ports[0] ?? 0, isCalm.signal)
    const calm = await press(api, cards, dice.for('calm'), options.calm, options)
    isCalm.abort()
    const probes = await probing
    const chaos = new AbortController()
    const restart = server && (() => server.restart())
    const trouble = makeTrouble(api, { relays, restart }, dice.for('trouble'), chaos.signal)
    const rough = await press(api, cards, dice.for('rough'), options.troubled, options)
    chaos.abort()
    const troubles = await trouble
    const began = performance.now()
    while (performance.now() - began < settleMs && (await untrueCards(database, cards)).length > 0) await pause(500)
    await relays.stop()
    return await judgePresses(database, { cards, calm, rough, probes, troubles })
  } finally {
    for (const end of ends.toReversed()) await end()
  }
}

/** One card for each of so many incidents, each with a cause of its own. */
async function postCards(api: SlackApi, port: number, count: number): Promise<Posted[]> {
  for (let at = 0; at < count; at++) {
    const message = `no such file: base of ${String.fromCodePoint(97 + (at % 26)).repeat(4 + Math.floor(at / 26))}`
    const body = JSON.stringify(about(`app-${at}`, { message, timestamp: new Date().toISOString() }))
    const headers = { 'content-type': 'application/json' }
    await fetch(`http://127.0.0.1:${port}/webhook`, { method: 'POST', headers, body })
    await until(() => api.posted.length > at)
  }
  await pause(500)
  return [...api.posted]
}

/** At an even rate, whatever becomes of those before. On a card one at a time. */
async function press(
  api: SlackApi,
  cards: readonly Posted[],
  dice: Dice,
  count: number,
  { perSecond, progress }: Pick<PressOptions, 'perSecond' | 'progress'>
): Promise<Press[]> {
  const busy = new Set<Posted>()
  const presses: Press[] = []
  const began = performance.now()
  while (presses.length < count) {
    const dueAt = began + (presses.length * 1000) / perSecond
    await pause(Math.max(0, dueAt - performance.now()))
    const free = cards.filter((card) => !busy.has(card))
    if (free.length === 0) continue
    const card = dice.pick(free)
    const may = !dice.chance(0.1)
    const kind = dice.chance(0.3) ? 'silence' : 'acknowledge'
    const shown = JSON.stringify(card.blocks)
    const button = ['silence', 'acknowledge', 'unacknowledge']
      .map((name) => `flux-relay:${name}`)
      .find((id) => shown.includes(`"${id}"`) && id.includes(kind))
    if (button === undefined) continue
    const user = may ? operator : stranger
    // Slack chooses the connection of an envelope; one that it repeats may come over another.
    const isTwice = dice.chance(0.15)
    const links = api.socket.open()
    const over = isTwice || links.length === 0 ? { times: isTwice ? 2 : 1 } : { link: dice.pick(links) }
    const pressed = api.press(card, button, { user, choice: 'hour', ...over })
    busy.add(card)
    void pressed.isTaken.then(async () => {
      await pause(300)
      busy.delete(card)
    })
    presses.push({ pressed, card, may, button })
    progress?.(presses.length)
  }
  await Promise.all(presses.map(({ pressed }) => pressed.isTaken))
  await pause(500)
  return presses
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
    const links = api.socket.open()
    if (links.length === 0) continue
    const link = dice.pick(links)
    count('connection lost')
    if (dice.chance(0.4)) api.socket.disconnect(dice.chance(0.5) ? 'warning' : 'refresh_requested', link)
    else if (dice.chance(0.5)) link.cut()
    else if (dice.chance(0.7)) link.close(1000, { hangs: dice.chance(0.5) })
    else if (dice.chance(0.3)) link.freeze()
    else api.socket.disconnect('warning', link)
  }
  return counts
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let tries = 0; tries < 3000 && !isTrue(); tries++) await pause(10)
  if (!isTrue()) throw new Error(`not within 30 s: ${isTrue}`)
}
