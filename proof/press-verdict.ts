// Verdict on presses: holds what became of each against what the database has of it, without any of the relay's code.
import { DatabaseSync } from 'node:sqlite'
import { execute } from '../test/fixtures/postgres.ts'
import type { Posted, Pressed } from '../test/fixtures/slack-api.ts'

export interface Findings {
  faults: string[]
  figures: [name: string, value: string][]
}

export interface Press {
  pressed: Pressed
  card: Posted
  may: boolean
  /** The `action_id`. */
  button: string
}

/** What was pressed while nothing was wrong, and while relays were killed and connections lost. */
export interface Presses {
  cards: readonly Posted[]
  calm: readonly Press[]
  rough: readonly Press[]
  /** While nothing was wrong, how long a relay took for a request that does nothing, in ms: how busy the machine and its disk were. */
  probes: readonly number[]
  /** What was done to relays, connections and the database, each with how often. */
  troubles: ReadonlyMap<string, number>
}

/** An act as the database has it. */
interface ActRow {
  click: string | null
  did: string
  at: number
}

/** At most, from a click to its card, of 99 in 100 while nothing is wrong. */
const maxP99Ms = 1000
/** Fewer say nothing of one in a hundred. */
const leastTimes = 100
/** On a machine that is busy with other things, so many requests that do nothing may take as long. */
const maxProbes = 10
/** The clock of the database and that of the presses. */
const apartMs = 100

/** Rows of `database`, a URL of either store. */
async function rowsOf(database: string, sql: string): Promise<Record<string, unknown>[]> {
  if (!database.startsWith('sqlite:')) return execute(database, sql)
  const db = new DatabaseSync(database.slice('sqlite:'.length), { readOnly: true })
  try {
    return db.prepare(sql).all()
  } finally {
    db.close()
  }
}

async function actsOf(database: string): Promise<ActRow[]> {
  const rows = await rowsOf(database, 'select click, did, at from acts order by id')
  return rows.map(({ click, did, at }) => ({ click: click as string | null, did: String(did), at: Number(at) }))
}

/** Those cards that do not show whether they are acknowledged, by the last act about them. */
export async function untrueCards(database: string, cards: readonly Posted[]): Promise<Posted[]> {
  const acts = await actsOf(database)
  return cards.filter((card) => {
    const last = acts.findLast((act) => isMark(act) && isAbout(act, card))
    return JSON.stringify(card.blocks).includes('"flux-relay:unacknowledge"') !== (last?.did === 'acknowledge')
  })
}

function isMark({ did }: ActRow): boolean {
  return did === 'acknowledge' || did === 'unacknowledge'
}

function isAbout({ click }: ActRow, { ts }: Posted): boolean {
  return click?.split(' ')[1] === ts
}

/** What is wrong, and how much of everything there was. */
export async function judgePresses(
  database: string,
  { cards, calm, rough, probes, troubles }: Presses
): Promise<Findings> {
  const acts = await actsOf(database)
  const silences = (await rowsOf(database, 'select id from silences')).length
  const untrue = await untrueCards(database, cards)
  const byClick = Map.groupBy(acts, ({ click }) => click)
  const all = [...calm, ...rough]
  const keys = new Set(all.map(({ pressed }) => pressed.key))
  const effects = ({ pressed }: Press) => byClick.get(pressed.key)?.length ?? 0
  const mayNot = all.filter(({ may }) => !may)
  const may = all.filter((each) => each.may)
  const once = may.filter((press) => effects(press) === 1)
  const without = Map.groupBy(
    may.filter((press) => effects(press) === 0),
    (press) => (wasTold(press) ? 'told' : wasSo(press, acts) ? 'so' : 'lost')
  )
  const count = (what: 'told' | 'so' | 'lost') => without.get(what)?.length ?? 0
  const named = (press: Press) => `${press.button} ${press.pressed.key}`
  const times = timesOf(calm)
  const p99 = at(times, 0.99)
  const idle = probes.toSorted((a, b) => a - b)
  const isSlow = p99 > Math.max(maxP99Ms, maxProbes * at(idle, 0.99)) && times.length >= leastTimes
  const answers = timesOf(calm, ({ ackedAt }) => ackedAt)
  return {
    faults: [
      ...mayNot.filter((press) => effects(press) > 0).map((press) => `took effect by who may not: ${named(press)}`),
      ...may.filter((press) => effects(press) > 1).map((press) => `took effect more than once: ${named(press)}`),
      ...(without.get('lost') ?? []).map((press) => `took no effect, and nobody was told: ${named(press)}`),
      ...acts.filter(({ click }) => !keys.has(click ?? '')).map(({ did }) => `nobody asked for this act: ${did}`),
      ...(acts.filter(({ did }) => did === 'silence').length === silences ? [] : ['silences and acts are not as many']),
      ...untrue.map(({ ts, text }) => `a card shows in the end what is not so: ${ts} ${text}`),
      // A run in which nothing happens proves nothing.
      ...(once.length === 0 ? ['no click took effect'] : []),
      ...(isSlow ? [`p99 from click to card is ${Math.round(p99)} ms`] : [])
    ],
    figures: [
      ['clicks', `${all.length}, ${mayNot.length} of them by who may not`],
      ['trouble', [...troubles].map(([what, times]) => `${times} × ${what}`).join(', ') || 'none'],
      ['took effect once', `${once.length}`],
      ['was so already', `${count('so')}`],
      ['was told to try again', `${count('told')}`],
      ['a request that does nothing, calm', sayTimes(idle)],
      ['click to its acknowledgement, calm', sayTimes(answers)],
      ['click to card, calm', sayTimes(times)],
      ['click to card, in trouble', sayTimes(timesOf(rough))]
    ]
  }
}

/** Slack showed an error, or the relay said why not. */
function wasTold({ pressed }: Press): boolean {
  return pressed.acks === 0 || /try again|over already/.test(pressed.said.join())
}

/** A card that a killed relay had no time to put right still shows the button, and at some time while it was pressed that was so. */
function wasSo({ pressed, card, button }: Press, acts: readonly ActRow[]): boolean {
  const asked = button.replace('flux-relay:', '')
  const [began, ended] = [pressed.at, pressed.ackedAt ?? pressed.at].map((at) => performance.timeOrigin + at)
  const about = acts.filter((act) => isMark(act) && isAbout(act, card))
  const before = about.findLast(({ at }) => at <= (began ?? 0) - apartMs)
  const during = about.filter(({ at }) => at > (began ?? 0) - apartMs && at <= (ended ?? 0) + apartMs)
  return [before?.did ?? 'unacknowledge', ...during.map(({ did }) => did)].includes(asked)
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
