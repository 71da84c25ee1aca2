// Claim in SQLite: decides a lane's next step, and writes down what the lane posts and how that ended.
import { setImmediate as pause } from 'node:timers/promises'
import type { Mute } from '../../mutes/mutes.ts'
import type {
  Attempt,
  Gatherings,
  LaneState,
  Message,
  NextPost,
  Pending,
  Plan,
  Settlement,
  Step
} from '../kept-lanes.ts'
import { type GatheringRow, gatheringRows, gatheringsOf, type PendingRow, pendingOf } from '../rows.ts'
import { heldUntilNow, inEffect, type Withholding, withholdings } from '../steps/muted.ts'
import { composable, messageFrom, type Turn, turnOf } from '../steps.ts'
import type { Store } from '../store.ts'
import type { Waiting } from '../waiting.ts'
import { announce } from './announcements.ts'
import { leaveThread, notePosted, readCards } from './cards.ts'
import type { Database, Transaction } from './file.ts'
import { laneState, openMessage, setBucket } from './lanes.ts'
import type { Log } from './log.ts'
import type { Queue } from './queue.ts'
import { readEvents, withhold } from './withhold.ts'

/** Waiting notifications that are read at a time. */
const readRows = 100

export interface Claims extends Pick<Store, 'next' | 'settle'> {
  /** Ids of messages whose answer is awaited, by this process: a crash empties it. */
  posting: ReadonlySet<number>
}

