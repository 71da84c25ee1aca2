// Board: sorts everything that fails for the first page: errors, warnings and muted objects apart, equal causes together, and
// dependents below the failing object that they wait for.
import { hash } from 'node:crypto'
import { withoutOwn } from '../events/cause.ts'
import { blamedBy } from '../events/dependency.ts'
import { withoutVariation } from '../events/fingerprint.ts'
import { parseRevision } from '../events/revision.ts'
import { objectKey } from '../objects/name.ts'
import { compileSearch, isEverything, type Search } from '../search.ts'
import type { Listed, ObjectRecord } from '../store/records.ts'
import type { ActiveMute, MutesOf, OwnerOf, Trouble } from './trouble.ts'

/** Objects that fail for the same cause. */
export interface Cause {
  /** Stays the same between renders, so it can serve as an id in the page. */
  id: string
  /** The object that has been failing longest. */
  first: Trouble
  items: readonly Trouble[]
  /** Objects that wait for one of `items`, or need it. */
  dependents: readonly Trouble[]
}

export interface Board {
  /** Causes with an error: those of several objects first, then the oldest first. Their dependents may be warnings. */
  failing: readonly Cause[]
  /** Causes that are only warnings, in the same order. */
  waiting: readonly Cause[]
  /** Muted objects by what mutes them, the oldest first. */
  muted: readonly { by: ActiveMute; items: readonly Trouble[] }[]
  /** Objects that failed at their last event and have been silent for long since. */
  stale: readonly Trouble[]
  counts: { failing: number; waiting: number; muted: number; stale: number }
  /** The failure that began first of all that are neither muted nor stale; `newest` began last. */
  oldest: Trouble | undefined
  newest: Trouble | undefined
  /** True if every warning is about an object that waits for another. */
  onlyWaits: boolean
  /** True if there are more failing objects than were read. */
  isCut: boolean
  /** Failing objects that the search leaves on the page. */
  shown: number
  facets: readonly Facet[]
}

export interface Facet {
  field: 'cluster' | 'namespace' | 'kind' | 'owner'
  /** Most frequent first. */
  values: readonly (readonly [value: string, count: number])[]
}

/** Builds the board. `search` narrows what is shown; the counts cover everything. */
export function boardOf(
  { items, next }: Listed<ObjectRecord>,
  mutesOf: MutesOf,
  ownerOf: OwnerOf,
  search: Search
): Board {
  const troubles = items.filter((item): item is Trouble => item.failure !== undefined)
  const stale = troubles.filter(({ state }) => state === 'stale')
  const muted = new Map<ActiveMute, Trouble[]>()
  const open: Trouble[] = []
  for (const trouble of troubles) {
    if (trouble.state === 'stale') continue
    const [by] = mutesOf(trouble)
    if (by === undefined) open.push(trouble)
    else if (muted.get(by)?.push(trouble) === undefined) muted.set(by, [trouble])
  }
  const warnings = open.filter(({ failure }) => failure.severity === 'warn')
  const isShown = finderOf(search, ownerOf)
  const shownOpen = open.filter(isShown)
  const shownMuted = [...muted].map(([by, of]) => [by, of.filter(isShown)] as const).filter(([, of]) => of.length > 0)
  const shownStale = stale.filter(isShown)
  const causes = causesOf(shownOpen)
  return {
    failing: causes.filter(({ first }) => first.failure.severity !== 'warn'),
    waiting: causes.filter(({ first }) => first.failure.severity === 'warn'),
    muted: shownMuted.map(([by, of]) => ({ by, items: of.toSorted(byAge) })),
    stale: shownStale,
    counts: {
      failing: open.length - warnings.length,
      waiting: warnings.length,
      muted: troubles.length - stale.length - open.length,
      stale: stale.length
    },
    oldest: open.reduce<Trouble | undefined>((old, one) => (old && byAge(old, one) <= 0 ? old : one), undefined),
    newest: open.reduce<Trouble | undefined>((young, one) => (young && byAge(young, one) > 0 ? young : one), undefined),
    onlyWaits: warnings.every(({ failure }) => failure.reason === 'DependencyNotReady'),
    isCut: next !== null,
    shown: shownOpen.length + shownMuted.reduce((sum, [, of]) => sum + of.length, 0) + shownStale.length,
    facets: [
      ...(['cluster', 'namespace', 'kind'] as const).map((field) =>
        facetOf(
          field,
          troubles.map(({ object }) => object[field])
        )
      ),
      facetOf(
        'owner',
        troubles.map((trouble) => ownerOf(trouble) ?? '')
      )
    ]
  }
}

/** The warnings among a cause's objects and its dependents. */
export function warningsOf({ items, dependents }: Cause): Trouble[] {
  return [...items, ...dependents].filter(({ failure }) => failure.severity === 'warn')
}

/** `4 waiting`, `1 warning` */
export function sayWarnings(
  count: number,
  { onlyWaits }: Pick<Board, 'onlyWaits'>,
  number = count.toLocaleString('en')
) {
  return `${number} ${onlyWaits ? 'waiting' : count === 1 ? 'warning' : 'warnings'}`
}

