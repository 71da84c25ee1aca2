// Notification reading: finds pages of notifications, and the newest messages, on any store.

import type { ObjectRef } from '../../events/flux.ts'
import { withheldBy } from '../../mutes/mutes.ts'
import { saidIn } from '../../render/compose/said.ts'
import type { Payload } from '../../render/slack/payload.ts'
import type { NotificationFilter, NotificationRecord, Page, Records } from '../records.ts'
import type { Store } from '../store.ts'
import { readView } from '../texts.ts'
import { goAlong, inAnyCase, leadOf, searched } from './find-events.ts'
import { besideState, keptState, stateOf } from './states.ts'
import { type Ask, among, Conditions, firstSince, inOrder, type Row, type Walked, walk } from './walk.ts'

export function readNotifications(ask: Ask): Pick<Records, 'notifications'> {
  return {
    async notifications(filter, page) {
      const { ids, next } = await findNotifications(ask, filter, page)
      const rows = await ask(
        `select n.id, n.event_id, n.rule, n.destination, n.lane, n.state, n.reason, n.says, n.created_at, n.message_id,
           n.held_until, n.held_at, n.holds, n.mute, n.muted_until, v.view
         from notifications n join views v on v.id = n.id where n.id in ${among(ids)}`,
        []
      )
      return { items: inOrder(ids, rows).map(recordOf), next }
    }
  }
}

/** Implements Store.messages. */
export function readMessages(ask: Ask): Store['messages'] {
  return async (destination, limit) => {
    const rows = await ask(
      `select id, coalesce(settled_at, created_at) as at, state, payload from messages
       where destination = $1 order by id desc limit $2`,
      [destination, limit]
    )
    return rows.map((row) => ({
      id: String(row['id']),
      at: Number(row['at']),
      state: String(row['state']),
      payload: JSON.parse(String(row['payload'])) as Payload
    }))
  }
}

/** Finds the ids of the notifications on a page. */
export function findNotifications(ask: Ask, asked: NotificationFilter, page: Page): Promise<Walked> {
  return inAnyCase(asked, (filter) => findAs(ask, filter, page))
}

async function findAs(ask: Ask, filter: NotificationFilter, page: Page): Promise<Walked> {
  const { state, rule, destination, lane, since, cluster, kind, namespace, name, search, reason } = filter
  const object: Partial<Record<keyof ObjectRef, string | undefined>> = { cluster, kind, namespace, name }
  const own = new Set(['rule', 'destination', 'state'])
  const isAboutObject =
    Object.values(object).some((value) => value !== undefined) ||
    (search !== undefined && (search.words.length > 0 || Object.keys(search.fields).some((field) => !own.has(field))))
  const conditions = new Conditions()
  const lead = leadOf(filter)
  goAlong(conditions, lead)
  const asRow = { state: state && keptState(state), rule, destination, lane, reason }
  const left = Object.entries(asRow).filter(([column]) => !(column in lead))
  conditions.rest.push(...conditions.equal('w', Object.fromEntries(left)), ...conditions.equal('e', object))
  conditions.rest.push(...besideState('w', state))
  conditions.rest.push(...searched(conditions, search, (field) => (own.has(field) ? 'w' : 'e'), 'e.body'))
  if (since !== undefined) {
    const first = await firstSince(ask, 'notifications', since)
    if (first === undefined) return { ids: [], next: null }
    conditions.lead.push(`id >= ${first}`)
    conditions.rest.push(`w.created_at >= ${conditions.put(since)}`)
  }
  const columns = ['event_id', 'rule', 'destination', 'lane', 'state', 'reason', 'created_at']
  const beside = isAboutObject && { beside: 'events e where e.id = w.event_id' }
  return walk(ask, { table: 'notifications', columns, conditions, ...beside }, page)
}

/** Why a notification is dead or muted, or that it waits to see whether its failure lasts; null if there is nothing to say. */
export function reasonOf(row: Row): string | null {
  if (row['reason'] !== null) return String(row['reason'])
  if (row['state'] === 'muted' && row['mute'] !== null) {
    const isOver = row['muted_until'] === null
    return `${withheldBy}${String(row['mute'])}${isOver ? ', summed up at its end' : ''}`
  }
  const isHeld = row['state'] === 'pending' && row['message_id'] === null && Number(row['holds']) === 0
  if (!isHeld || row['held_at'] === null) return null
  return `held until ${new Date(Number(row['held_until'])).toISOString()}, to see whether it lasts`
}

function recordOf(row: Row): NotificationRecord {
  const view = readView(String(row['view']))
  return {
    id: String(row['id']),
    event: row['event_id'] === null ? null : String(row['event_id']),
    rule: String(row['rule']),
    destination: String(row['destination']),
    lane: String(row['lane']),
    state: stateOf(row),
    reason: reasonOf(row),
    says: view.says,
    object: view.object,
    summary: saidIn(view).summary,
    createdAt: Number(row['created_at'])
  }
}