export function createClaims(
  db: Database,
  { queue, waiting, log, transaction }: { queue: Queue; waiting: Waiting; log: Log; transaction: Transaction }
): Claims {
  const posting = new Set<number>()

  /**
   * Decides the lane's next step. Reading, composing and writing hundreds of notifications takes milliseconds each, so others may use
   * this thread in between. The destinations of what a mute withholds are added to `withheld`.
   */
  async function claim(lane: string, plan: Plan, withheld: string[], now: number): Promise<Step> {
    const mutes = inEffect(plan.mutes, now)
    for (;;) {
      const looked = transaction(() => look(lane, { plan, mutes }, withheld, now))
      if (looked === undefined) {
        await pause()
        continue
      }
      const { turn, state, rows, last } = looked
      if (turn.is === 'again') return { ...postOf(turn.message, state), isAgain: true }
      if (turn.is !== 'compose') return turn
      const pending: Pending[] = []
      for (let at = 0; at < rows.length; at += readRows) {
        await pause()
        pending.push(...readPending(db, rows.slice(at, at + readRows)))
      }
      if (buriesLost(rows, pending) || (await withholds(pending, mutes, withheld, now))) continue
      await pause()
      const gatherings = readGatherings(db, lane, plan, pending)
      const holds = plan.hold(pending, gatherings, now)
      if (holds.length > 0) transaction(() => queue.hold(holds, now))
      const due = composable(pending, holds, [], now)
      const [first] = due
      if (first === undefined) continue
      const held = queue.held(lane, first.destination, { ids: due.map(({ id }) => id), last }, now)
      const gathered = held.length === 0 ? [] : readPending(db, held)
      if (buriesLost(held, gathered) || (await withholds(gathered, mutes, withheld, now))) continue
      const all = held.length === 0 ? due : composable(pending, holds, gathered, now)
      const known = plan.hasCards ? readCards(db, lane, all) : all
      // The held notifications may have other causes.
      const next = plan.next(state, known, held.length === 0 ? gatherings : readGatherings(db, lane, plan, all), now)
      if ('until' in next) return { is: 'wait', until: next.until }
      await pause()
      const message = transaction(() => {
        if (!waitsStill(db, lane, next.ids)) return undefined
        setBucket(db, lane, next.bucket)
        return writeMessage(db, lane, all, next, now)
      })
      if (message !== undefined) return postOf(message, state)
    }
  }

  /** Makes dead letters of those `rows` that have lost their texts, as after damage; returns whether there were any. */
  function buriesLost(rows: readonly PendingRow[], pending: readonly Pending[]): boolean {
    if (pending.length === rows.length) return false
    const known = new Set(pending.map(({ id }) => Number(id)))
    transaction(() => {
      for (const { id } of rows) if (!known.has(id)) queue.bury(id, lostReason)
    })
    return true
  }

  /** Withholds what was held until now and matches one of `mutes`, which are in effect; returns whether there was any. */
  async function withholds(
    pending: readonly Pending[],
    mutes: readonly Mute[],
    withheld: string[],
    now: number
  ): Promise<boolean> {
    const held = mutes.length === 0 ? [] : heldUntilNow(pending)
    const muted: Withholding[] = []
    for (let at = 0; at < held.length; at += readRows) {
      await pause()
      const some = held.slice(at, at + readRows)
      muted.push(...withholdings(some, readEvents(db, some), mutes, now))
    }
    if (muted.length === 0) return false
    withheld.push(...transaction(() => withhold(db, waiting, muted, now)))
    return true
  }

  /** What the lane does, and what to compose from; undefined if some of that was too old or is muted now: then look again. */
  function look(
    lane: string,
    { plan, mutes }: { plan: Plan; mutes: readonly Mute[] },
    withheld: string[],
    now: number
  ): { turn: Turn; state: LaneState; rows: PendingRow[]; last: number } | undefined {
    const open = openMessage(db, lane)
    const state = laneState(db, lane, now)
    const due =
      open === undefined ? queue.oldest(lane, { since: plan.oldest, mutes }, withheld, now) : { rows: [], last: 0 }
    if (due === undefined) return undefined
    const { rows, last } = due
    const isDue = rows.length > 0
    const heldUntil = open === undefined && !isDue ? firstHeld(db, lane) : null
    const turn = turnOf({ state, open, isDue, heldUntil }, plan, now)
    if (turn.is === 'again') setBucket(db, lane, turn.bucket)
    return { turn, state, rows, last }
  }

  /** The step that posts `message`, noted in `posting` at once, because a move of the lane may come next and has to know. */
  function postOf(message: Message, { block }: LaneState): Extract<Step, { is: 'post' }> {
    posting.add(Number(message.id))
    return { is: 'post', message, block }
  }

  return {
    posting,

    async next(lane, plan, now) {
      const withheld: string[] = []
      const step = await claim(lane, plan, withheld, now)
      if (step.is === 'post') await log.flushed()
      return withheld.length === 0 ? step : { ...step, withheld }
    },

    async settle(message, attempt, settlement, news) {
      const isNews = transaction(() => {
        writeOutcome(db, { queue, waiting }, message, attempt, settlement)
        return news && announce(db, queue, news)
      })
      posting.delete(Number(message.id))
      await log.flushed()
      // Looking at the lane again costs less than finding out whether that is needed.
      return { isLast: false, isNews }
    }
  }
}

/** When the first held notification of a lane is due; null if none is held. */
function firstHeld(db: Database, lane: string): number | null {
  const held = `select min(held_until) as until from notifications
    where lane = ? and held_until > 0 and state = 'pending' and message_id is null`
  return db.get<{ until: number | null }>(held, lane)?.until ?? null
}

/** Reads the gatherings of the causes of `pending`. */
function readGatherings(db: Database, lane: string, plan: Plan, pending: readonly Pending[]): Gatherings {
  const causes = new Set(pending.flatMap(({ view }) => plan.causesOf(view)))
  return gatheringsOf(
    db.all<GatheringRow>(
      'select * from gatherings where lane = ? and cause in (select value from json_each(?))',
      ...[lane, JSON.stringify([...causes])]
    )
  )
}

/** Writes the gatherings of a sent message. */
function writeGatherings(db: Database, { id, lane }: Message, sentAt: number): void {
  const gathered = db.get<{ gathered: string }>('select gathered from messages where id = ?', Number(id))?.gathered
  for (const { cause, posted_at, step, gap_ms, pinged } of gatheringRows(gathered ?? '[]', sentAt)) {
    db.run(
      `insert into gatherings values (?, ?, ?, ?, ?, ?) on conflict (lane, cause) do update
       set posted_at = excluded.posted_at, step = excluded.step, gap_ms = excluded.gap_ms, pinged = excluded.pinged`,
      ...[lane, cause, posted_at, step, gap_ms, pinged]
    )
  }
}

