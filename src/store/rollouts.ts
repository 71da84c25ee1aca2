// Rollouts: decides what a report changes of the rollouts that are known, and when there is something to say of one. Pure: each
// store reads what is known, and writes what comes of it.
import type { ObjectRef } from '../events/flux.ts'
import { objectKey } from '../objects.ts'
import type { Replacement, RolloutEntry, RolloutHead } from '../render/compose/rollout-standing.ts'
import { placeUrl } from './cards.ts'
import type { Rollout, RolloutReport } from './kept.ts'

/** All times in ms; null where there is none. */
export interface RolloutRow {
  id: number
  rule: string
  destination: string
  scope: string
  /** Empty for charts that came together. */
  revision: string
  /** JSON */
  head: string
  /** The event that it is said about: its first, or the latest by which one more fails. */
  event_id: number | null
  opened_at: number
  /** When the last news of it came. */
  last_at: number
  settle_ms: number
  unsaid_since: number | null
  said_at: number | null
  /** When there is something to say, or it has settled; null where it has, and all is said. */
  due_at: number | null
  /** JSON, by cluster. */
  replaced: string
  /** Nothing that comes is about it any more. */
  is_closed: boolean | number
}

/** A rollout that goes on, or that is of the revision reported, and how the reported object and its cluster stand in it. */
export interface LiveRow extends RolloutRow {
  state: RolloutEntry['is'] | null
  said: string | null
  /** Its objects in that cluster, and how many of them fail or come. */
  members: number
  failing: number
  coming: number
  /** In how many clusters it is. */
  clusters: number
}

/** How an object stands in a rollout from now on; `gone`: it is none of it any more. */
export interface EntryChange {
  /** The id of the rollout; undefined for the one that begins. */
  rollout: number | undefined
  state: RolloutEntry['is'] | 'gone'
  said: string
}

export interface RolloutChanges {
  begun?: Omit<RolloutRow, 'id'>
  rows: readonly RolloutRow[]
  entries: readonly EntryChange[]
  /** Objects of the rollout `from`, in the cluster, that are expected in the one that took its place. */
  carried: readonly { from: number; into: number | undefined; hasExpected: boolean }[]
  /** The first of its cluster: others that had the same revision before are expected in it, `undefined` being the one that begins. */
  first?: { into: number | undefined }
}

/** Where news never end, they are said so often, in ms. */
const maxUnsaidMs = 15 * 60_000

/** Nothing is due later than that from now, in ms: a time beyond is of a clock that was set back. */
export const rolloutHorizonMs = 2 * 60 * 60_000

/** `live`: what is known, oldest first. `cluster`: of the object. `event`: its id, where it is kept. `now` in ms. */
export function follow(
  live: readonly LiveRow[],
  report: RolloutReport,
  { cluster, event, now }: { cluster: string; event: number | null; now: number }
): RolloutChanges {
  const target = report.revision === '' ? ofCharts(live, report, cluster) : live.find((row) => isOf(row, report))
  const rows: RolloutRow[] = []
  const entries: EntryChange[] = []
  const passed = live.filter((row) => row.id !== target?.id && isPassed(row, target, report, cluster))
  for (const row of passed) rows.push(replaced(row, report, cluster))
  const isEnd = report.is === 'applied' || report.is === 'gone'
  for (const row of live) {
    if (row.id === target?.id || passed.includes(row) || row.state !== 'failing' || isShut(row, cluster) || !isEnd)
      continue
    entries.push({ rollout: row.id, state: report.is, said: '' })
    rows.push(moved(row, report, { isNews: true, event: null, now }))
  }
  const into = target === undefined || isShut(target, cluster) ? undefined : target
  const begun =
    target === undefined && report.isMove ? begin(report, { event, now, unsaid: earliest(passed) }) : undefined
  const state = into === undefined ? begun && report.is : nextState(into, report)
  if (state !== undefined && (into ?? begun) !== undefined) {
    const said = state === 'failing' || state === 'applied' ? report.said : ''
    entries.push({ rollout: into?.id, state, said })
    const isNews = into?.state !== state
    if (into !== undefined) rows.push(moved(into, report, { isNews, event, now }))
  }
  const isCarried = begun !== undefined || (into !== undefined && state !== undefined)
  const carried = isCarried
    ? passed.map((row) => ({ from: row.id, into: into?.id, hasExpected: row.due_at !== null }))
    : []
  const isFirst = isCarried && (into?.members ?? 0) === 0 && report.isAbout !== undefined && report.previous !== ''
  return { ...(begun && { begun }), rows, entries, carried, ...(isFirst && { first: { into: into?.id } }) }
}

