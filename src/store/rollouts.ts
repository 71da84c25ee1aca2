// Rollouts: decides what a report changes in the known rollouts, and when there is something to say of one. Pure: each store reads
// what is known and writes the changes.
import type { ObjectRef } from '../events/flux.ts'
import { objectKey, objectOf } from '../objects/name.ts'
import type { RolloutEntry, RolloutHead } from '../render/compose/rollout-standing.ts'
import type { RolloutReport } from './kept.ts'
import { type LiveRow, type RolloutRow, replacements } from './rollouts/rows.ts'

/** The new state of an object in a rollout; `gone` removes it. */
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
  /**
   * Objects of the same cluster in the rollout `from` are expected in `into`, which took its place; undefined for the one that begins.
   * With `hasExpected`, that includes objects that were only expected in `from`, too.
   */
  carried: readonly { from: number; into: number | undefined; hasExpected: boolean }[]
  /** Set if the object is the first of its cluster: others with the same previous revision are expected in `into`, as above. */
  first?: { into: number | undefined }
}

/** How long news waits at most for more of it, in ms. */
const maxUnsaidMs = 15 * 60_000

/** Sources that are remembered as the origin of a rollout's revision: usually one in each cluster. */
const maxSources = 100

/** What is known besides a report. */
interface Occasion {
  /** Cluster of the object. */
  cluster: string
  /** Id of the event, if it is kept. */
  event: number | null
  /** Key of the source that the object's revisions come from, if it is known. */
  source: string | undefined
  /** ms */
  now: number
}

/** Decides what a report changes in `live`, the known rollouts of its scope, oldest first. */
export function follow(live: readonly LiveRow[], report: RolloutReport, occasion: Occasion): RolloutChanges {
  const { cluster, source } = occasion
  const isChart = report.revision === ''
  const target = isChart ? ofCharts(live, report, { cluster, source }) : live.find((row) => isOf(row, report))
  const others = live.filter((row) => row.id !== target?.id)
  const passed = others.filter((row) => isPassed(row, target, report, cluster))
  const left = others.filter((row) => !passed.includes(row) && isLeft(row, report, cluster))
  const rows = [
    ...passed.map((row) => replaced(row, report, cluster)),
    ...left.map((row) => moved(row, report, { ...occasion, isNews: true, event: null }))
  ]
  // A chart that turns out to be of another source was never a part of that rollout.
  const entries = left.map((row): EntryChange => {
    return { rollout: row.id, state: isChart && !isPossible(row, cluster, source) ? 'gone' : report.is, said: '' }
  })
  const into = target === undefined || isShut(target, cluster) ? undefined : target
  const begun =
    target === undefined && report.isMove ? begin(report, { ...occasion, unsaid: earliest(passed) }) : undefined
  const state = into === undefined ? begun && report.is : nextState(into, report)
  if (state === undefined) return { rows, entries, carried: [] }
  entries.push({ rollout: into?.id, state, said: state === 'failing' || state === 'applied' ? report.said : '' })
  if (into !== undefined) rows.push(moved(into, report, { ...occasion, isNews: into.state !== state }))
  const carried = passed.map((row) => ({ from: row.id, into: into?.id, hasExpected: row.due_at !== null }))
  const isFirst = (into?.members ?? 0) === 0 && report.isAbout !== undefined && report.previous !== ''
  return { ...(begun && { begun }), rows, entries, carried, ...(isFirst && { first: { into: into?.id } }) }
}

/** Reports whether a rollout no longer concerns the object, which failed there, or is gone and will not reach the revision. */
function isLeft(row: LiveRow, { is }: RolloutReport, cluster: string): boolean {
  if ((is !== 'applied' && is !== 'gone') || isShut(row, cluster)) return false
  return row.state === 'failing' || (is === 'gone' && (row.state === 'expected' || row.state === 'coming'))
}

function isOf({ revision }: RolloutRow, report: RolloutReport): boolean {
  return revision === report.revision
}

/**
 * Finds the rollout that a chart's report counts for: one in which the chart fails or takes part, or else one under way in its cluster,
 * which is of the chart's source or, if nobody knows the source, the only candidate.
 */
function ofCharts(
  live: readonly LiveRow[],
  { isMove }: RolloutReport,
  { cluster, source }: Pick<Occasion, 'cluster' | 'source'>
): LiveRow | undefined {
  const open = live.filter((row) => !isShut(row, cluster))
  const possible = isMove ? open.filter((row) => isPossible(row, cluster, source)) : open
  const known = possible.findLast(({ state, due_at }) => state === 'failing' || (state !== null && due_at !== null))
  if (known !== undefined || !isMove) return known
  const around = possible.filter(({ members, due_at }) => members > 0 && due_at !== null)
  const commits = around.filter(({ revision }) => revision !== '')
  const own = commits.findLast((row) => source !== undefined && sourcesIn(row, cluster).includes(source))
  return own ?? (commits.length === 1 ? commits[0] : around.find(({ revision }) => revision === ''))
}

/** False only if the rollout is known to be of one source and the chart of another. */
function isPossible(row: RolloutRow, cluster: string, source: string | undefined): boolean {
  const sources = sourcesIn(row, cluster)
  return source === undefined || sources.length === 0 || sources.includes(source)
}

/** The known sources of a rollout's revision in a cluster. */
function sourcesIn({ head }: RolloutRow, cluster: string): string[] {
  const { sources = [] } = JSON.parse(head) as RolloutHead
  return sources.filter((key) => objectOf(key).cluster === cluster)
}

