// `notifications`, `retry`, `discard`: lists a running relay's notifications, and retries or discards its dead letters.
import type { ListedNotification, RetriedNotification } from '../../routes/api/notifications.ts'
import { isSure } from './ask-person.ts'
import { ask, type ClientOptions, nextOf } from './client.ts'
import { collect, type ListOptions, mentionMore, sayNone } from './list.ts'
import { age, print, printError, table } from './output.ts'
import { nameOf, painted } from './say.ts'

const filters = ['destination', 'rule', 'cluster', 'kind', 'namespace', 'name', 'since'] as const
type Filter = { [name in (typeof filters)[number]]?: string }

interface NotificationsOptions extends ListOptions, Filter {
  state?: string
}

/** Lists the newest notifications. Resolves to the exit code. */
export async function list(options: NotificationsOptions): Promise<number> {
  const query = { state: options.state, ...filterOf(options) }
  const { items, next } = await collect<ListedNotification>(options, 'notifications', query, Number(options.limit))
  print(options.json, { notifications: items, next }, items.length === 0 ? sayNone(query) : asTable(items))
  mentionMore({ next }, options)
  return 0
}

const columns = [
  { name: 'ID' },
  { name: 'AGE' },
  { name: 'STATE' },
  { name: 'DESTINATION', least: 12 },
  { name: 'RULE', leaves: 1 },
  { name: 'ABOUT', least: 24 },
  { name: 'WHY' }
]

function asTable(found: readonly ListedNotification[]): string {
  const rows = found.map(({ id, createdAt, state, destination, rule, says, object, reason, summary }) => [
    id,
    age(createdAt),
    painted(state),
    destination,
    rule,
    `${says} ${nameOf(object)}`,
    reason ?? summary
  ])
  return table(columns, rows)
}

export interface RetryOptions extends ClientOptions, Filter {
  all?: boolean
}

/** Retries dead letters: those of `ids`, or all that match. Resolves to the exit code: 1 if one could not be retried. */
export async function retry(ids: readonly string[], { json, all, ...options }: RetryOptions): Promise<number> {
  const before = all ? await retryAll(options) : []
  const { done, failed } = await each(ids, 'retry', options)
  const retried = [...before, ...done.map(({ body }) => body as RetriedNotification)]
  print(json, { retried, failed }, [...faultsOf(failed), sayRetried(retried)].join('\n'))
  return failed.length === 0 ? 0 : 1
}

interface Failed {
  id: string
  message: string
}

/** Retries or discards each of `ids`. Returns what the relay answered of those that it did, and why it did not do the others. */
async function each(ids: readonly string[], action: 'retry' | 'discard', options: ClientOptions) {
  const done: { id: string; body: unknown }[] = []
  const failed: Failed[] = []
  for (const id of ids) {
    const path = `/api/notifications/${encodeURIComponent(id)}/${action}`
    const { status, body } = await ask(options, 'POST', path, {}, [200, 400, 404])
    if (status === 200) done.push({ id, body })
    else failed.push({ id, message: body.message })
  }
  return { done, failed }
}

function faultsOf(failed: readonly Failed[]): string[] {
  return failed.map(({ id, message }) => `${id}: ${message}`)
}

async function retryAll(options: ClientOptions & Filter): Promise<RetriedNotification[]> {
  const retried: RetriedNotification[] = []
  for (let cursor: string | undefined; ; ) {
    const { body } = await ask(options, 'POST', '/api/notifications/retry', { ...filterOf(options), cursor })
    retried.push(...body.retried)
    const next = nextOf(body, options)
    if (next === null) return retried
    cursor = next
  }
}

function sayRetried(retried: readonly RetriedNotification[]): string {
  const counts = Map.groupBy(retried, ({ destination }) => destination)
  const parts = [...counts].map(([destination, { length }]) => `${length} to ${destination}`)
  return parts.length === 0 ? 'Nothing was retried.' : `Retried: ${parts.join(', ')}.`
}

/** Discards dead letters: those of `ids`, or all that match, after a question. Resolves to the exit code. */
export async function discard(
  ids: readonly string[],
  { json, all, yes, ...options }: RetryOptions & { yes?: boolean }
): Promise<number> {
  const chosen = all ? await deadLetters(options) : ids
  if (
    all &&
    chosen.length > 0 &&
    !yes &&
    !(await isSure(`Discard ${count(chosen.length)}? They are not sent again.`))
  ) {
    printError(`${count(chosen.length)} would be discarded; nothing was. Confirm with --yes.`)
    return 1
  }
  const { done: gone, failed } = await each(chosen, 'discard', options)
  const discarded = gone.map(({ id }) => id)
  const done = discarded.length === 0 ? 'Nothing was discarded.' : `Discarded: ${count(discarded.length)}.`
  print(json, { discarded, failed }, [...faultsOf(failed), done].join('\n'))
  return failed.length === 0 ? 0 : 1
}

/** The ids of all that match, up to the bound of {@link collect}. */
async function deadLetters(options: ClientOptions & Filter): Promise<string[]> {
  const query = { ...filterOf(options), state: 'dead' }
  const { items } = await collect<ListedNotification>(options, 'notifications', query, Number.POSITIVE_INFINITY)
  return items.map(({ id }) => id)
}

function count(letters: number): string {
  return letters === 1 ? '1 dead letter' : `${letters} dead letters`
}

function filterOf(options: Filter): Filter {
  return Object.fromEntries(filters.map((name) => [name, options[name]]))
}