/** The reason of a dead letter that has lost its text. */
const lostReason = 'its text is missing in the database: see what `flux-relay verify` says of it'

/** Reads `rows` with their texts, in the same order, without those whose texts are missing. */
function readPending(db: Database, rows: readonly PendingRow[]): Pending[] {
  const views = db.all<{ id: number; view: string }>(
    'select id, view from views where id in (select value from json_each(?))',
    JSON.stringify(rows.map(({ id }) => id))
  )
  const byId = new Map(views.map(({ id, view }) => [id, view]))
  return rows.flatMap((row) => {
    const view = byId.get(row.id)
    return view === undefined ? [] : [pendingOf(row, view)]
  })
}

/** Reports whether a message in `lane` may carry them: since they were read, a new config file may have moved or buried them. */
function waitsStill(db: Database, lane: string, ids: readonly string[]): boolean {
  if (openMessage(db, lane) !== undefined) return false
  const found = db.get(
    `select count(*) as n from notifications where id in (select value from json_each(?))
       and +lane = ? and state = 'pending' and message_id is null`,
    ...[JSON.stringify(ids.map(Number)), lane]
  )
  return found?.n === ids.length
}

/** Writes down the message and which notifications it carries. */
function writeMessage(
  db: Database,
  lane: string,
  pending: readonly Pending[],
  next: Exclude<NextPost, { until: number }>,
  now: number
): Message {
  const { message, ids, gathered } = messageFrom(lane, pending, next)
  const id = db.run(
    `insert into messages values (null, ?, ?, 'open', ?, 0, 0, ?, ?, ?, null, ?, ?, ?)`,
    ...[lane, message.destination, JSON.stringify(message.payload), message.newestAt, ids.length, now, gathered],
    ...[message.thread === undefined ? null : Number(message.thread.id), message.thread?.isBroadcast ? 1 : 0]
  )
  db.run(
    'update notifications set message_id = ? where id in (select value from json_each(?))',
    ...[id, JSON.stringify(ids)]
  )
  return { id: String(id), ...message }
}

function writeOutcome(
  db: Database,
  { queue, waiting }: { queue: Queue; waiting: Waiting },
  message: Message,
  { at, answer }: Attempt,
  { message: end, lane }: Settlement
): void {
  const id = Number(message.id)
  db.run('insert into attempts values (?, ?, ?)', id, at, answer)
  if (end.state === 'open') {
    db.run('update messages set failures = ?, is_plain = ? where id = ?', end.failures, end.isPlain ? 1 : 0, id)
    if (end.thread !== undefined) leaveThread(db, message, end.thread, at)
  } else {
    db.run('update messages set state = ?, settled_at = ? where id = ?', end.state, at, id)
  }
  if (end.state === 'sent') {
    const sent = `update notifications set state = 'sent' where message_id = ? and state = 'pending'`
    waiting.add(message.destination, -db.changes(sent, id))
    // If their destination was removed while the answer was on its way, they became dead letters, but they arrived all the same.
    db.run(`update notifications set state = 'sent', reason = null where message_id = ? and state = 'dead'`, id)
    writeGatherings(db, message, at)
    if (end.thread !== undefined) leaveThread(db, message, end.thread, at)
    if (end.posted !== undefined) notePosted(db, message, end.posted, at)
  }
  if (end.state === 'dead') {
    const members = db.all<{ id: number }>('select id from notifications where message_id = ?', id)
    for (const member of members) queue.bury(member.id, end.reason)
  }
  db.run(
    'update lanes set not_before = ?, set_at = ?, block_reason = ?, block_since = ?, probes = ? where key = ?',
    ...[lane.notBefore, at, lane.block?.reason ?? null, lane.block?.since ?? null, lane.block?.probes ?? 0],
    message.lane
  )
  if (lane.bucket !== undefined) setBucket(db, message.lane, lane.bucket)
}
