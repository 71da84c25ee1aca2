// Settling in SQLite: writes down how a post ended, for its message, its notifications and its lane.

import type { Attempt, Message, NewNotification, Settlement } from '../kept.ts'
import type { Database } from './file.ts'
import { setBucket } from './lanes.ts'
import type { Queue } from './queue.ts'

export interface Outcome {
  attempt: Attempt
  settlement: Settlement
  /** What the operator is notified of. */
  notices: readonly NewNotification[]
}

/** Writes it down, inside a transaction. */
export function settle(db: Database, queue: Queue, message: Message, { attempt, settlement, notices }: Outcome): void {
  const id = Number(message.id)
  db.run('insert into attempts values (?, ?, ?)', id, attempt.at, attempt.answer)
  const { message: end, lane } = settlement
  if (end.state === 'open') {
    db.run('update messages set failures = ?, is_plain = ? where id = ?', end.failures, end.isPlain ? 1 : 0, id)
  } else {
    db.run('update messages set state = ?, settled_at = ? where id = ?', end.state, attempt.at, id)
  }
  if (end.state === 'sent') {
    const sent = `update notifications set state = 'sent' where message_id = ? and state = 'pending'`
    queue.waiting.add(message.destination, -db.changes(sent, id))
    // Given up on while the answer was on its way, because their destination went: they arrived all the same.
    db.run(`update notifications set state = 'sent', reason = null where message_id = ? and state = 'dead'`, id)
  }
  if (end.state === 'dead') {
    const members = db.all('select id from notifications where message_id = ?', id)
    for (const member of members) queue.bury(Number(member.id), end.reason)
  }
  db.run(
    'update lanes set not_before = ?, set_at = ?, block_reason = ?, block_since = ?, probes = ? where key = ?',
    lane.notBefore,
    attempt.at,
    lane.block?.reason ?? null,
    lane.block?.since ?? null,
    lane.block?.probes ?? 0,
    message.lane
  )
  if (lane.bucket !== undefined) setBucket(db, message.lane, lane.bucket)
  for (const notice of notices) queue.insert(null, notice, attempt.at)
}
