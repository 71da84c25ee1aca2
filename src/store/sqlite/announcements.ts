// Announcements in SQLite: keep what the operator was notified of, and when.
import { apartMs } from '../kept-lanes.ts'
import type { News } from '../records.ts'
import type { Database } from './file.ts'
import type { Queue } from './queue.ts'

/** Writes the notices of `news`, inside a transaction, if it is news; returns whether it was. */
export function announce(
  db: Database,
  queue: Pick<Queue, 'insert'>,
  { key, notices, now, withinMs, ends }: News
): boolean {
  if (ends !== undefined && db.changes('delete from announcements where key = ?', ends) === 0) return false
  const news = db.all(
    `insert into announcements values (?1, ?2) on conflict (key) do update set announced_at = excluded.announced_at
     where announcements.announced_at <= ?2 - ?3 or announcements.announced_at > ?2 + ${apartMs} returning key`,
    ...[key, now, withinMs]
  )
  if (news.length === 0) return false
  for (const notice of notices) queue.insert(null, notice, now)
  return true
}
