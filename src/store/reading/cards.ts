// Card reading: finds cards, and the open incidents that they name, on any store.
import type { Transition } from '../../objects.ts'
import type { Payload } from '../../render/slack/payload.ts'
import type { CardIncident, CardRecord, Records } from '../records.ts'
import { type Ask, idOf, type Row } from './walk.ts'

/** Beyond this number, mutes are not looked for: something else is at fault if so much fails at once. */
const maxIncidents = 5000

/** The most cards of one event, which has one for each destination. */
const maxCards = 20
/** The most replies to one card: more than anybody reads. */
const maxReplies = 100

export function readCards(ask: Ask): Pick<Records, 'incidentsOnCards' | 'cardsOf' | 'card'> {
  return {
    async cardsOf(event) {
      const carried = `select message_id from notifications where event_id = ${idOf(event, 'id')} and message_id is not null`
      const rows = await ask(
        `select id from cards where message_id in (${carried})
         union select card_id from messages where id in (${carried}) and card_id is not null
         order by id limit ${maxCards}`,
        []
      )
      const found = await Promise.all(rows.map(({ id }) => cardOf(ask, Number(id))))
      return found.filter((card) => card !== undefined)
    },

    card: (id) => cardOf(ask, idOf(id, 'card')),

    async incidentsOnCards(card) {
      const isOfCard = card === undefined ? '' : `and e.card_id = ${idOf(card, 'card')}`
      const rows = await ask(
        `select e.object as key, e.since, v.id, v.received_at, v.source, v.cluster, v.kind, v.namespace, v.name,
           v.transition, v.body
         from card_entries e join objects o on o.key = e.object join events v on v.id = e.event_id
         where e.since is not null and o.failing_since is not null ${isOfCard} order by e.id limit ${maxIncidents}`,
        []
      )
      return rows.map((row): CardIncident => {
        const text = (column: string) => String(row[column])
        return {
          ...{ key: text('key'), since: Number(row['since']), event: text('id') },
          ...{ receivedAt: Number(row['received_at']), source: text('source'), body: text('body') },
          ...{ transition: text('transition') as Transition },
          object: { cluster: text('cluster'), kind: text('kind'), namespace: text('namespace'), name: text('name') }
        }
      })
    }
  }
}

async function cardOf(ask: Ask, id: number): Promise<CardRecord | undefined> {
  const [row] = await ask(`select * from cards where id = ${id}`, [])
  if (row === undefined) return undefined
  const versions = await ask(`select at, payload from card_versions where card_id = ${id} order by id desc`, [])
  const thread = await ask(
    `select coalesce(settled_at, created_at) as at, state, is_broadcast, payload from messages
     where card_id = ${id} order by id limit ${maxReplies}`,
    []
  )
  const payloadOf = (from: Row) => JSON.parse(String(from['payload'])) as Payload
  return {
    ...{ id: String(id), lane: String(row['lane']), destination: String(row['destination']) },
    ...{ channel: String(row['channel']), ts: String(row['ts']) },
    ...{ postedAt: Number(row['posted_at']), isDue: row['due_at'] !== null },
    versions: versions.map((version) => ({ at: Number(version['at']), payload: payloadOf(version) })),
    thread: thread.map((reply) => ({
      ...{ at: Number(reply['at']), state: String(reply['state']), payload: payloadOf(reply) },
      isBroadcast: Boolean(reply['is_broadcast'])
    }))
  }
}