function isOf({ revision }: RolloutRow, report: RolloutReport): boolean {
  return revision === report.revision
}

/** Where a chart counts: where it fails, or in what goes on in its cluster, if that is one thing. */
function ofCharts(live: readonly LiveRow[], { isMove }: RolloutReport, cluster: string): LiveRow | undefined {
  const open = live.filter((row) => !isShut(row, cluster))
  const known = open.findLast(({ state, due_at }) => state === 'failing' || (state !== null && due_at !== null))
  if (known !== undefined || !isMove) return known
  const around = open.filter(({ members, due_at }) => members > 0 && due_at !== null)
  const commits = around.filter(({ revision }) => revision !== '')
  return commits.length === 1 ? commits[0] : around.find(({ revision }) => revision === '')
}

/** The object has gone on from it to the revision that is reported. */
function isPassed(row: LiveRow, target: LiveRow | undefined, report: RolloutReport, cluster: string): boolean {
  if (!report.isMove || report.revision === '' || row.revision === '' || isShut(row, cluster)) return false
  if (row.state === null) return false
  // One that is slow says of the revision before what it will say of this one later.
  return row.state !== 'expected' || target === undefined || row.id < target.id
}

function isShut(row: RolloutRow, cluster: string): boolean {
  return Boolean(row.is_closed) || Object.hasOwn(replacements(row), cluster)
}

function replacements({ replaced }: RolloutRow): Record<string, Replacement> {
  return JSON.parse(replaced) as Record<string, Replacement>
}

/** What an object of a rollout is from now on; undefined where the report changes nothing. */
function nextState(row: LiveRow, { is, isMove, said }: RolloutReport): EntryChange['state'] | undefined {
  const isOpen = row.due_at !== null
  if (row.state === null) {
    if (is === 'gone') return undefined
    return isMove || (is === 'applied' && isOpen) ? is : undefined
  }
  if (row.state === is) return is === 'failing' && row.said !== said ? is : undefined
  // What is on its way again at one revision is what it was before that.
  if (is === 'coming' && row.state !== 'expected') return undefined
  // What fails long after is no matter of the rollout any more.
  if (is === 'failing' && row.state === 'applied' && !isOpen) return undefined
  return is
}

/** Since when there is something to say of any of them. */
function earliest(rows: readonly RolloutRow[]): number | null {
  const since = rows.flatMap(({ unsaid_since }) => (unsaid_since === null ? [] : [unsaid_since]))
  return since.length === 0 ? null : Math.min(...since)
}

/** `unsaid`: since when nothing was said of those whose place it takes. */
function begin(
  report: RolloutReport,
  { event, now, unsaid }: { event: number | null; now: number; unsaid: number | null }
): Omit<RolloutRow, 'id'> {
  const { rule, destination, scope, revision, head, settleMs } = report
  const row = {
    ...{ rule, destination, scope, revision, head: JSON.stringify(head), event_id: event },
    ...{ opened_at: now, last_at: now, settle_ms: settleMs },
    ...{ unsaid_since: unsaid, said_at: null, due_at: null, replaced: '{}', is_closed: 0 }
  }
  const { id: _, ...begun } = moved({ ...row, id: 0 }, report, { isNews: true, event, now })
  return begun
}

