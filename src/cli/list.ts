// Lists: asks a running relay for what matches a filter, page by page.
import { ask, type ClientOptions, nextOf, type Query } from './client.ts'
import { printError } from './output.ts'

export interface ListOptions extends ClientOptions {
  limit: string
}

const pageSize = 500

/**
 * Fetches the first `limit` entries of `/api/<what>` that match, from as many pages as it takes: a page may be empty although more
 * follow. `next` is null if there are no more.
 */
export async function collect<T>(
  relay: ClientOptions,
  what: string,
  query: Query,
  limit: number
): Promise<{ items: T[]; next: string | null }> {
  const items: T[] = []
  let next: string | null = null
  while (items.length < limit) {
    const left = String(Math.min(limit - items.length, pageSize))
    const asked = { ...query, limit: left, ...(next !== null && { cursor: next }) }
    const { body } = await ask(relay, 'GET', `/api/${what}`, asked)
    items.push(...body[what])
    next = nextOf(body, relay)
    if (next === null) break
  }
  return { items, next }
}

/** `None matches --namespace elsewhere.`: it repeats the filter, because an empty answer may be due to a typing mistake. */
export function sayNone(query: Query): string {
  const given = Object.entries(query).flatMap(([name, value]) => (value === undefined ? [] : [`--${name} ${value}`]))
  return given.length === 0 ? 'None.' : `None matches ${given.join(' ')}.`
}

/** Says that there are more, to a person only; JSON has `next`. */
export function mentionMore({ next }: { next: string | null }, { json, limit }: ListOptions): void {
  if (!json && next !== null) printError(`There are more; raise --limit (now ${limit}).`)
}