/** Returns a function that reports whether `search` matches an object. */
export function finderOf(search: Search, ownerOf: OwnerOf): (record: ObjectRecord) => boolean {
  if (isEverything(search)) return () => true
  const isFound = compileSearch(search)
  const hasWords = search.words.length > 0
  return (record) => {
    const { reason = '', severity = '', text = '', gist = '', revision = '' } = record.failure ?? {}
    const revisions = hasWords ? [revision, record.revision].flatMap(formsOf) : []
    return isFound({ ...record.object, reason, severity, owner: ownerOf(record) ?? '' }, [text, gist, ...revisions])
  }
}

/** The two spellings of a revision: as Flux writes it, and as the pages show it. */
function formsOf(revision: string): string[] {
  return revision === '' ? [] : [revision, parseRevision(revision).short]
}

function facetOf(field: Facet['field'], values: readonly string[]): Facet {
  const counts = countsOf(values)
  return { field, values: counts.filter(([value]) => value !== '') }
}

/** Distinct values with their counts, most frequent first. */
export function countsOf(values: readonly string[]): [value: string, count: number][] {
  const counts = new Map<string, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return [...counts].sort(([a, n], [b, m]) => m - n || (a < b ? -1 : 1))
}

/** True if a cause affects more than two objects: those are listed first. */
function isMany({ items, dependents }: Cause): boolean {
  return items.length + dependents.length > 2
}

/** Orders by the start of the failure, oldest first. */
function byAge(a: Trouble, b: Trouble): number {
  return a.failure.since - b.failure.since
}

function causesOf(troubles: readonly Trouble[]): Cause[] {
  const texts = new Map<string, string>()
  const found = new Map(troubles.map((trouble) => [trouble, findIn(trouble, texts)]))
  const { roots, dependentsOf } = explained(troubles, found)
  const groups = Map.groupBy(roots, (trouble) => found.get(trouble)?.cause ?? '')
  return [...groups]
    .map(([key, of]) => {
      const items = of.toSorted(byAge)
      return {
        id: hash('sha256', key).slice(0, 12),
        first: items[0] as Trouble,
        items,
        dependents: items.flatMap((item) => dependentsOf.get(item) ?? []).toSorted(byAge)
      }
    })
    .sort((a, b) => Number(isMany(b)) - Number(isMany(a)) || byAge(a.first, b.first))
}

/** What the board derives from one failure: its cause, the key of its object, and the keys of the objects that it blames. */
interface Found extends Pick<Trouble['failure'], 'severity' | 'reason' | 'text' | 'gist'> {
  key: string
  cause: string
  blames: readonly string[]
}

// Kept as long as the object is in memory: every render looks at the same objects, and most of them have not changed.
const known = new WeakMap<Trouble['object'], Found>()

/** `texts` caches the normalised text that many failures share. */
function findIn({ object, failure: { severity, reason, text, gist } }: Trouble, texts: Map<string, string>): Found {
  const last = known.get(object)
  if (last?.text === text && last.gist === gist && last.reason === reason && last.severity === severity) return last
  // The gist alone is too coarse: different failures can share a first line such as "exit status 1".
  const own = withoutOwn(gist ?? text, object)
  const said = texts.get(own) ?? withoutVariation(own)
  texts.set(own, said)
  const cause = [severity === 'warn', reason, said].join('\n')
  const { cluster } = object
  const blames = blamedBy(object, text).map((named) => objectKey({ ...named, cluster }))
  const found = { severity, reason, text, gist, key: last?.key ?? objectKey(object), cause, blames }
  known.set(object, found)
  return found
}

/** Separates failures that another object's failure explains from those that stand for themselves. */
function explained(troubles: readonly Trouble[], found: ReadonlyMap<Trouble, Found>) {
  const blamed = new Set([...found.values()].flatMap(({ blames }) => blames))
  const byKey = new Map<string, Trouble>()
  for (const [trouble, { key }] of found) if (blamed.has(key)) byKey.set(key, trouble)
  const parents = new Map<Trouble, Trouble>()
  for (const trouble of troubles) {
    const { failure } = trouble
    for (const key of found.get(trouble)?.blames ?? []) {
      const parent = byKey.get(key)
      if (parent === undefined || rootOf(parent, parents) === trouble) continue
      // A warning cannot explain an error.
      if (parent.failure.severity === 'warn' && failure.severity !== 'warn') continue
      parents.set(trouble, parent)
      break
    }
  }
  const children = troubles.filter((trouble) => parents.has(trouble))
  return {
    roots: troubles.filter((trouble) => !parents.has(trouble)),
    dependentsOf: Map.groupBy(children, (trouble) => rootOf(trouble, parents))
  }
}

function rootOf(trouble: Trouble, parents: ReadonlyMap<Trouble, Trouble>): Trouble {
  let root = trouble
  for (let parent = parents.get(root); parent !== undefined; parent = parents.get(root)) root = parent
  return root
}
