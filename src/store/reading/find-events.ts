// Event search: chooses the index to walk along, and the conditions for every row on the way.
import type { ObjectRef } from '../../events/flux.ts'
import { isGlob } from '../../patterns.ts'
import { likeGlob, likeWord, type Search, spokenIn } from '../../search.ts'
import type { EventFilter, Page } from '../records.ts'
import { besideState, keptState } from './states.ts'
import { type Ask, Conditions, firstSince, lastBefore, type Walk, type Walked, walk } from './walk.ts'

const fields = ['source', 'cluster', 'kind', 'namespace', 'name', 'reason', 'severity', 'transition'] as const

/** Finds the ids of the events on a page. `keyOf` makes the store's key of an object. */
export function findEvents(
  ask: Ask,
  keyOf: (object: ObjectRef) => string,
  asked: EventFilter,
  page: Page
): Promise<Walked> {
  return inAnyCase(asked, (filter) => findAs(ask, keyOf, filter, page))
}

async function findAs(
  ask: Ask,
  keyOf: (object: ObjectRef) => string,
  filter: EventFilter,
  page: Page
): Promise<Walked> {
  const none = { ids: [], next: null }
  const found = asksOfNotifications(filter) ? byNotification(filter, page) : byEvent(filter, keyOf)
  const { lead } = found.conditions
  if (filter.since !== undefined) {
    const first = await firstSince(ask, found.table, filter.since)
    if (first === undefined) return none
    lead.push(`id >= ${first}`)
  }
  if (filter.until !== undefined && found.table === 'events') {
    const last = await lastBefore(ask, filter.until)
    if (last === undefined) return none
    lead.push(`id <= ${last}`)
  }
  return walk(ask, found, page)
}

/** Fields whose names have one spelling in every row, and have an index or are few: a search for one is an exact filter. */
const exact = ['cluster', 'namespace', 'rule', 'destination', 'state'] as const

/** Finds by the names of a search as they are written, which an index may answer; if that finds nothing, regardless of case. */
export async function inAnyCase<Filter extends EventFilter>(
  asked: Filter,
  find: (filter: Filter) => Promise<Walked>
): Promise<Walked> {
  const filter = narrowed(asked)
  const found = await find(filter)
  const fields = (of: Filter) => Object.keys(of.search?.fields ?? {}).length
  return found.ids.length > 0 || found.next !== null || fields(filter) === fields(asked) ? found : find(asked)
}

/** Turns everything that a search says exactly into filters, which an index may answer. */
function narrowed<Filter extends EventFilter>(filter: Filter): Filter {
  if (filter.search === undefined) return filter
  const fields = { ...filter.search.fields }
  const found: Record<string, string> = {}
  for (const field of exact) {
    const [value, ...more] = fields[field] ?? []
    if (value === undefined || more.length > 0 || isGlob(value) || filter[field] !== undefined) continue
    // Namespaces in Kubernetes are always in lower case.
    found[field] = field === 'namespace' ? value.toLowerCase() : value
    delete fields[field]
  }
  return { ...filter, ...found, search: { ...filter.search, fields } }
}

/** The rest of a search as conditions: `aliasOf` gives the alias of a field's table, `body` is the column that has the words. */
export function searched(
  conditions: Conditions,
  search: Search | undefined,
  aliasOf: (field: string) => string,
  body: string
): string[] {
  if (search === undefined) return []
  const columnOf = (field: string) => `${aliasOf(field)}.${field}`
  const like = (columns: readonly string[], patterns: readonly string[]) => {
    const places = patterns.map((pattern) => conditions.put(pattern))
    return `(${columns.flatMap((column) => places.map((place) => `lower(${column}) like ${place} escape '!'`)).join(' or ')})`
  }
  return [
    ...Object.entries(search.fields).map(([field, globs]) => like([columnOf(field)], globs.map(likeGlob))),
    ...search.words.map((word) => like([body, ...spokenIn(word, columnOf)], likeWord(word)))
  ]
}

/** The cursor after an event, for a page that ends early. */
export async function placeOf(ask: Ask, event: number, asked: EventFilter, page: Page): Promise<string> {
  const filter = narrowed(asked)
  if (!asksOfNotifications(filter)) return String(event)
  const conditions = new Conditions()
  const wanted = notificationIs(conditions, filter)
  const place = page.order === 'asc' ? 'min(o.id)' : 'max(o.id)'
  const [row] = await ask(
    `select ${place} as id from notifications o where o.event_id = ${event} and ${wanted.join(' and ')}`,
    conditions.values
  )
  return String(row?.['id'])
}

