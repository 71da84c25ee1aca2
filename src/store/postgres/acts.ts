// Acts in PostgreSQL: write down what operators do, together with its effect, and acknowledge incidents.
import type { Actor } from '../../actor.ts'
import { type Acknowledged, acknowledge, type Incident } from '../../objects/acknowledged.ts'
import type { Acknowledgement } from '../../objects/memory.ts'
import type { NewAct } from '../kept.ts'
import { type ActRow, repeated, waitsOn } from '../rows.ts'
import type { Store } from '../store.ts'
import { readView, viewText } from '../texts.ts'
import type { Waiting } from '../waiting.ts'
import { showNow } from './cards.ts'
import type { Connections, Sql } from './connections.ts'
import { lockNumbers } from './locks.ts'
import { changeMemories } from './memories.ts'
import { indexable, storable } from './text.ts'

/** Writes an act, inside the transaction of its effect. */
export async function writeAct(sql: Sql, { actor, did, about }: NewAct, now: number): Promise<void> {
  const { name, via, click } = actor
  await sql('insert into acts (at, name, via, did, about, click) values ($1, $2, $3, $4, $5, $6)', [
    ...[now, storable(name), via, did, storable(JSON.stringify(about))],
    click === undefined ? null : storable(click)
  ])
}

/**
 * Throws REPEATED if the click has had its effect before. Called first, or the answer would be that there is nothing to do. Waits for
 * any other transaction with the same click.
 */
export async function refuseRepeated(sql: Sql, actor: Actor | undefined): Promise<void> {
  if (actor?.click === undefined) return
  const click = storable(actor.click)
  await sql('select pg_advisory_xact_lock($1, hashtext($2))', [lockNumbers.clicks, click])
  const { rows } = await sql<Pick<ActRow, 'name' | 'at' | 'did'>>('select * from acts where click = $1', [click])
  const [known] = rows
  if (known !== undefined) throw repeated(known)
}

// Found by way of the objects' events, because waiting notifications have no index by object. What somebody else has locked is already
// on its way.
const waitingSql = `
  select n.id, n.object, n.destination, v.view
  from events e join notifications n on n.event_id = e.id join views v on v.id = n.id
  where e.object = any($1) and n.state = 'pending' and n.message_id is null
  order by n.id for update of n skip locked`

interface WaitingRow {
  id: number
  object: string
  destination: string
  view: string
}

export function createActs(connections: Connections, waiting: Waiting): Pick<Store, 'acknowledge' | 'unacknowledge'> {
  async function act(
    incidents: readonly Incident[],
    { actor, by, now }: { actor: Actor; by: Acknowledgement | undefined; now: number }
  ): Promise<Acknowledged[]> {
    const { done, withheld } = await connections.transaction(async (sql) => {
      await refuseRepeated(sql, actor)
      const marked = await mark(sql, incidents, by)
      const news = marked.filter(({ isNews }) => isNews)
      const keyed = news.map(({ object, since }) => ({ object: indexable(object), since }))
      const calmed = by === undefined || news.length === 0 ? [] : await calm(sql, keyed, by)
      if (news.length > 0) {
        await showNow(sql, keyed)
        const about = { incidents: news.map(({ object, since }) => ({ object, since })) }
        await writeAct(sql, { actor, did: by === undefined ? 'unacknowledge' : 'acknowledge', about }, now)
      }
      return { done: marked, withheld: calmed }
    })
    for (const destination of withheld) waiting.add(destination, -1)
    waiting.keep()
    return done
  }

  return {
    acknowledge: (incidents, now, actor) =>
      act(incidents, { actor, by: { by: actor.name, via: actor.via, at: now }, now }),
    unacknowledge: (incidents, now, actor) => act(incidents, { actor, by: undefined, now })
  }
}

async function mark(
  sql: Sql,
  incidents: readonly Incident[],
  by: Acknowledgement | undefined
): Promise<Acknowledged[]> {
  const byKey = Map.groupBy(incidents, ({ object }) => indexable(object))
  const done: Acknowledged[] = []
  await changeMemories(sql, byKey.keys(), (known, key) => {
    const marked = acknowledge(known, byKey.get(key) ?? [], by)
    done.push(...marked.done)
    return marked.memory
  })
  return done
}

/**
 * Withholds the reminders of incidents that wait, and takes the pings out of other notifications. Returns the destination of each that
 * was withheld.
 */
async function calm(
  sql: Sql,
  incidents: readonly { object: string; since: number }[],
  { by }: Acknowledgement
): Promise<string[]> {
  const { rows } = await sql<WaitingRow>(waitingSql, [incidents.map(({ object }) => object)])
  const changes = rows.flatMap(({ view: text, ...row }) => {
    const view = readView(text)
    const isOf = incidents.some(({ object, since }) => object === row.object && since === view.failure?.since)
    const change = isOf ? waitsOn(view, by) : undefined
    return change === undefined ? [] : [{ ...row, ...change }]
  })
  for (const change of changes) {
    if ('view' in change) await sql('update views set view = $2 where id = $1', [change.id, viewText(change.view)])
    else {
      const values = [change.id, storable(change.withheld)]
      await sql(`update notifications set state = 'muted', reason = $2 where id = $1`, values)
    }
  }
  return changes.flatMap((change) => ('view' in change ? [] : [change.destination]))
}
