// Withholding in SQLite: keeps from its lane what was held on purpose and is muted when that ends, inside a transaction of the
// store's.
import { markWithheld } from '../../objects/notified.ts'
import { type FailedRow, undeliveredOf } from '../rows.ts'
import { type HeldEvent, heldEventColumns, type Withholding } from '../steps/muted.ts'
import type { Waiting } from '../waiting.ts'
import type { Database } from './file.ts'
import { endOf } from './lanes.ts'
import { changeMemory } from './memories.ts'

/** The events that notifications are about. */
export function readEvents(db: Database, held: readonly { event_id: number | null }[]): HeldEvent[] {
  return db.all<HeldEvent>(
    `select ${heldEventColumns} from events where id in (select value from json_each(?))`,
    JSON.stringify(held.map(({ event_id }) => event_id))
  )
}

interface WithheldRow extends FailedRow {
  lane: string
  says: string
}

/** The destination of each that still waited. The end of a failure goes with it: it would be news from nowhere. */
export function withhold(db: Database, waiting: Waiting, withheld: readonly Withholding[], now: number): string[] {
  return withheld.flatMap(({ id, ...muting }) => {
    const { name, until } = muting
    const row = db.get<WithheldRow>(
      `update notifications set state = 'muted', mute = ?, muted_until = ?, held_until = 0, held_at = ?
       where id = ? and state = 'pending' and message_id is null
       returning lane, object, rule, destination, says, (select view from views where views.id = notifications.id) as view`,
      ...[name, until, now, id]
    )
    if (row === undefined) return []
    waiting.add(row.destination, -1)
    if (row.says !== 'failed') return [row.destination]
    changeMemory(db, row.object, (memory) => markWithheld(memory, undeliveredOf(row)))
    const { lane, object, rule, destination } = row
    const end = endOf(db, { id, lane, object, rule, destination })
    return [destination, ...(end === undefined ? [] : withhold(db, waiting, [{ ...muting, id: end }], now))]
  })
}
