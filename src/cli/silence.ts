// `silence`: adds, lists and ends silences of a running relay.
import type { ListedSilence } from '../../routes/api/silences.ts'
import { ask, type ClientOptions } from './client.ts'
import { age, print, printError, table } from './output.ts'

interface NewSilence extends ClientOptions {
  /** Conditions as they were typed: `namespace=db`. */
  match: string[]
  for?: string
  until?: string
  untilRecovered?: boolean
  starts?: string
  comment?: string
}

/** Adds a silence for what matches all of `match`, and warns of what no event can match. Resolves to the exit code. */
export async function addSilence({
  json,
  match,
  for: lasting,
  until,
  untilRecovered,
  starts,
  comment,
  ...relay
}: NewSilence): Promise<number> {
  const parsed = parseMatch(match)
  if ('error' in parsed) {
    printError(`--match: ${parsed.error}`)
    return 2
  }
  const content = { match: parsed, for: lasting, until, untilRecovered, starts, comment }
  const { body } = await ask(relay, 'POST', '/api/silences', {}, [201], content)
  for (const warning of body.warnings ?? []) printError(`warning: ${warning}`)
  const end = body.untilRecovered ? 'it recovers' : body.endsAt
  print(json, body, `Silence ${body.id} ${body.startsAt ? `from ${body.startsAt} ` : ''}until ${end}.`)
  return 0
}

const columns = [
  { name: 'ID' },
  { name: 'STARTS' },
  { name: 'ENDS' },
  { name: 'BY', least: 6, leaves: 1 },
  { name: 'MATCH', least: 24 },
  { name: 'COMMENT' }
]

export async function listSilences({ json, ...relay }: ClientOptions): Promise<number> {
  const { body } = await ask(relay, 'GET', '/api/silences')
  const silences: ListedSilence[] = body.silences
  const rows = silences.map(({ id, match, comment, author, startsAt, endsAt, untilRecovered }) => [
    id,
    startsAt === undefined || Date.parse(startsAt) <= Date.now() ? '' : `in ${age(startsAt)}`,
    untilRecovered ? 'at recovery' : `in ${age(endsAt)}`,
    author,
    sayMatch(match),
    comment
  ])
  print(json, body, rows.length === 0 ? 'None.' : table(columns, rows))
  return 0
}

/** A match as `--match` takes it, except what only a file or the API can say: `namespace=db,metadata.team=shop`. */
export function sayMatch({ when, ...match }: Record<string, unknown>): string {
  const words = Object.entries(match).flatMap(([key, wanted]) => {
    if (key === 'metadata' || key === 'related')
      return Object.entries(wanted as object).map(([name, one]) => sayCondition(`${key}.${name}`, one))
    return [sayCondition(key, wanted)]
  })
  // `when` comes last, because it takes all that follows.
  return [...words, ...(when === undefined ? [] : [`when=${when}`])].join()
}

function sayCondition(key: string, wanted: unknown): string {
  const regex = key === 'message' ? onlyRegex(wanted) : undefined
  const values = regex === undefined ? [wanted].flat() : [regex]
  // One severity means it and worse, but a list means exactly its severities, even a list of one.
  const isExact = key === 'severity' && Array.isArray(wanted) && wanted.length === 1
  const isText = !isExact && values.every((one) => typeof one === 'string')
  return `${key}=${isText ? values.map((one) => String(one).replaceAll(',', '\\,')).join() : JSON.stringify(wanted)}`
}

/** The regular expression that a message has to match, if nothing else is asked of it. */
function onlyRegex(wanted: unknown): unknown {
  const { include, ...rest } = wanted as { include?: unknown[] }
  return include?.length === 1 && Object.keys(rest).length === 0 ? include[0] : undefined
}

/** Ends silences now, which sends summaries of what they withheld. Resolves to the exit code: 1 if one did not exist. */
export async function expireSilences(ids: readonly string[], relay: ClientOptions): Promise<number> {
  let code = 0
  for (const id of ids) {
    const { status, body } = await ask(relay, 'DELETE', `/api/silences/${encodeURIComponent(id)}`, {}, [200, 400, 404])
    print(false, body, status === 200 ? `Silence ${id} is over.` : body.message)
    if (status !== 200) code = 1
  }
  return code
}

/**
 * Parses `["namespace=db,db-*,kind=HelmRelease", "metadata.team=shop"]` into a match, or returns the mistake. The relay checks the
 * keys. A comma goes before another value, or before another key and its "="; `\,` is a comma. `when` takes the rest of its text,
 * whatever is in it.
 */
export function parseMatch(texts: readonly string[]): Record<string, unknown> | { error: string } {
  const match: Record<string, unknown> = {}
  const nested: Record<string, Record<string, unknown>> = {}
  for (const { key, value } of texts.flatMap(conditionsIn)) {
    if (value === undefined) return { error: `"${key}" is not a condition; write key=value, such as namespace=db` }
    const [, group, name = key] = /^(metadata|related)\.(.*)$/s.exec(key) ?? []
    // An object would take the second for its prototype: the condition would be lost, and more silenced.
    if (name === '' || name === '__proto__')
      return { error: `"${key}=" names no key; write key=value, such as metadata.team=shop` }
    if (group !== undefined) nested[group] ??= {}
    const into = group === undefined ? match : (nested[group] ?? match)
    if (Object.hasOwn(into, name))
      return { error: `${key} appears twice; for either of two values, write ${key}=one,other` }
    into[name] = textsOf(key, value)
  }
  return { ...match, ...nested }
}

interface Condition {
  key: string
  value: string | undefined
}

// A comma before a key and its "=". A "==" compares, and belongs to an expression.
const beforeKey = /(?<!\\),(?=\s*[A-Za-z][\w./-]*\s*=(?!=))/

function conditionsIn(text: string): Condition[] {
  const when = /(?:^|(?<!\\),)\s*when\s*=(?!=)/.exec(text)
  const plain = when === null ? text : text.slice(0, when.index)
  return [
    ...(plain === '' && when !== null ? [] : plain.split(beforeKey).map(conditionOf)),
    ...(when === null ? [] : [{ key: 'when', value: text.slice(when.index + when[0].length) }])
  ]
}

function conditionOf(piece: string): Condition {
  const at = piece.indexOf('=')
  return at < 0
    ? { key: piece.trim(), value: undefined }
    : { key: piece.slice(0, at).trim(), value: piece.slice(at + 1) }
}

function textsOf(key: string, value: string): unknown {
  if (key === 'when') return value
  const plain = (text: string) => text.replaceAll('\\,', ',')
  // One regular expression, which may contain commas.
  if (key === 'message') return { include: [plain(value)] }
  const values = value.split(/(?<!\\),/).map((each) => plain(each).trim())
  // As in the config file: one severity means it and worse, a list exactly its severities.
  return key === 'severity' && values.length === 1 ? values[0] : values
}
