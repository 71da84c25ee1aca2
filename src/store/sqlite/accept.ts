// Accepting in SQLite: decides on the events of a batch one by one, and writes each with everything that follows from it.
import { objectKey } from '../../objects/name.ts'
import { decideOn, type Ledger, receiptOf } from '../deciding.ts'
import type { Arrival, Decide, Receipt } from '../kept.ts'
import type { Waiting } from '../waiting.ts'
import { turn } from './cards.ts'
import type { Database } from './file.ts'
import { heldOf, release } from './lasting.ts'
import { memoryOf, setMemory } from './memories.ts'
import type { ObjectCounts } from './object-counts.ts'
import type { Queue } from './queue.ts'
import type { RecentBodies } from './recent-bodies.ts'
import { report } from './rollouts.ts'

/** Decides on `batch` and writes the results, inside a transaction. */
export function accept(
  db: Database,
  {
    queue,
    bodies,
    waiting,
    objects
  }: { queue: Queue; bodies: RecentBodies; waiting: Waiting; objects: Pick<ObjectCounts, 'add'> },
  batch: readonly Arrival[],
  decide: Decide
): Receipt[] {
  const ledger: Ledger = {
    duplicateOf: ({ identity, receivedAt }) => bodies.find(identity, receivedAt),
    memoryOf: (key) => memoryOf(db, key),
    heldOf: (key) => heldOf(db, key),
    release: (_, releases, { receivedAt }) => release(db, waiting, releases, receivedAt),
    remember(key, memory, arrival, isNew) {
      const row = setMemory(db, key, memory, arrival)
      if (isNew) objects.add(row, arrival.event.source)
    },
    turn: (key, { receivedAt }) => turn(db, key, receivedAt),
    report: (arrival, reports, id) => {
      for (const said of reports) report(db, arrival, said, id)
    },
    keep({ event, body, identity, receivedAt }, key, { transition, trace, notifications }) {
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
        JSON.stringify(trace),
        identity
      )
      bodies.add(identity, id, receivedAt)
      return { id, notified: notifications.map((entry) => receiptOf(queue.insert(id, entry, receivedAt), entry)) }
    }
  }
  return batch.map((arrival) => decideOn(arrival, objectKey(arrival.event.object), ledger, decide))
}
