// Card claims in SQLite: find the card that has been out of date for longest, hand it out, and write down what it shows.
import { type CardRow, cardOf, type EntryRow, entriesSql, isClaimed, shownSql } from '../cards.ts'
import {
  type Card,
  type CardPlan,
  type CardStep,
  cardClaimMs,
  cardFirstAt,
  cardGapMs,
  cardHorizonMs
} from '../kept-cards.ts'
import type { Posted } from '../kept-lanes.ts'
import type { Store } from '../store.ts'
import { addVersion, removeParts, touch } from './cards.ts'
import type { Database, Transaction, Write } from './file.ts'
import { laneState, setBucket } from './lanes.ts'
import type { Queue } from './queue.ts'
import { readRollout } from './rollouts.ts'

export function createCards(
  db: Database,
  { queue, transaction, write }: { queue: Queue; transaction: Transaction; write: Write }
): Pick<Store, 'nextCard' | 'settleCard' | 'touchCards' | 'cardAt' | 'claimCard' | 'restCards'> {
  function next({ lanes, except, resting, budget, token }: CardPlan, now: number): CardStep {
    const row = db.get<CardRow>(
      `select * from cards where due_at is not null and (due_at <= ?1 or due_at > ?1 + ${cardHorizonMs})
         and (claimed_until <= ?1 or claimed_until > ?1 + ${cardHorizonMs})
         and substr(lane, 1, length(?2)) = ?2 and lane not in (select value from json_each(?3))
         and channel not in (select value from json_each(?4)) order by due_at limit 1`,
      ...[now, lanes, JSON.stringify(except), JSON.stringify(resting)]
    )
    if (row === undefined) return { is: 'wait' }
    const state = laneState(db, budget, now)
    const taken = token(state, now)
    if (state.notBefore > now || 'until' in taken) return { is: 'wait' }
    setBucket(db, budget, taken.bucket)
    return { is: 'update', card: claim(row, now) }
  }

  function claim(row: CardRow, now: number): Card {
    db.run('update cards set claim = claim + 1, claimed_until = ? where id = ?', now + cardClaimMs, row.id)
    return read(row)
  }

  /** Reads a card; `row` is as it was before the claim. */
  function read(row: CardRow): Card {
    const entries = db.all<EntryRow>(entriesSql('?'), row.id)
    const shown = db.get<{ payload: string }>(shownSql('?'), row.id)
    const rollout = row.rollout_id === null ? undefined : readRollout(db, row.rollout_id)
    return cardOf(row, entries, shown?.payload, rollout)
  }

  function rowAt({ channel, ts }: Posted): (CardRow & { claimed_until: number }) | undefined {
    return db.get('select * from cards where channel = ? and ts = ?', channel, ts)
  }

  return {
    nextCard: async (plan, now) => transaction(() => next(plan, now)),

    settleCard: (card, end, now) =>
      write(() => {
        const id = Number(card.id)
        if (db.get('select 1 from cards where id = ? and claim = ?', id, card.claim) === undefined) return
        if (end.is === 'lost') {
          db.run('delete from cards where id = ?', id)
          removeParts(db, id)
          for (const entry of end.notifications)
            queue.insert(entry.event === undefined ? null : Number(entry.event), entry, now)
        } else if (end.is === 'again') {
          db.run('update cards set due_at = ?, claimed_until = 0 where id = ?', end.at, id)
        } else {
          if (end.payload !== undefined) addVersion(db, id, JSON.stringify(end.payload), now)
          db.run(
            `update cards set due_at = case when version = ?1 then ?4 when due_at = ${cardFirstAt} then due_at else ?2 + ${cardGapMs} end,
               updated_at = ?2,
               claimed_until = 0, shown_claim = claim where id = ?3`,
            ...[card.version, now, id, end.until ?? null]
          )
        }
      }),

    touchCards: (objects, now) => write(() => touch(db, objects, now)),
    async cardAt(place) {
      const row = rowAt(place)
      return row && read(row)
    },

    async claimCard(place, now) {
      return transaction(() => {
        const row = rowAt(place)
        if (row === undefined) return undefined
        return isClaimed(row, now) ? 'claimed' : claim(row, now)
      })
    },

    async restCards(budget, until, now) {
      transaction(() => {
        db.run('update lanes set not_before = ?, set_at = ? where key = ?', until, now, budget)
      })
    }
  }
}
