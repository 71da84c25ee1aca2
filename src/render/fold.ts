// From what waits in a lane to what is to be said: each object once, with its latest state; the same trouble together;
// what another failing object explains under that one. Pure.
import type { Transition } from '../objects.ts'
import type { View } from './view.ts'

export interface Waiting {
  id: string
  event: string
  /** When it was accepted, in ms. */
  createdAt: number
  view: View
}

/** In the order in which they are told. */
export const categories = ['failing', 'warning', 'recovered', 'other'] as const
export type Category = (typeof categories)[number]

/** One object, and all that waits about it. */
export interface Item {
  ids: readonly string[]
  category: Category
  /** The newest. */
  view: View
  /** How often it was to be told that it fails. */
  failures: number
  /** It recovered, and failed again since; or failed, and has recovered since. */
  turned: boolean
}

/** Objects to be told together: the text once, then their names. */
export interface Group {
  category: Category
  items: Item[]
  /** What these objects' trouble explains: others that wait for one of them, or need it. */
  dependents: Item[]
}

/** Folds `waiting`, oldest first, into groups in the order in which they are told. */
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
  const byObject = new Map<string, Waiting[]>()
  for (const entry of waiting) {
    const { cluster, kind, namespace, name } = entry.view.object
    const key = [cluster, kind, namespace, name].join('/')
    const entries = byObject.get(key)
    if (entries === undefined) byObject.set(key, [entry])
    else entries.push(entry)
  }
  return [...byObject.values()].map(itemOf)
}

function itemOf(entries: Waiting[]): Item {
  const view = decisive(entries)
  // Two rules may tell the same destination of one event.
  const failing = new Set(entries.filter(({ view }) => tellsFailure(view.says)).map(({ event }) => event))
  const category = categoryOf(view)
  return {
    ids: entries.map(({ id }) => id),
    category,
    view,
    failures: failing.size,
    turned: category === 'recovered' ? failing.size > 0 : entries.some((entry) => entry.view.says === 'recovered')
  }
}

/** The newest view that says something of the state; a piece of news after a failure does not make it less of one. */
function decisive(entries: Waiting[]): View {
  const last = entries.findLast(({ view: { says } }) => tellsFailure(says) || says === 'recovered') ?? entries.at(-1)
  // `entries` is never empty: it is what waits about an object.
  return (last as Waiting).view
}

function tellsFailure(says: Transition): boolean {
  return says === 'failed' || says === 'changed' || says === 'repeated'
}

function categoryOf({ says, severity }: View): Category {
  if (says === 'recovered') return 'recovered'
  if (severity === 'warn') return 'warning'
  return tellsFailure(says) ? 'failing' : 'other'
}

function groupKey({ category, view }: Item): string {
  if (category === 'recovered') return category
  const { says, reason, cause, revision } = view
  return category === 'other' ? `${says}\n${reason}\n${revision?.text}\n${cause}` : `${category}\n${reason}\n${cause}`
}

// `GitRepository/flux-system/fleet`, `dependency 'apps/db' is not ready`, `Source 'OCIRepository/apps/shop'`. It looks back from
// each slash, of which there are few, instead of on from each word: a digest of a storm does this for hundreds of messages.
const reference = /\/(?<=(?:\b([A-Z][A-Za-z]{2,40})\/)?\b([a-z0-9][a-z0-9.-]{0,62})\/)([a-z0-9][a-z0-9.-]{0,62})\b/g

/** Moves what only suffers from another object's failure under that object. */
function explain(groups: Group[]): Group[] {
  const homes = new Map<string, { group: Group; item: Item }>()
  for (const group of groups) {
    if (group.category !== 'failing') continue
    for (const item of group.items) {
      const { cluster, kind, namespace, name } = item.view.object
      for (const key of [`${namespace}/${name}`, `${kind}/${namespace}/${name}`])
        homes.set(`${cluster}\n${key}`, { group, item })
    }
  }
  const isCause = new Set<Item>()
  const moved = new Set<Item>()
  for (const group of groups) {
    if (group.category !== 'failing' && group.category !== 'warning') continue
    for (const item of group.items) {
      const home = causeOf(item, homes)
      // A cause stays where it is, and what has moved explains nothing: no circles.
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

function causeOf({ view }: Item, homes: ReadonlyMap<string, { group: Group; item: Item }>) {
  const { cluster, kind, namespace, name } = view.object
  for (const [, ofKind, inNamespace, called] of view.message.matchAll(reference)) {
    const key = `${inNamespace}/${called}`
    const home = homes.get(`${cluster}\n${ofKind === undefined ? key : `${ofKind}/${key}`}`)
    const isSelf = key === `${namespace}/${name}` && (ofKind === undefined || ofKind === kind)
    if (home !== undefined && !isSelf) return home
  }
  return undefined
}
