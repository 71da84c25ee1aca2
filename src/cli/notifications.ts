// `notifications` and `retry`: list a running relay's notifications, and retry its dead letters.
import type { ListedNotification, RetriedNotification } from '../../routes/api/notifications.ts'
import { ask, type ClientOptions } from './client.ts'
import { print, table } from './output.ts'

const filters = ['destination', 'rule', 'cluster', 'kind', 'namespace', 'name', 'since'] as const
type Filter = { [name in (typeof filters)[number]]?: string }

export interface ListOptions extends ClientOptions, Filter {
  state?: string
  limit: string
}

/** A page may be short although there is more: after so many empty ones it stops looking. */
const maxPages = 200

/** Lists the newest; resolves to the exit code. */
export async function list({ json, limit, state, ...options }: ListOptions): Promise<number> {
  const found: ListedNotification[] = []
  let cursor: string | undefined
  for (let pages = 0; pages < maxPages && found.length < Number(limit); pages++) {
    const left = String(Math.min(Number(limit) - found.length, 500))
    const query = { ...filterOf(options), state, limit: left, cursor }
    const { body } = await ask(options, 'GET', '/api/notifications', query)
    found.push(...body.notifications)
    cursor = body.next ?? undefined
    if (cursor === undefined) break
  }
  print(json, { notifications: found, next: cursor ?? null }, found.length === 0 ? 'None.' : asTable(found))
  if (!json && cursor !== undefined) process.stderr.write(`There are more; raise --limit (now ${limit}).\n`)
  return 0
}

function asTable(found: readonly ListedNotification[]): string {
  const rows = found.map(({ id, createdAt, state, destination, rule, says, object, reason, summary }) => [
    id,
    createdAt.replace(/\.\d+Z$/, 'Z'),
    state,
    destination,
    rule,
    `${says} ${object.kind} ${[object.cluster, object.namespace, object.name].filter(Boolean).join('/')}`,
    reason ?? summary
  ])
  const header = ['ID', 'SINCE', 'STATE', 'DESTINATION', 'RULE', 'ABOUT', 'WHY']
  return table(header, rows, process.stdout.isTTY ? process.stdout.columns : undefined)
}

export interface RetryOptions extends ClientOptions, Filter {
  all?: boolean
}

/** Retries dead letters: those of `ids`, or all that match. Resolves to the exit code, 1 where one could not be. */
export async function retry(ids: readonly string[], { json, all, ...options }: RetryOptions): Promise<number> {
  const failed: { id: string; message: string }[] = []
  const retried = all ? await retryAll(options) : []
  for (const id of ids) {
    const path = `/api/notifications/${encodeURIComponent(id)}/retry`
    const { status, body } = await ask(options, 'POST', path, {}, [200, 400, 404])
    if (status === 200) retried.push(body)
    else failed.push({ id, message: body.message })
  }
  const faults = failed.map(({ id, message }) => `${id}: ${message}`)
  print(json, { retried, failed }, [...faults, sayRetried(retried)].join('\n'))
  return failed.length === 0 ? 0 : 1
}

async function retryAll(options: ClientOptions & Filter): Promise<RetriedNotification[]> {
  const retried: RetriedNotification[] = []
  for (let cursor: string | undefined; ; ) {
    const { body } = await ask(options, 'POST', '/api/notifications/retry', { ...filterOf(options), cursor })
    retried.push(...body.retried)
    if (body.next === null) return retried
    cursor = body.next
  }
}

function sayRetried(retried: readonly RetriedNotification[]): string {
  const counts = Map.groupBy(retried, ({ destination }) => destination)
  const parts = [...counts].map(([destination, { length }]) => `${length} to ${destination}`)
  return parts.length === 0 ? 'Nothing was retried.' : `Retried: ${parts.join(', ')}.`
}

function filterOf(options: Filter): Filter {
  return Object.fromEntries(filters.map((name) => [name, options[name]]))
}
