// Card claims in PostgreSQL: find the card that has been out of date for longest, hand it to one replica at a time, and write down what
// it shows.
import { type CardRow, cardOf, type EntryRow, entriesSql, isClaimed, shownSql } from '../cards.ts'
import {
  type Card,
  type CardEnd,
  type CardPlan,
  type CardStep,
  cardClaimMs,
  cardFirstAt,
  cardGapMs,
  cardHorizonMs,
  keptVersions
} from '../kept-cards.ts'
import { type LaneRow, laneStateOf } from '../rows.ts'
import type { Store } from '../store.ts'
import { remove, touch } from './cards.ts'
import { type Connections, clockSql, type Sql } from './connections.ts'
import type { Presence } from './presence.ts'
import { insertNotifications } from './queue.ts'
import { readRollout } from './rollouts.ts'

// A card that is being changed is left for the next time.
const dueSql = `
  select * from cards where due_at is not null and (due_at <= $1 or due_at > $1::bigint + ${cardHorizonMs})
    and (claimed_until <= $1 or claimed_until > $1::bigint + ${cardHorizonMs}) 
    and starts_with(lane, $2) and lane <> all($3) and channel <> all($4)
  order by due_at limit 1 for update skip locked`

const claimSql = `
  with spent as (
    update lanes set tokens = $1, tokens_at = $2 where key = $3
  )
  update cards set claim = claim + 1, claimed_until = $4 where id = $5`

const versionSql = `
  with shown as (
    insert into card_versions (card_id, at, payload) values ($1, $2, $3)
  )
  delete from card_versions where card_id = $1 and id <= (
    select id from card_versions where card_id = $1 order by id desc limit 1 offset ${keptVersions - 1})`

interface Host {
  connections: Connections
  presence: Presence
  isCallersClock: boolean
  added(entries: readonly { destination: string; lane: string }[]): void
}

export function createCards({
  connections,
  presence,
  isCallersClock,
  added
}: Host): Pick<Store, 'nextCard' | 'settleCard' | 'touchCards' | 'cardAt' | 'claimCard' | 'restCards'> {
  return {
    async nextCard(plan, now) {
      const signal = presence.lease()
      const step = await connections.transaction((sql) => next(sql, plan, isCallersClock ? now : undefined))
      if (step.is === 'wait') return step
      presence.lease()
      return { ...step, signal }
    },

    async settleCard(card, end, now) {
      if (!(await connections.transaction((sql) => settle(sql, { card, end }, now)))) return
      if (end.is === 'lost') added(end.notifications)
    },

    async touchCards(objects, now) {
      await connections.transaction((sql) => touch(sql, objects, now))
    },

    async cardAt({ channel, ts }) {
      const { rows } = await connections.query<CardRow>(atSql, [channel, ts])
      const [row] = rows
      return row && read(connections.query, row)
    },

    claimCard: ({ channel, ts }, now) =>
      connections.transaction(async (sql) => {
        const { rows } = await sql<CardRow & { claimed_until: number }>(`${atSql} for update skip locked`, [
          channel,
          ts
        ])
        const [row] = rows
        if (row === undefined) {
          // The card does not exist, or it is locked.
          const { rowCount } = await sql('select 1 from cards where channel = $1 and ts = $2', [channel, ts])
          return rowCount === 0 ? undefined : 'claimed'
        }
        if (isClaimed(row, now)) return 'claimed'
        const values = [now + cardClaimMs, row.id]
        await sql('update cards set claim = claim + 1, claimed_until = $1 where id = $2', values)
        return read(sql, row)
      }),

    async restCards(budget, until, now) {
      await connections.query('update lanes set not_before = $1, set_at = $2 where key = $3', [until, now, budget])
    }
  }
}

async function next(
  sql: Sql,
  { lanes, except, resting, budget, token }: CardPlan,
  asked: number | undefined
): Promise<CardStep> {
  await sql('insert into lanes (key) values ($1) on conflict (key) do nothing', [budget])
  const { rows: budgets } = await sql<LaneRow>('select * from lanes where key = $1 for update skip locked', [budget])
  if (budgets.length === 0) return { is: 'wait' }
  const { rows: clock } = await sql<{ now: number }>(`select ${clockSql} as now`)
  const now = asked ?? clock[0]?.now ?? 0
  const state = laneStateOf(budgets[0], now)
  const taken = token(state, now)
  if (state.notBefore > now || 'until' in taken) return { is: 'wait' }
  const { rows } = await sql<CardRow>(dueSql, [now, lanes, except, resting])
  const [row] = rows
  if (row === undefined) return { is: 'wait' }
  await sql(claimSql, [...[taken.bucket.tokens, taken.bucket.at, budget, now + cardClaimMs, row.id]])
  return { is: 'update', card: await read(sql, row) }
}

const atSql = 'select * from cards where channel = $1 and ts = $2'

// Runs its statements after the lock, so that they see what was committed together with making the card due.
async function read(sql: Sql, row: CardRow): Promise<Card> {
  const { rows: entries } = await sql<EntryRow>(entriesSql('$1'), [row.id])
  const { rows: shown } = await sql<{ payload: string }>(shownSql('$1'), [row.id])
  const rollout = row.rollout_id === null ? undefined : await readRollout(sql, row.rollout_id)
  return cardOf(row, entries, shown[0]?.payload, rollout)
}

/** Writes down how an update ended, and returns true, if the card was still claimed by this replica. */
async function settle(sql: Sql, { card, end }: { card: Card; end: CardEnd }, now: number): Promise<boolean> {
  const { rowCount } = await sql('select id from cards where id = $1 and claim = $2 for update', [card.id, card.claim])
  if (rowCount === 0) return false
  if (end.is === 'lost') {
    await remove(sql, card.id)
    await insertNotifications(
      sql,
      end.notifications.map((entry) => ({
        event: entry.event === undefined ? null : Number(entry.event),
        at: now,
        entry
      }))
    )
  } else if (end.is === 'again') {
    await sql('update cards set due_at = $1, claimed_until = 0 where id = $2', [end.at, card.id])
  } else {
    if (end.payload !== undefined) await sql(versionSql, [card.id, now, JSON.stringify(end.payload)])
    await sql(
      `update cards set due_at = case when version = $1 then $4::bigint when due_at = ${cardFirstAt} then due_at
           else $2::bigint + ${cardGapMs} end, updated_at = $2,
         claimed_until = 0, shown_claim = claim where id = $3`,
      [card.version, now, card.id, end.until ?? null]
    )
  }
  return true
}
