// `events`: lists the events of a running relay, with who was notified of each.
import type { ListedEvent } from '../../routes/api/events.ts'
import { collect, type ListOptions, mentionMore, sayNone } from './list.ts'
import { age, print, table } from './output.ts'
import { nameInCluster, painted } from './say.ts'

/** The names of filters in the API. */
const filters = [
  ...['source', 'cluster', 'kind', 'namespace', 'name', 'reason', 'severity', 'transition'],
  ...['rule', 'destination', 'since', 'until', 'q']
]

const columns = [
  { name: 'ID' },
  { name: 'AGE' },
  { name: 'DID' },
  { name: 'CLUSTER', least: 8, leaves: 3 },
  { name: 'OBJECT', least: 24 },
  { name: 'REASON', least: 8, leaves: 2 },
  { name: 'NOTIFIED', least: 8, leaves: 1 },
  { name: 'MESSAGE' }
]

/** Lists the newest events that match. Resolves to the exit code. */
export async function listEvents(options: ListOptions & Record<string, unknown>): Promise<number> {
  const query = Object.fromEntries(
    filters.map((name) => [name, options[name === 'q' ? 'search' : name] as string | undefined])
  )
  const { items, next } = await collect<ListedEvent>(options, 'events', query, Number(options.limit))
  print(options.json, { events: items, next }, items.length === 0 ? sayNone(query) : table(columns, items.map(rowOf)))
  mentionMore({ next }, options)
  return 0
}

function rowOf({ id, receivedAt, transition, object, reason, notifications, gist }: ListedEvent) {
  const notified = [...new Set(notifications.map(({ destination }) => destination))].join(', ')
  return [
    id,
    age(receivedAt),
    painted(transition),
    object.cluster,
    nameInCluster(object),
    reason,
    notified || 'nobody',
    gist
  ]
}
