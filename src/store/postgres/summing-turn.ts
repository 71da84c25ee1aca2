// Summing turn: one replica sums up what mutes withheld at a time, as long as it lives.
import { type Connections, clockSql, type Sql } from './connections.ts'
import type { Presence } from './presence.ts'

/** The announcement that a replica sums up: it is in the key. */
const prefix = 'what was withheld is summed up by '

const beginSql = `
  with gone as (
    delete from announcements where key like '${prefix}%' and key <> $1 and not exists (
      select 1 from replicas where key = '${prefix}' || id and alive_until > ${clockSql})
    returning key
  )
  insert into announcements (key, announced_at) select $1, ${clockSql}
  where not exists (
    select 1 from announcements where key like '${prefix}%' and key <> $1 and key not in (select key from gone))
  on conflict (key) do update set announced_at = excluded.announced_at`

/** Any number that nothing else is locked by. */
const summaries = 8_140_773

/** Replicas of earlier versions sum up under it, too. */
export const lockSql = `select pg_advisory_xact_lock(${summaries})`

/** This replica is about to stop, or others may take it for dead: one of them goes on with it. */
export class TakenOver extends Error {}

export interface Turn {
  /** In a transaction. Rejects with {@link TakenOver} where it is another's turn by now. */
  step<T>(work: (sql: Sql) => Promise<T>): Promise<T>
  end(): Promise<void>
}

/** Undefined where another replica is at it. */
export async function takeTurn(
  connections: Connections,
  presence: Pick<Presence, 'replica' | 'lease'>
): Promise<Turn | undefined> {
  const key = prefix + presence.replica
  const isOurs = await connections.transaction(async (sql) => {
    await sql(lockSql)
    return (await sql(beginSql, [key])).rowCount === 1
  })
  if (!isOurs) return undefined
  return {
    step: (work) =>
      connections.transaction(async (sql) => {
        try {
          presence.lease()
        } catch {
          throw new TakenOver()
        }
        const { rowCount } = await sql('select 1 from announcements where key = $1 for update', [key])
        if (rowCount === 0) throw new TakenOver()
        return work(sql)
      }),
    // What is left of it ends with the replica.
    async end() {
      await connections.query('delete from announcements where key = $1', [key]).catch(() => {})
    }
  }
}