/** Reports whether the object has gone on from this rollout to the reported revision. */
function isPassed(row: LiveRow, target: LiveRow | undefined, report: RolloutReport, cluster: string): boolean {
  if (!report.isMove || report.revision === '' || row.revision === '' || isShut(row, cluster)) return false
  if (row.state === null) return false
  // A slow object may report an older revision while a newer one expects it: it has yet to report that one.
  return row.state !== 'expected' || target === undefined || row.id < target.id
}

function isShut(row: RolloutRow, cluster: string): boolean {
  return Boolean(row.is_closed) || Object.hasOwn(replacements(row), cluster)
}

/** The object's new state in a rollout; undefined if the report changes nothing. */
function nextState(row: LiveRow, { is, isMove, said }: RolloutReport): EntryChange['state'] | undefined {
  const isOpen = row.due_at !== null
  if (row.state === null) {
    if (is === 'gone') return undefined
    return isMove || (is === 'applied' && isOpen) ? is : undefined
  }
  // The text may change without the state: messages name what fails now, and the version of a chart that was applied last.
  if (row.state === is) return (is === 'failing' || (is === 'applied' && isMove)) && row.said !== said ? is : undefined
  // An object that begins again with the same revision keeps its state.
  if (is === 'coming' && row.state !== 'expected') return undefined
  // A failure after the rollout has settled is no longer part of it.
  if (is === 'failing' && row.state === 'applied' && !isOpen) return undefined
  return is
}

/** The earliest time since when there is something to say about one of `rows`. */
function earliest(rows: readonly RolloutRow[]): number | null {
  const since = rows.flatMap(({ unsaid_since }) => (unsaid_since === null ? [] : [unsaid_since]))
  return since.length === 0 ? null : Math.min(...since)
}

/** The rollout that a report begins. `unsaid` is since when there is something to say about those whose place it takes. */
function begin(
  report: RolloutReport,
  { unsaid, ...occasion }: Occasion & { unsaid: number | null }
): Omit<RolloutRow, 'id'> {
  const { event, now } = occasion
  const { rule, destination, scope, revision, head, settleMs } = report
  const row = {
    ...{ rule, destination, scope, revision, head: JSON.stringify(head), event_id: event },
    ...{ opened_at: now, last_at: now, settle_ms: settleMs },
    ...{ unsaid_since: unsaid, said_at: null, due_at: null, replaced: '{}', is_closed: 0 }
  }
  const { id: _, ...begun } = moved({ ...row, id: 0 }, report, { ...occasion, isNews: true })
  return begun
}

function moved(
  row: RolloutRow,
  report: RolloutReport,
  { isNews, event, source, now }: Omit<Occasion, 'cluster'> & { isNews: boolean }
): RolloutRow {
  const { settleMs, firstMs, is } = report
  const head = JSON.parse(row.head) as RolloutHead
  // A chart's source says nothing about the source of the revision that it was rolled out with.
  const sources = report.revision === row.revision ? withSource(head.sources, source) : head.sources
  const known = { ...report.head, ...head, cluster: head.cluster, ...(sources && { sources }) }
  // A rollout of charts has no revision that a later report could name.
  const next = { ...row, head: JSON.stringify(row.revision === '' ? head : known), settle_ms: settleMs }
  if (!isNews) return next
  const isToSay = is !== 'coming'
  const unsaid = notAhead(row.unsaid_since, now) ?? (isToSay ? now : null)
  const saidAt = notAhead(row.said_at, now)
  const dues = [now + settleMs, ...(unsaid === null ? [] : [unsaid + maxUnsaidMs])]
  if (saidAt === null && firstMs !== undefined) dues.push(Math.min(row.opened_at, now) + firstMs)
  // The first message about a failure is due at once, later ones together with whatever else fails by then.
  if (is === 'failing') dues.push(saidAt === null ? now : Math.max(now, saidAt + settleMs))
  return {
    ...next,
    ...{ last_at: now, unsaid_since: unsaid, said_at: saidAt, due_at: Math.min(...dues) },
    ...(event !== null && is === 'failing' && { event_id: event })
  }
}

function withSource(sources: RolloutHead['sources'], source: string | undefined): RolloutHead['sources'] {
  const known = sources ?? []
  const isNew = source !== undefined && !known.includes(source) && known.length < maxSources
  return isNew ? [...known, source] : sources
}

function notAhead(at: number | null, now: number): number | null {
  return at === null ? null : Math.min(at, now)
}

function replaced(row: LiveRow, { head, revision }: RolloutReport, cluster: string): RolloutRow {
  const isOver = row.due_at === null && row.failing === 0 && row.coming === 0
  const all = { ...replacements(row), [cluster]: { by: head.revision?.text ?? revision, isOver } }
  const isClosed = Object.keys(all).length >= row.clusters
  // Whatever was still to be said of it is said of the rollout that took its place.
  return {
    ...row,
    ...{ replaced: JSON.stringify(all), is_closed: isClosed ? 1 : 0 },
    ...(isClosed && { due_at: null, unsaid_since: null })
  }
}

/** A text that an object's stored memory contains if the object had `revision` last or fails at it. */
export function remembersRevision(revision: string): string {
  return `"revision":${JSON.stringify(revision)}`
}

/** A text that an object's stored memory contains if the object follows the source with the key `source`; without a key, any source. */
export function remembersSource(source = ''): string {
  const text = `"follows":${JSON.stringify(source)}`
  return source === '' ? text.slice(0, -1) : text
}

/** The prefix that the keys of all objects of one kind in a cluster have. */
export function keysOf({ cluster, kind }: ObjectRef): string {
  return objectKey({ cluster, kind, namespace: '', name: '' }).slice(0, -1)
}
