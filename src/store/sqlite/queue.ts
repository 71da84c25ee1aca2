// Queue in SQLite: writes and counts notifications, and makes dead letters of them, inside a transaction of the store's.
import { forget, memoryText, objectKey, readMemory } from '../../objects.ts'
import type { View } from '../../render/compose/view.ts'
import { apartMs } from '../deadline.ts'
import { composeWindow, goneReason, type NewNotification } from '../kept.ts'
import { viewText } from '../texts.ts'
import type { Database, Row } from './file.ts'
import { waitingSql } from './lanes.ts'
import type { Waiting } from './waiting.ts'

export interface Queue {
  readonly waiting: Waiting
  /** Its id. `event` is null for what the relay says of itself. */
  insert(event: number | null, entry: NewNotification, now: number): number
  /** What a lane composes from, for `pendingOf`; what was accepted before `since` becomes a dead letter. */
  oldest(lane: string, since: number, now: number): Row[]
  bury(id: number, reason: string): void
  /** Makes dead letters of all that waits for `destination`; returns how many. */
  abandon(destination: string): number
}

export function createQueue(db: Database, waiting: Waiting): Queue {
  function insert(event: number | null, entry: NewNotification, now: number): number {
    const { rule, destination, lane, view, muting, dead } = entry
    const group = muting === undefined && dead === undefined ? entry.group : undefined
    if (muting === undefined) waiting.add(destination, 1)
    if (dead !== undefined) waiting.bury(destination)
    const id = db.run(
      `insert into notifications (event_id, rule, destination, lane, object, says, state, reason, created_at, group_key,
         held_until, mute, muted_until)
       values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ...[event, rule, destination, lane, objectKey(view.object), view.says],
      ...[dead === undefined ? (muting ? 'muted' : 'pending') : 'dead', dead ?? null, now, group?.key ?? null],
      group === undefined ? 0 : deadline(lane, group, now),
      ...[muting?.name ?? null, muting?.until ?? null]
    )
    db.run('insert into views values (?, ?)', id, viewText(view))
    return id
  }

  /** That of the group's first notification that is still held, or one of its own. */
  function deadline(lane: string, { key, waitMs }: { key: string; waitMs: number }, now: number): number {
    const first = db.get(
      `select held_until from notifications
       where lane = ?1 and group_key = ?2 and held_until > ?3 and state = 'pending' and message_id is null
         and created_at <= ?3 + ${apartMs}
       order by held_until limit 1`,
      ...[lane, key, now]
    )
    return first === undefined ? now + waitMs : Number(first.held_until)
  }

  /** Of the destination that has waited longest: two may share a lane, and a message is for one of them. */
  function oldest(lane: string, since: number, now: number): Row[] {
    for (;;) {
      const rows = db.all(
        `select id, event_id, destination, created_at, group_key from notifications
         where lane = ?1 and state = 'pending' and message_id is null
           and (held_until <= ?2 or created_at > ?2 + ${apartMs})
         order by id limit ?3`,
        ...[lane, now, composeWindow]
      )
      const expired = rows.filter((row) => Number(row.created_at) < since)
      for (const { id } of expired) bury(Number(id), 'not delivered within 24 hours')
      if (expired.length > 0) continue
      return rows.filter((row) => row.destination === rows[0]?.destination)
    }
  }

  /** Makes a dead letter of a pending notification, and takes back that its destination was notified of a failure. */
  function bury(id: number, reason: string): void {
    const row = db.get('select n.*, v.view from notifications n left join views v on v.id = n.id where n.id = ?', id)
    if (row === undefined || row.state !== 'pending') return
    db.run(`update notifications set state = 'dead', reason = ? where id = ?`, reason, id)
    waiting.bury(String(row.destination))
    if (row.says !== 'failed') return
    const { object, rule, destination } = row
    const known = db.get('select memory from objects where key = ?', object ?? '')
    if (known !== undefined) {
      const since = (JSON.parse(String(row.view ?? '{}')) as Partial<View>).failure?.since
      const undelivered = { rule: String(rule), destination: String(destination), since }
      const memory = forget(readMemory(String(known.memory)), undelivered)
      db.run('update objects set memory = ? where key = ?', memoryText(memory), object ?? '')
    }
    // The end of a failure that nobody was notified of would be news from nowhere. The plus keeps the planner from going through
    // everything the rule ever sent.
    const end = db.get(
      `select id from notifications
       where lane = ? and state = 'pending' and message_id is null and id > ?
         and object = ? and +rule = ? and +destination = ? and says = 'recovered' order by id limit 1`,
      ...[row.lane ?? '', id, object ?? '', rule ?? '', destination ?? '']
    )
    if (end !== undefined) bury(Number(end.id), 'the failure it ends was never delivered')
  }

  function abandon(destination: string): number {
    const lost = db.all(`select id, message_id from ${waitingSql} where destination = ?`, destination)
    for (const { id, message_id } of lost) {
      if (message_id !== null) db.run(`update messages set state = 'dead' where id = ?`, Number(message_id))
      bury(Number(id), goneReason)
    }
    return lost.length
  }

  return { waiting, insert, oldest, bury, abandon }
}
