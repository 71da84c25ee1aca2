// Withholding in SQLite: withholds held notifications that are muted when their hold ends, inside a transaction of the store.
import { markWithheld } from '../../objects/notified.ts'
import { type FailedRow, undeliveredOf } from '../rows.ts'
import { type HeldEvent, heldEventColumns, type Withholding } from '../steps/muted.ts'
import type { Waiting } from '../waiting.ts'
import type { Database } from './file.ts'
import { endOf } from './lanes.ts'
import { changeMemory } from './memories.ts'

/** Reads the events that notifications are about. */
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

/**
 * Withholds those notifications that still wait, and returns their destinations. The end of a withheld failure is withheld with it: alone
 * it would make no sense.
 */
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
