// Digest groups: arrange what waits in a lane: each object once, in its latest state; equal causes together; and what another
// failing object explains, below that object. Pure.
import { blamedBy, type Named } from '../../events/dependency.ts'
import { objectKey } from '../../objects/name.ts'
import { isOwn, type View } from './view.ts'

export interface Waiting {
  id: string
  event: string
  /** Time of acceptance, in ms. */
  createdAt: number
  view: View
}

/** Categories of objects, in the order in which they are shown. */
export const categories = ['failing', 'warning', 'recovered', 'cleared', 'gone', 'other'] as const
/** `cleared`: a warning, or one step of several, that is over; `gone`: a failed object that was removed. */
export type Category = (typeof categories)[number]

/** One object, with everything that waits about it. */
export interface Item {
  ids: readonly string[]
  category: Category
  /** The view that tells its state, see {@link decisive}. */
  view: View
  /** Number of events that say that it fails. */
  failures: number
  /** True if it recovered and has failed again since, or failed and has recovered since. */
  turned: boolean
  /** True if everything that waits about it says that it still fails. */
  lasts: boolean
}

/** Objects shown together: their text once, then their names. */
export interface Group {
  category: Category
  items: Item[]
  /** Objects whose trouble this group explains, because they wait for one of its objects, or need it. */
  dependents: Item[]
}

/** Folds `waiting`, oldest first, into groups in the order in which they are shown. */
export function fold(waiting: readonly Waiting[]): Group[] {
  const groups = new Map<string, Group>()
  for (const item of itemsOf(waiting)) {
    const key = groupKey(item)
    const group = groups.get(key) ?? { category: item.category, items: [], dependents: [] }
    group.items.push(item)
    groups.set(key, group)
  }
  const all = [...groups.values()].sort((a, b) => categories.indexOf(a.category) - categories.indexOf(b.category))
  return explain(all)
}

function itemsOf(waiting: readonly Waiting[]): Item[] {
  const bySubject = new Map<string, Waiting[]>()
  for (const entry of waiting) {
    const key = subjectOf(entry.view)
    const entries = bySubject.get(key)
    if (entries === undefined) bySubject.set(key, [entry])
    else entries.push(entry)
  }
  return [...bySubject.values()].map(itemOf)
}

function itemOf(entries: Waiting[]): Item {
  const { view } = decisive(entries)
  // Events are counted, because two rules may notify one destination of the same event.
  const failing = new Set(entries.filter(({ view }) => isOfFailure(view)).map(({ event }) => event))
  const category = categoryOf(view)
  return {
    ids: entries.map(({ id }) => id),
    category,
    view,
    failures: failing.size,
    turned: view.says === 'recovered' ? failing.size > 0 : entries.some((entry) => entry.view.says === 'recovered'),
    lasts: category === 'failing' && entries.every((entry) => entry.view.says === 'repeated')
  }
}

/**
 * The key of a subject, of which only the latest is said: an object. A notice of the relay is about one trouble of a destination or
 * source, which may have others, and each piece of its news is a subject of its own.
 */
export function subjectOf(view: View): string {
  const key = objectKey(view.object)
  return isOwn(view) ? [key, view.cause, view.says === 'informed' ? view.message : ''].join('\n') : key
}

/**
 * Returns the one of `entries` that tells the state of their common subject: the newest about a failure or its end. News after a
 * failure does not end it, and an older failing event that came late is not the latest. `entries` is never empty.
 */
export function decisive<T extends { view: View }>(entries: readonly T[]): T {
  let last: T | undefined
  for (const entry of entries) {
    const { says, at } = entry.view
    if (!isOfFailure(entry.view) && says !== 'recovered') continue
    const isLate = says === 'repeated' && last !== undefined && last.view.says !== 'recovered' && at < last.view.at
    if (!isLate) last = entry
  }
  return last ?? (entries.at(-1) as T)
}

/** Reports whether a view is about a failure. A repeated remark is not, nor is an event that came late. */
function isOfFailure({ says, failure }: View): boolean {
  return says === 'failed' || says === 'changed' || (says === 'repeated' && failure !== undefined)
}

function categoryOf(view: View): Category {
  const { says, severity, ending } = view
  if (says === 'recovered') {
    if (ending === undefined) return 'recovered'
    return ending === 'uninstalled' || ending === 'deleted' ? 'gone' : 'cleared'
  }
  if (severity === 'warn') return 'warning'
  if (isOfFailure(view)) return 'failing'
  // The event came late, or it is a notice of the relay: nothing fails because of it, but not all is well either.
  return severity === 'error' ? 'warning' : 'other'
}

function groupKey({ category, view }: Item): string {
  const { says, reason, cause, revision, ending } = view
  if (says === 'recovered') return `${category}\n${ending}\n${isOwn(view) ? cause : ''}`
  return category === 'other' ? `${says}\n${reason}\n${revision?.text}\n${cause}` : sameTrouble({ category, view })
}

function sameTrouble({ category, view }: Pick<Item, 'category' | 'view'>): string {
  const { reason, cause, summary } = view
  // Numbers and names in the relay's own words belong to one destination or source.
  return `${category}\n${reason}\n${cause}\n${isOwn(view) ? summary : ''}`
}

/** Groups items by trouble. Groups and items stay in the order in which they came. */
export function grouped(items: readonly Item[]): Item[][] {
  return [...Map.groupBy(items, sameTrouble).values()]
}

/** Moves each object that only suffers from another object's failure below that object. */
function explain(groups: Group[]): Group[] {
  const homes = new Map<string, { group: Group; item: Item }>()
  for (const group of groups) {
    if (group.category !== 'failing') continue
    for (const item of group.items) {
      homes.set(keyOf(item.view.object.cluster, item.view.object), { group, item })
    }
  }
  const isCause = new Set<Item>()
  const moved = new Set<Item>()
  for (const group of groups) {
    if (group.category !== 'failing' && group.category !== 'warning') continue
    for (const item of group.items) {
      const home = causeOf(item, homes)
      // A cause stays where it is, and an object that was moved explains nothing, so there are no circles.
      if (home === undefined || isCause.has(item) || moved.has(home.item)) continue
      isCause.add(home.item)
      moved.add(item)
      home.group.dependents.push(item)
    }
  }
  return groups
    .map((group) => ({ ...group, items: group.items.filter((item) => !moved.has(item)) }))
    .filter(({ items }) => items.length > 0)
}

/** Finds the failing object of the same cluster that an item blames. */
function causeOf({ view: { object, message } }: Item, homes: ReadonlyMap<string, { group: Group; item: Item }>) {
  const self = keyOf(object.cluster, object)
  for (const named of blamedBy(object, message)) {
    const key = keyOf(object.cluster, named)
    const home = homes.get(key)
    if (home !== undefined && key !== self) return home
  }
  return undefined
}

function keyOf(cluster: string, { kind, namespace, name }: Named): string {
  return `${cluster}\n${kind}/${namespace}/${name}`
}
