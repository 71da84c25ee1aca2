// Rehearsed rollouts: follows what events say of rollouts as a store does, and says what is due when its time has come. Pure.
import type { FluxEvent } from '../events/flux.ts'
import { originOfRevisions } from '../objects/follows.ts'
import type { ObjectMemory } from '../objects/memory.ts'
import { objectKey, objectOf } from '../objects/name.ts'
import type { RolloutEntry } from '../render/compose/rollout-standing.ts'
import { maxRolloutEntries, type NewNotification, type RolloutReport } from '../store/kept.ts'
import { type LiveRow, type RolloutRow, rolloutOf } from '../store/rollouts/rows.ts'
import { afterwards, type Feed, say } from '../store/rollouts/say.ts'
import { follow, keysOf, type RolloutChanges } from '../store/rollouts.ts'

interface Entry {
  cluster: string
  state: RolloutEntry['is']
  at: number
  said: string
  saysEach: boolean
}

interface Kept {
  row: RolloutRow
  /** By the key of the object. */
  entries: Map<string, Entry>
}

export interface RehearsedRollouts {
  /** Records what an event, which is known by a number, says of rollouts at `now`, in ms. */
  report(event: { event: FluxEvent; number: number }, reports: readonly RolloutReport[], now: number): void
  /** What was said before `until`, in ms, and the number of the event that it is about. */
  sayUntil(until: number): { number: number; notification: NewNotification }[]
  /** Reports whether something yet to be said of a rollout is about that event. */
  isAbout(number: number): boolean
}

/** How often a relay looks, in ms: what comes in between is said together. */
const lookMs = 1000

/** `memories` has what is known of objects, by their keys. `feedOf` returns the feed of a destination. */
export function rehearseRollouts(
  memories: ReadonlyMap<string, ObjectMemory>,
  feedOf: (destination: string) => Feed | undefined
): RehearsedRollouts {
  const all: Kept[] = []
  const scopes = new Map<string, Kept[]>()
  const due = new Set<Kept>()

  function keep(kept: Kept, row: RolloutRow): void {
    kept.row = row
    if (row.due_at === null) due.delete(kept)
    else due.add(kept)
  }

  function reportOne(event: FluxEvent, number: number, said: RolloutReport, now: number): void {
    const { cluster } = event.object
    const object = objectKey(event.object)
    const known = scopes.get(said.scope) ?? []
    scopes.set(said.scope, known)
    const live = known
      .filter(({ row }) => !row.is_closed || (said.revision !== '' && row.revision === said.revision))
      .map((kept) => liveRow(kept, object, cluster))
    const source = originOfRevisions(said.follows, (key) => memories.get(key))
    const { begun, rows, entries, carried, first } = follow(live, said, { cluster, event: number, source, now })
    if (begun !== undefined) {
      const kept: Kept = { row: { ...begun, id: all.length + 1 }, entries: new Map() }
      all.push(kept)
      known.push(kept)
      keep(kept, kept.row)
    }
    const keptOf = (id = all.length) => all[id - 1] as Kept
    for (const row of rows) keep(keptOf(row.id), row)
    for (const { rollout, state, said: text } of entries) {
      const members = keptOf(rollout).entries
      const saysEach = said.saysEach || members.get(object)?.saysEach === true
      if (state === 'gone') members.delete(object)
      else members.set(object, { cluster, state, at: now, said: text, saysEach })
    }
    const expects = (id: number | undefined, keys: readonly string[]) => {
      const members = keptOf(id).entries
      const entry: Entry = { cluster, state: 'expected', at: now, said: '', saysEach: true }
      for (const key of keys) {
        const memory = memories.get(key)
        const isThere = members.has(key) || hadRevision(memory, said.revision)
        if (!isThere && mayFollow(memory, source)) members.set(key, entry)
      }
    }
    for (const { from, into, hasExpected } of carried) expects(into, carriedFrom(keptOf(from), cluster, hasExpected))
    if (first !== undefined) expects(first.into, others(event, said))
  }

  /** The keys of objects of the same kind that had the same revision before, if the rule is about them. */
  function others({ object }: FluxEvent, { previous, isAbout }: RolloutReport): string[] {
    const prefix = keysOf(object)
    return [...memories].flatMap(([key, memory]) => {
      return hadRevision(memory, previous) && key.startsWith(prefix) && isAbout?.(objectOf(key)) ? [key] : []
    })
  }

  return {
    report({ event, number }, reports, now) {
      for (const said of reports) reportOne(event, number, said, now)
    },
    sayUntil(until) {
      const said: { number: number; notification: NewNotification }[] = []
      for (;;) {
        const [next] = [...due].sort((a, b) => (a.row.due_at ?? 0) - (b.row.due_at ?? 0))
        const at = Math.ceil((next?.row.due_at ?? 0) / lookMs) * lookMs
        if (next === undefined || at >= until) return said
        const notification = sayOf(next, feedOf(next.row.destination), at)
        if (notification !== undefined) said.push({ number: next.row.event_id ?? -1, notification })
        const fails = [...next.entries.values()].some(({ state }) => state === 'failing')
        keep(next, afterwards(next.row, { isSaid: notification !== undefined, fails, now: at }))
      }
    },
    isAbout: (number) => all.some(({ row }) => row.event_id === number)
  }
}

function liveRow({ row, entries }: Kept, object: string, cluster: string): LiveRow {
  const members = [...entries.values()].filter((entry) => entry.cluster === cluster)
  const count = (state: Entry['state']) => members.filter((entry) => entry.state === state).length
  const own = entries.get(object)
  return {
    ...row,
    ...{ state: own?.state ?? null, said: own?.said ?? null },
    ...{ members: members.length, failing: count('failing'), coming: count('coming') },
    clusters: new Set([...entries.values()].map((entry) => entry.cluster)).size
  }
}

function carriedFrom(
  { entries }: Kept,
  cluster: string,
  hasExpected: RolloutChanges['carried'][number]['hasExpected']
) {
  return [...entries].flatMap(([key, entry]) => {
    const isThere = entry.cluster === cluster && entry.saysEach && (entry.state !== 'expected' || hasExpected)
    return isThere ? [key] : []
  })
}

/** Reports whether the object has the revision, or fails at it. */
function hadRevision(memory: ObjectMemory | undefined, revision: string): boolean {
  return memory?.revision === revision || memory?.failure?.revision === revision
}

/** True unless the object is known to follow another source. */
function mayFollow(memory: ObjectMemory | undefined, source: string | undefined): boolean {
  return source === undefined || memory?.follows === undefined || memory.follows === source
}

function sayOf({ row, entries }: Kept, to: Feed | undefined, now: number): NewNotification | undefined {
  const rows = [...entries]
    .sort(([a, one], [b, other]) => one.at - other.at || (a < b ? -1 : 1))
    .slice(0, maxRolloutEntries)
    .map(([object, { state, at, said }]) => ({ object, state, at, said, channel: null, ts: null }))
  return say(rolloutOf(row, rows), to, now)
}
