// `objects`: lists what a running relay knows of Flux objects: what fails, since when, who was notified, and why.
import type { ListedObject } from '../../routes/api/standing.ts'
import { collect, type ListOptions, mentionMore, sayNone } from './list.ts'
import { age, print, table } from './output.ts'
import { nameInCluster, painted } from './say.ts'

const filters = ['state', 'cluster', 'kind', 'namespace', 'name']

const columns = [
  { name: 'STATE' },
  { name: 'SINCE' },
  { name: 'CLUSTER', least: 8 },
  { name: 'OBJECT', least: 24 },
  { name: 'NOTIFIED', least: 8, leaves: 1 },
  { name: 'WHY' }
]

/** Asked for one after the other: the relay sorts failing objects by their failures, but all objects together by name. */
const states = ['failing', 'stale', 'healthy']

/** Lists the objects that match, failing ones first. Resolves to the exit code. */
export async function listObjects(options: ListOptions & Record<string, unknown>): Promise<number> {
  const query = Object.fromEntries(filters.map((name) => [name, options[name] as string | undefined]))
  const limit = Number(options.limit)
  const found: ListedObject[] = []
  let next: string | null = null
  for (const state of query['state'] === undefined ? states : [query['state']]) {
    // One more than is listed shows whether there are more.
    const left = limit + 1 - found.length
    const page = await collect<ListedObject>(options, 'objects', { ...query, state }, left)
    found.push(...page.items)
    next = page.next ?? (found.length > limit ? state : null)
    if (next !== null) break
  }
  const items = found.slice(0, limit)
  const text = items.length === 0 ? sayNone(query) : table(columns, items.map(rowOf))
  print(options.json, { objects: items, next }, text)
  mentionMore({ next }, options)
  return 0
}

function rowOf({ object, state, failure, since, revision, notified }: ListedObject) {
  const names = [...new Set(notified.map(({ destination }) => destination))].join(', ')
  return [
    failure?.severity === 'warn' ? { text: state, format: 'yellow' as const } : painted(state),
    age(failure?.since ?? since),
    object.cluster,
    nameInCluster(object),
    failure === undefined ? '' : names || 'nobody',
    failure === undefined ? revision : failure.gist || failure.reason
  ]
}
