// Acts in SQLite: write down what operators do, together with its effect, and acknowledge incidents.
import type { Actor } from '../../actor.ts'
import { type Acknowledged, acknowledge, type Incident } from '../../objects/acknowledged.ts'
import type { Acknowledgement } from '../../objects/memory.ts'
import type { NewAct } from '../kept.ts'
import { type ActRow, repeated, waitsOn } from '../rows.ts'
import type { Store } from '../store.ts'
import { readView, viewText } from '../texts.ts'
import type { Waiting } from '../waiting.ts'
import { showNow } from './cards.ts'
import type { Database, Write } from './file.ts'
import { changeMemory } from './memories.ts'

/** Writes an act, inside the transaction of its effect. Throws REPEATED if the click was seen before, which rolls the effect back. */
export function writeAct(db: Database, { actor, did, about }: NewAct, now: number): void {
  const { name, via, click = null } = actor
  refuseRepeated(db, actor)
  const values = [now, name, via, did, JSON.stringify(about), click]
  db.run('insert into acts (at, name, via, did, about, click) values (?, ?, ?, ?, ?, ?)', ...values)
}

/** Throws REPEATED if the click has had its effect before. Called first, or the answer would be that there is nothing to do. */
export function refuseRepeated(db: Database, actor: Actor | undefined): void {
  if (actor?.click === undefined) return
  const known = db.get<Pick<ActRow, 'name' | 'at' | 'did'>>('select * from acts where click = ?', actor.click)
  if (known !== undefined) throw repeated(known)
}

export function createActs(
  db: Database,
  { waiting, write }: { waiting: Waiting; write: Write }
): Pick<Store, 'acknowledge' | 'unacknowledge'> {
  /** Marks incidents as acknowledged, or no longer, inside a transaction. */
  function mark(incidents: readonly Incident[], by: Acknowledgement | undefined): Acknowledged[] {
    return [...Map.groupBy(incidents, ({ object }) => object)].flatMap(([key, of]) => {
      let done: Acknowledged[] = []
      changeMemory(db, key, (known) => {
        const marked = acknowledge(known, of, by)
        done = marked.done
        return marked.memory
      })
      for (const { since } of done.filter(({ isNews }) => isNews)) {
        if (by !== undefined) calm(key, since, by)
        showNow(db, key, since)
      }
      return done
    })
  }

  /** Withholds the reminders of an incident that wait, and takes the pings out of other notifications. */
  function calm(object: string, since: number, { by }: Acknowledgement): void {
    // Found by way of the object's events, because waiting notifications have no index by object.
    const rows = db.all<{ id: number; destination: string; view: string }>(
      `select n.id, n.destination, v.view from events e join notifications n on n.event_id = e.id join views v on v.id = n.id
       where e.object = ? and n.state = 'pending' and n.message_id is null`,
      object
    )
    for (const { id, destination, view: text } of rows) {
      const view = readView(text)
      const change = view.failure?.since === since ? waitsOn(view, by) : undefined
      if (change === undefined) continue
      if ('view' in change) db.run('update views set view = ? where id = ?', viewText(change.view), id)
      else {
        db.run(`update notifications set state = 'muted', reason = ? where id = ?`, change.withheld, id)
        waiting.add(destination, -1)
      }
    }
  }

  function act(
    incidents: readonly Incident[],
    { actor, by, now }: { actor: Actor; by: Acknowledgement | undefined; now: number }
  ): Promise<Acknowledged[]> {
    return write(() => {
      refuseRepeated(db, actor)
      const done = mark(incidents, by)
      const news = done.filter(({ isNews }) => isNews).map(({ object, since }) => ({ object, since }))
      const did = by === undefined ? 'unacknowledge' : 'acknowledge'
      if (news.length > 0) writeAct(db, { actor, did, about: { incidents: news } }, now)
      return done
    })
  }

  return {
    acknowledge: (incidents, now, actor) =>
      act(incidents, { actor, by: { by: actor.name, via: actor.via, at: now }, now }),
    unacknowledge: (incidents, now, actor) => act(incidents, { actor, by: undefined, now })
  }
}
