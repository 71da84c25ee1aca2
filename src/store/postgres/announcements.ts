// Announcements in PostgreSQL: keep what the operator was notified of, and when.
import { apartMs } from '../kept-lanes.ts'
import type { News } from '../records.ts'
import type { Sql } from './connections.ts'
import { insertNotifications } from './queue.ts'

const announceSql = `
  insert into announcements (key, announced_at) values ($1, $2)
  on conflict (key) do update set announced_at = excluded.announced_at
  where announcements.announced_at <= $2 - $3::bigint or announcements.announced_at > $2 + ${apartMs} returning key`

/** Writes the notices of `news`, inside a transaction, if it is news; returns whether it was. */
export async function announce(sql: Sql, { key, notices, now, withinMs, ends }: News): Promise<boolean> {
  if (ends !== undefined && (await sql('delete from announcements where key = $1', [ends])).rowCount === 0) return false
  const { rowCount } = await sql(announceSql, [key, now, withinMs])
  if (rowCount === 0) return false
  await insertNotifications(
    sql,
    notices.map((entry) => ({ event: null, at: now, entry }))
  )
  return true
}