function moved(
  row: RolloutRow,
  report: RolloutReport,
  { isNews, event, now }: { isNews: boolean; event: number | null; now: number }
): RolloutRow {
  const { settleMs, firstMs, is } = report
  const head = JSON.parse(row.head) as RolloutHead
  const known = { ...report.head, ...head, cluster: head.cluster }
  // Of charts that came in between no revision is known.
  const next = { ...row, head: JSON.stringify(row.revision === '' ? head : known), settle_ms: settleMs }
  if (!isNews) return next
  const isToSay = is !== 'coming'
  const unsaid = notAhead(row.unsaid_since, now) ?? (isToSay ? now : null)
  const saidAt = notAhead(row.said_at, now)
  const dues = [now + settleMs, ...(unsaid === null ? [] : [unsaid + maxUnsaidMs])]
  if (saidAt === null && firstMs !== undefined) dues.push(Math.min(row.opened_at, now) + firstMs)
  // Once at once, and then with whatever else fails.
  if (is === 'failing') dues.push(saidAt === null ? now : Math.max(now, saidAt + settleMs))
  return {
    ...next,
    ...{ last_at: now, unsaid_since: unsaid, said_at: saidAt, due_at: Math.min(...dues) },
    ...(event !== null && is === 'failing' && { event_id: event })
  }
}

function notAhead(at: number | null, now: number): number | null {
  return at === null ? null : Math.min(at, now)
}

function replaced(row: LiveRow, { head, revision }: RolloutReport, cluster: string): RolloutRow {
  const isOver = row.due_at === null && row.failing === 0 && row.coming === 0
  const all = { ...replacements(row), [cluster]: { by: head.revision?.text ?? revision, isOver } }
  const isClosed = Object.keys(all).length >= row.clusters
  // What was to be said of it is said of what took its place.
  return {
    ...row,
    ...{ replaced: JSON.stringify(all), is_closed: isClosed ? 1 : 0 },
    ...(isClosed && { due_at: null, unsaid_since: null })
  }
}

/** A rollout after what was due of it at `now` was said, or needed no saying. */
export function afterwards(
  row: RolloutRow,
  { isSaid, fails, now }: { isSaid: boolean; fails: boolean; now: number }
): RolloutRow {
  const lastAt = Math.min(row.last_at, now)
  const isSettled = now >= lastAt + row.settle_ms
  const isToSay = !isSaid && !isSettled
  return {
    ...row,
    ...{ last_at: lastAt, said_at: isSaid ? now : row.said_at, unsaid_since: isToSay ? row.unsaid_since : null },
    due_at: isSettled ? null : lastAt + row.settle_ms,
    is_closed: row.is_closed || (isSettled && row.revision === '' && !fails) ? 1 : 0
  }
}

export interface RolloutEntryRow {
  object: string
  state: RolloutEntry['is']
  at: number
  said: string
  /** Of the message about its failure that is updated; null where there is none. */
  channel: string | null
  ts: string | null
}

export function rolloutOf(row: RolloutRow, entries: readonly RolloutEntryRow[]): Rollout {
  return {
    ...{ id: String(row.id), rule: row.rule, destination: row.destination },
    head: JSON.parse(row.head) as RolloutHead,
    ...{ openedAt: row.opened_at, lastAt: row.last_at, settleMs: row.settle_ms },
    ...{ saidAt: row.said_at ?? undefined, unsaidSince: row.unsaid_since ?? undefined },
    replaced: replacements(row),
    entries: entries.map(({ object, state, at, said, channel, ts }) => ({
      ...{ object, is: state, at, said },
      ...(state === 'failing' && channel !== null && ts !== null && { url: placeUrl({ channel, ts }) })
    }))
  }
}

/** What the memory of an object has in it that had that revision last, or fails at it. */
export function remembersRevision(revision: string): string {
  return `"revision":${JSON.stringify(revision)}`
}

/** The beginning of the keys of all objects of a kind in a cluster. */
export function keysOf({ cluster, kind }: ObjectRef): string {
  return objectKey({ cluster, kind, namespace: '', name: '' }).slice(0, -1)
}
