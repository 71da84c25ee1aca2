// Summing turn: lets one replica at a time sum up what mutes withheld, as long as it lives.
import { type Connections, clockSql, type Sql } from './connections.ts'
import { lockNumbers } from './locks.ts'
import type { Presence } from './presence.ts'

/** The prefix of the announcement that a replica sums up; the replica's id follows. */
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

/** The lock under which replicas sum up, those of earlier versions, too. */
export const lockSql = `select pg_advisory_xact_lock(${lockNumbers.summaries})`

/** Thrown if this replica is about to stop, or others may take it for dead: one of them goes on with the summing up. */
export class TakenOver extends Error {}

export interface Turn {
  /** Runs `work` in a transaction. Rejects with {@link TakenOver} if it is another replica's turn by now. */
  step<T>(work: (sql: Sql) => Promise<T>): Promise<T>
  end(): Promise<void>
}

/** Takes the turn; undefined if another replica has it. */
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
    // If this fails, the turn ends with the replica.
    async end() {
      await connections.query('delete from announcements where key = $1', [key]).catch(() => {})
    }
  }
}
