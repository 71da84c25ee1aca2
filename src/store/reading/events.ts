// Event reading: finds a page of events, or one event with everything that it led to, on any store.
import type { ObjectRef } from '../../events/flux.ts'
import type { Transition } from '../../objects.ts'
import type { Payload } from '../../render/slack/payload.ts'
import type { Trace } from '../kept.ts'
import type { Attempt } from '../kept-lanes.ts'
import type { EventDetail, EventRecord, Listed, Records } from '../records.ts'
import { findEvents, placeOf } from './find-events.ts'
import { reasonOf } from './notifications.ts'
import { stateOf } from './states.ts'
import { type Ask, among, idOf, inOrder, type Row } from './walk.ts'

/** Bytes of bodies on one page, which ends early beyond: bodies may have megabytes. */
const maxBytes = 16 * 1024 * 1024
/** Notifications of one page of events: more than sensible rules make of it. */
const maxNotifications = 20_000
/** The most notifications, and the most attempts, that are shown of one event. */
const maxDetails = 1000
/** Events that are shown of one message: a digest may report hundreds. */
const maxReported = 100

const columns = `id, received_at, source, cluster, kind, namespace, name, severity, reason, transition,
  octet_length(body) as size`

/** Creates the reading of events; `keyOf` makes the store's key of an object. */
export function readEvents(
  ask: Ask,
  keyOf: (object: ObjectRef) => string
): Pick<Records, 'events' | 'event' | 'reportedBy'> {
  return {
    async events(filter, page, { withBody = false } = {}): Promise<Listed<EventRecord>> {
      const { ids, next } = await findEvents(ask, keyOf, filter, page)
      const rows = inOrder(ids, await ask(`select ${columns} from events where id in ${among(ids)}`, []))
      const kept = withinBytes(rows)
      const bodies = await bodiesOf(ask, kept)
      const notifications = await notificationsOf(ask, kept)
      const items = kept.map((row) => {
        const id = Number(row['id'])
        const body = bodies.get(id) ?? ''
        return { ...recordOf(row, body), notifications: notifications.get(id) ?? [], ...(withBody && { body }) }
      })
      if (kept.length === rows.length) return { items, next }
      return { items, next: await placeOf(ask, Number(kept.at(-1)?.['id']), filter, page) }
    },

    async event(text): Promise<EventDetail | undefined> {
      const id = idOf(text, 'id')
      const [row] = await ask(`select ${columns}, body, trace from events where id = ${id}`, [])
      if (row === undefined) return undefined
      const body = String(row['body'])
      const trace = JSON.parse(String(row['trace'])) as Trace
      return { ...recordOf(row, body), body, trace, notifications: await detailsOf(ask, id) }
    },

    async reportedBy(message) {
      const rows = await ask(
        `select distinct e.id, e.source, e.cluster, e.kind, e.namespace, e.name
         from notifications n join events e on e.id = n.event_id
         where n.message_id = ${idOf(message, 'message')} order by e.id limit ${maxReported}`,
        []
      )
      return rows.map((row) => {
        const text = (column: string) => String(row[column])
        const object = {
          cluster: text('cluster'),
          kind: text('kind'),
          namespace: text('namespace'),
          name: text('name')
        }
        return { id: text('id'), source: text('source'), object }
      })
    }
  }
}

function recordOf(row: Row, body: string): Omit<EventRecord, 'notifications' | 'body'> {
  const text = (column: string) => String(row[column])
  return {
    id: text('id'),
    receivedAt: Number(row['received_at']),
    source: text('source'),
    object: { cluster: text('cluster'), kind: text('kind'), namespace: text('namespace'), name: text('name') },
    severity: text('severity'),
    reason: text('reason'),
    transition: text('transition') as Transition,
    message: messageOf(body)
  }
}

function messageOf(body: string): string {
  try {
    const { message } = JSON.parse(body) as { message?: unknown }
    return typeof message === 'string' ? message : ''
  } catch {
    // The body was read once, or it would not be here: the store may have replaced what it cannot hold.
    return ''
  }
}

/** The first of `rows` that fit on a page together, at least one. */
function withinBytes(rows: readonly Row[]): Row[] {
  let bytes = 0
  const over = rows.findIndex((row) => {
    bytes += Number(row['size'])
    return bytes > maxBytes
  })
  return over === -1 ? [...rows] : rows.slice(0, Math.max(1, over))
}

async function bodiesOf(ask: Ask, rows: readonly Row[]): Promise<Map<number, string>> {
  const found = await ask(`select id, body from events where id in ${among(rows.map(({ id }) => id ?? null))}`, [])
  return new Map(found.map(({ id, body }) => [Number(id), String(body)]))
}

async function notificationsOf(ask: Ask, events: readonly Row[]) {
  const found = await ask(
    `select id, event_id, rule, destination, state, reason from notifications
     where event_id in ${among(events.map(({ id }) => id ?? null))} order by id limit ${maxNotifications}`,
    []
  )
  const byEvent = Map.groupBy(found, (row) => Number(row['event_id']))
  return new Map([...byEvent].map(([event, rows]) => [event, rows.map(notificationRecord)]))
}

function notificationRecord(row: Row): EventRecord['notifications'][number] {
  return {
    id: String(row['id']),
    rule: String(row['rule']),
    destination: String(row['destination']),
    state: stateOf(row)
  }
}

async function detailsOf(ask: Ask, event: number): Promise<EventDetail['notifications']> {
  const rows = await ask(
    `select id, rule, destination, state, reason, message_id, held_until, held_at, holds, mute, muted_until
     from notifications
     where event_id = ${event} order by id limit ${maxDetails}`,
    []
  )
  const carried = among(rows.map((row) => row['message_id'] ?? null))
  const messages = await ask(`select id, state, failures, payload from messages where id in ${carried}`, [])
  const attempts = await ask(
    `select message_id, at, answer from attempts where message_id in ${carried} order by at desc limit ${maxDetails}`,
    []
  )
  const byMessage = Map.groupBy(attempts.reverse(), (row) => Number(row['message_id']))
  const posts = new Map(
    messages.map((row) => [
      Number(row['id']),
      {
        id: String(row['id']),
        state: String(row['state']),
        failures: Number(row['failures']),
        payload: JSON.parse(String(row['payload'])) as Payload,
        attempts: (byMessage.get(Number(row['id'])) ?? []).map(
          ({ at, answer }): Attempt => ({ at: Number(at), answer: String(answer) })
        )
      }
    ])
  )
  return rows.map((row) => ({
    ...notificationRecord(row),
    reason: reasonOf(row),
    message: posts.get(Number(row['message_id'])) ?? null
  }))
}
