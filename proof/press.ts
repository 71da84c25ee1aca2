// Presses: people who press buttons in Slack while relays are killed and connections cut, and what has to be true of each press
// in the end.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { type BeginOptions, beginRelay, freePort } from '../test/fixtures/process.ts'
import { about } from '../test/fixtures/relay.ts'
import {
  appToken,
  botToken,
  type Posted,
  type Pressed,
  type SlackApi,
  startSlackApi
} from '../test/fixtures/slack-api.ts'
import { createDice, type Dice } from './dice.ts'

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
  progress?: (done: number) => void
}

export interface Findings {
  faults: string[]
  figures: [name: string, value: string][]
}

interface Press {
  pressed: Pressed
  may: boolean
  button: string
}

/** Presses buttons, and looks at what became of each. */
export async function pressButtons(options: PressOptions): Promise<Findings> {
  const dice = createDice(options.seed)
  const folder = mkdtempSync(join(tmpdir(), 'flux-relay-clicks-'))
  const tiers = { 'chat.postMessage': 100_000 }
  const api = await startSlackApi({
    ...{ perSecond: 1000, burst: 1000, tiers, pingMs: 5000 },
    channels: [{ id: channel, name: 'cards', members: ['U0FLUX'] }]
  })
  writeFileSync(join(folder, 'config.yaml'), config(api.apiUrl))
  const port = await freePort()
  const relay = createRelay(folder, port)
  try {
    await relay.start()
    await until(() => api.socket.open().length > 0)
    const cards = await postCards(api, port, options.cards)
    const quiet = await press(api, cards, dice.for('calm'), options.calm, options)
    const chaos = new AbortController()
    const trouble = makeTrouble(api, relay, dice.for('trouble'), chaos.signal)
    const rough = await press(api, cards, dice.for('rough'), options.troubled, options)
    chaos.abort()
    const { kills, cuts } = await trouble
    await pause(4000)
    await relay.stop()
    return judge(folder, { quiet, rough, kills, cuts })
  } finally {
    await relay.stop()
    await api.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

function createRelay(folder: string, port: number, options: BeginOptions = {}) {
  let child: ReturnType<typeof beginRelay>['relay'] | undefined
  const ended = async (signal: NodeJS.Signals) => {
    const ending = child
    child = undefined
    if (ending === undefined) return
    const exit = new Promise((resolve) => ending.once('exit', resolve))
    ending.kill(signal)
    await exit
  }
  return {
    async start() {
      const { relay, listening } = beginRelay(folder, port, options)
      child = relay
      await listening
    },
    kill: () => ended('SIGKILL'),
    stop: () => ended('SIGTERM')
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
    const times = dice.chance(0.15) ? 2 : 1
    const user = may ? operator : stranger
    const pressed = api.press(card, button, { user, times, choice: 'hour' })
    busy.add(card)
    void pressed.isTaken.then(async () => {
      await pause(300)
      busy.delete(card)
    })
    presses.push({ pressed, may, button })
    progress?.(presses.length)
  }
  await Promise.all(presses.map(({ pressed }) => pressed.isTaken))
  await pause(500)
  return presses
}

/** Kills the relay, and does to its connections whatever Slack and networks do. */
async function makeTrouble(
  api: SlackApi,
  relay: Pick<ReturnType<typeof createRelay>, 'start' | 'kill'>,
  dice: Dice,
  signal: AbortSignal
): Promise<{ kills: number; cuts: number }> {
  let kills = 0
  let cuts = 0
  while (!signal.aborted) {
    await pause(500 + dice.below(4500))
    if (dice.chance(0.5)) {
      kills += 1
      await relay.kill()
      await relay.start()
      continue
    }
    cuts += 1
    const [link] = api.socket.open()
    if (link === undefined) continue
    if (dice.chance(0.4)) api.socket.disconnect(dice.chance(0.5) ? 'warning' : 'refresh_requested', link)
    else if (dice.chance(0.5)) link.cut()
    else if (dice.chance(0.7)) link.close(1000, { hangs: dice.chance(0.5) })
    else if (dice.chance(0.3)) link.freeze()
    else api.socket.disconnect('warning', link)
  }
  return { kills, cuts }
}

function judge(
  folder: string,
  { quiet, rough, kills, cuts }: { quiet: Press[]; rough: Press[]; kills: number; cuts: number }
): Findings {
  const db = new DatabaseSync(join(folder, 'relay.db'), { readOnly: true })
  const acts = db.prepare('select click, did from acts').all() as { click: string; did: string }[]
  const silences = (db.prepare('select count(*) as count from silences').get() as { count: number }).count
  db.close()
  const byClick = Map.groupBy(acts, ({ click }) => click)
  const all = [...quiet, ...rough]
  const effects = ({ pressed }: Press) => byClick.get(pressed.key)?.length ?? 0
  const wasTold = ({ pressed }: Press) => pressed.acks === 0 || /try again|over already/.test(pressed.said.join())
  // A card that a killed relay had no time to put right still shows the button: there was nothing to do.
  const wasSo = ({ pressed, button }: Press) =>
    pressed.acks > 0 && !button.includes('silence') && pressed.said.length === 0
  const mayNot = all.filter(({ may }) => !may)
  const may = all.filter((each) => each.may)
  const asked = (press: Press) => `${press.button} ${press.pressed.key}`
  const faults = [
    ...mayNot.filter((press) => effects(press) > 0).map((press) => `took effect by who may not: ${asked(press)}`),
    ...may.filter((press) => effects(press) > 1).map((press) => `took effect more than once: ${asked(press)}`),
    ...may
      .filter((press) => effects(press) === 0 && !wasTold(press) && !wasSo(press))
      .map((press) => `took no effect, and nobody was told: ${asked(press)}`),
    ...(acts.filter(({ did }) => did === 'silence').length === silences
      ? []
      : ['there are silences that no click made'])
  ]
  const times = (presses: Press[]) =>
    presses
      .flatMap(({ pressed }) => (pressed.replacedAt[0] === undefined ? [] : [pressed.replacedAt[0] - pressed.at]))
      .sort((a, b) => a - b)
  const at = (sorted: number[], share: number) => `${Math.round(sorted[Math.floor(sorted.length * share)] ?? 0)} ms`
  const calmTimes = times(quiet)
  const p99 = calmTimes[Math.floor(calmTimes.length * 0.99)] ?? Number.POSITIVE_INFINITY
  return {
    faults:
      p99 < 1000 || calmTimes.length < 100 ? faults : [...faults, `p99 from click to card is ${Math.round(p99)} ms`],
    figures: [
      ['clicks', `${all.length}, ${mayNot.length} of them by who may not`],
      ['kills, connections lost', `${kills}, ${cuts}`],
      ['took effect once', `${may.filter((press) => effects(press) === 1).length}`],
      ['was so already', `${may.filter((press) => effects(press) === 0 && wasSo(press)).length}`],
      ['was told to try again', `${may.filter((press) => effects(press) === 0 && wasTold(press)).length}`],
      ['click to card, calm', `median ${at(calmTimes, 0.5)}, p99 ${at(calmTimes, 0.99)}, of ${calmTimes.length}`],
      ['click to card, in trouble', `median ${at(times(rough), 0.5)}, p99 ${at(times(rough), 0.99)}`]
    ]
  }
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let tries = 0; tries < 3000 && !isTrue(); tries++) await pause(10)
  if (!isTrue()) throw new Error(`not within 30 s: ${isTrue}`)
}