// Written so that only the index of the event's own notifications can be used: they are few, unlike those of a rule.
function notificationIs(conditions: Conditions, { rule, destination, state }: EventFilter): string[] {
  const wanted = { rule, destination, state: state && keptState(state) }
  const equal = Object.entries(wanted).flatMap(([column, value]) =>
    value === undefined ? [] : [`coalesce(o.${column}, '') = ${conditions.put(value)}`]
  )
  return [...equal, ...besideState('o', state)]
}

/** Reports whether the events are best found by their notifications, because what is asked for is rare and nothing says where it is. */
function asksOfNotifications({ rule, destination, state, namespace }: EventFilter): boolean {
  if (namespace !== undefined) return false
  return rule !== undefined || destination !== undefined || (state !== undefined && state !== 'sent')
}

function byEvent(filter: EventFilter, keyOf: (object: ObjectRef) => string): Walk {
  const conditions = new Conditions()
  const { cluster, kind, namespace, name, since, until } = filter
  const left = new Map(fields.map((field) => [field, filter[field]]))
  if (cluster !== undefined && kind !== undefined && namespace !== undefined && name !== undefined) {
    conditions.column = ['object', conditions.put(keyOf({ cluster, kind, namespace, name }))]
  } else if (namespace !== undefined) {
    conditions.column = ['namespace', conditions.put(namespace)]
    left.delete('namespace')
  } else if (cluster !== undefined) {
    conditions.column = ['cluster', conditions.put(cluster)]
    left.delete('cluster')
  }
  conditions.rest.push(...conditions.equal('w', Object.fromEntries(left)), ...within(conditions, 'w', since, until))
  const wanted = notificationIs(conditions, filter)
  if (wanted.length > 0) {
    conditions.rest.push(one('w.id', wanted.join(' and '), 'is not null'))
  }
  conditions.rest.push(...searched(conditions, filter.search, () => 'w', 'w.body'))
  const body = filter.search?.words.length ? ['body'] : []
  return { table: 'events', columns: ['received_at', ...fields, ...body], conditions }
}

/** Walks along notifications: an event is found at the first of its own that matches. */
function byNotification(filter: EventFilter, page: Page): Walk {
  const conditions = new Conditions()
  const { rule, destination, state } = filter
  goAlong(conditions, leadOf(filter))
  conditions.rest.push(
    ...conditions.equal('w', { rule, destination, state: state && keptState(state) }),
    ...besideState('w', state),
    ...conditions.equal('e', Object.fromEntries(fields.map((field) => [field, filter[field]]))),
    ...within(conditions, 'e', filter.since, filter.until),
    ...searched(conditions, filter.search, () => 'e', 'e.body')
  )
  const others = notificationIs(conditions, filter)
  const before = page.order === 'asc' ? '<' : '>'
  conditions.rest.push(one('w.event_id', [`o.id ${before} w.id`, ...others].join(' and '), 'is null'))
  return {
    table: 'notifications',
    columns: ['event_id', 'rule', 'destination', 'state', 'reason'],
    beside: 'events e where e.id = w.event_id',
    conditions,
    found: 'w.event_id'
  }
}

// This is not `exists`, which PostgreSQL may answer for all rows at once, by reading the whole table.
function one(event: string, conditions: string, is: 'is null' | 'is not null'): string {
  return `(select o.id from notifications o where o.event_id = ${event} and ${conditions} limit 1) ${is}`
}

/** Adds the conditions by which the walk goes along the index of `lead`, if there is one. */
export function goAlong(conditions: Conditions, lead: ReturnType<typeof leadOf>): void {
  for (const [column, value] of Object.entries(lead)) conditions.column = [column, conditions.put(value)]
  // Tells the database that the index of what is not sent has all of them.
  if ('state' in lead) conditions.lead.push(`state <> 'sent'`)
}

/** The part of a filter on notifications to look for first: the rarest that has an index. */
export function leadOf({ rule, destination, state }: Pick<EventFilter, 'rule' | 'destination' | 'state'>) {
  if (state === 'dead') return { state }
  if (rule !== undefined) return { rule }
  if (destination !== undefined) return { destination }
  return state === undefined || state === 'sent' ? {} : { state: keptState(state) }
}

function within(conditions: Conditions, alias: string, since: number | undefined, until: number | undefined): string[] {
  return [
    ...(since === undefined ? [] : [`${alias}.received_at >= ${conditions.put(since)}`]),
    ...(until === undefined ? [] : [`${alias}.received_at < ${conditions.put(until)}`])
  ]
}
