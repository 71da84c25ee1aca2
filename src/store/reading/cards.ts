// Card reading: finds what cards name that goes on, on any store.
import type { Transition } from '../../objects.ts'
import type { CardIncident, Records } from '../records.ts'
import { type Ask, idOf } from './walk.ts'

/** Of more, mutes are not looked for: so many failures at a time are a fault of something else. */
const maxIncidents = 5000

export function readCards(ask: Ask): Pick<Records, 'incidentsOnCards'> {
  return {
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
