// `lanes`: lists the queue of each channel of a running relay, the troubled ones first.
import type { ListedLane } from '../../routes/api/lanes.ts'
import { ask, type ClientOptions } from './client.ts'
import { age, print, table } from './output.ts'
import { painted } from './say.ts'
import { isOnlyHeld } from './unblock.ts'

const columns = [
  { name: 'DESTINATIONS', least: 12 },
  { name: 'LANE', least: 8, leaves: 1 },
  { name: 'STATE' },
  { name: 'WAITING' },
  { name: 'OLDEST' },
  { name: 'WHY' }
]

/** Lists all lanes. Resolves to the exit code. */
export async function listLanes({ json, ...relay }: ClientOptions): Promise<number> {
  const { body } = await ask(relay, 'GET', '/api/lanes')
  const lanes: ListedLane[] = body.lanes
  const sorted = lanes.toSorted((a, b) => rank(b) - rank(a) || b.backlog - a.backlog)
  print(json, body, sorted.length === 0 ? 'None.' : table(columns, sorted.map(rowOf)))
  return 0
}

function rank({ block, notBefore }: ListedLane): number {
  return block ? 2 : notBefore ? 1 : 0
}

function rowOf(lane: ListedLane) {
  const { destinations, backlog, oldest, block, notBefore } = lane
  const next = notBefore === null ? '' : `next try in ${age(notBefore)}`
  const held = isOnlyHeld(lane) && 'held, to see whether it lasts'
  const blocked = block && `answers ${block.reason} since ${age(block.since)}`
  return [
    destinations.join(', ') || 'gone from the config file',
    lane.lane,
    painted(block ? 'blocked' : notBefore ? 'waits' : 'open'),
    String(backlog),
    oldest === null ? '' : age(oldest),
    [blocked, next, held].filter(Boolean).join('; ')
  ]
}
