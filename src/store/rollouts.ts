// Rollouts: decides what a report changes of the rollouts that are known, and when there is something to say of one. Pure: each
// store reads what is known, and writes what comes of it.
import type { ObjectRef } from '../events/flux.ts'
import { objectKey, objectOf } from '../objects/name.ts'
import type { RolloutEntry, RolloutHead } from '../render/compose/rollout-standing.ts'
import type { RolloutReport } from './kept.ts'
import { type LiveRow, type RolloutRow, replacements } from './rollouts/rows.ts'

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

/** Where news never ends, it is said so often, in ms. */
const maxUnsaidMs = 15 * 60_000

/** For how many sources it is remembered that a revision is theirs: one in each cluster, as a rule. */
const maxSources = 100

/** What a report comes with. */
interface Occasion {
  /** Of the object. */
  cluster: string
  /** The id of its event, where that is kept. */
  event: number | null
  /** The key of the source that its revisions are of, where that is known. */
  source: string | undefined
  /** ms */
  now: number
}

/** What a report changes of the rollouts that are known: `live`, oldest first. */
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
  // A chart that turns out to be of another source was never a part of it.
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

/** Whether the object no longer fails in another rollout, nor is it waited for there: what is gone comes to no revision any more. */
function isLeft(row: LiveRow, { is }: RolloutReport, cluster: string): boolean {
  if ((is !== 'applied' && is !== 'gone') || isShut(row, cluster)) return false
  return row.state === 'failing' || (is === 'gone' && (row.state === 'expected' || row.state === 'coming'))
}

function isOf({ revision }: RolloutRow, report: RolloutReport): boolean {
  return revision === report.revision
}

/**
 * Where a chart counts: where it fails, or in what goes on in its cluster: what is of its source, and where nobody knows of which
 * source that is, the one thing that it can be.
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

/** Not where it is known that the rollout is of one source, and the chart of another. */
function isPossible(row: RolloutRow, cluster: string, source: string | undefined): boolean {
  const sources = sourcesIn(row, cluster)
  return source === undefined || sources.length === 0 || sources.includes(source)
}

/** The sources in a cluster whose revision it is, as far as they are known. */
function sourcesIn({ head }: RolloutRow, cluster: string): string[] {
  const { sources = [] } = JSON.parse(head) as RolloutHead
  return sources.filter((key) => objectOf(key).cluster === cluster)
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

/** What an object of a rollout is from now on; undefined where the report changes nothing. */
function nextState(row: LiveRow, { is, isMove, said }: RolloutReport): EntryChange['state'] | undefined {
  const isOpen = row.due_at !== null
  if (row.state === null) {
    if (is === 'gone') return undefined
    return isMove || (is === 'applied' && isOpen) ? is : undefined
  }
  // Of charts it is said which version was applied last.
  if (row.state === is) return (is === 'failing' || (is === 'applied' && isMove)) && row.said !== said ? is : undefined
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
  // What a chart follows says nothing of the revision that it came with.
  const sources = report.revision === row.revision ? withSource(head.sources, source) : head.sources
  const known = { ...report.head, ...head, cluster: head.cluster, ...(sources && { sources }) }
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
  // What was to be said of it is said of what took its place.
  return {
    ...row,
    ...{ replaced: JSON.stringify(all), is_closed: isClosed ? 1 : 0 },
    ...(isClosed && { due_at: null, unsaid_since: null })
  }
}

/** What the memory of an object has in it that had that revision last, or fails at it. */
export function remembersRevision(revision: string): string {
  return `"revision":${JSON.stringify(revision)}`
}

/** What the memory of an object has in it that follows a source, by its key; without one, whichever. */
export function remembersSource(source = ''): string {
  const text = `"follows":${JSON.stringify(source)}`
  return source === '' ? text.slice(0, -1) : text
}

/** The beginning of the keys of all objects of a kind in a cluster. */
export function keysOf({ cluster, kind }: ObjectRef): string {
  return objectKey({ cluster, kind, namespace: '', name: '' }).slice(0, -1)
}
