// Accepting in SQLite: decides on one event and writes it with everything that follows from it.
import { memoryText, objectKey, readMemory } from '../../objects.ts'
import type { Arrival, Decide, Receipt } from '../kept.ts'
import type { Database } from './file.ts'
import type { Queue } from './queue.ts'
import type { RecentBodies } from './recent-bodies.ts'

/** Decides on one event and writes what comes of it, inside a transaction. */
export function acceptOne(
  db: Database,
  { queue, bodies }: { queue: Queue; bodies: RecentBodies },
  arrival: Arrival,
  decide: Decide
): Receipt {
  const { event, body, identity, receivedAt } = arrival
  const known = bodies.find(identity, receivedAt)
  if (known !== undefined) return { status: 'duplicate', id: String(known) }

  const key = objectKey(event.object)
  const row = db.get('select memory from objects where key = ?', key)
  const memory = row && readMemory(String(row.memory))
  let decision: ReturnType<Decide>
  try {
    decision = decide(arrival, memory)
  } catch (error) {
    return { status: 'failed', error }
  }
  if (decision.memory !== memory) {
    db.run(
      `insert into objects (key, memory, seen_at, failing_since, source) values (?, ?, ?, ?, ?)
       on conflict (key) do update
       set memory = excluded.memory, seen_at = excluded.seen_at, failing_since = excluded.failing_since`,
      ...[key, memoryText(decision.memory), receivedAt, decision.memory.failure?.since ?? null, event.source]
    )
  }
  const { transition } = decision
  if (!decision.keep) return { status: 'accepted', id: null, transition, notifications: [] }

  const id = db.run(
    'insert into events values (null, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
    receivedAt,
    event.source,
    event.object.cluster,
    event.object.kind,
    event.object.namespace,
    event.object.name,
    event.severity,
    event.reason,
    transition,
    key,
    body,
    JSON.stringify(decision.trace),
    identity
  )
  bodies.add(identity, id, receivedAt)
  const notifications = decision.notifications.map((entry) => ({
    id: String(queue.insert(id, entry, receivedAt)),
    rule: entry.rule,
    destination: entry.destination,
    lane: entry.lane,
    isMuted: entry.muting !== undefined,
    isDead: entry.dead !== undefined
  }))
  return { status: 'accepted', id: String(id), transition, notifications }
}
