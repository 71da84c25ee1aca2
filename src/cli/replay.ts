// `replay`: decides again on the events that a running relay keeps, with a new config, and lists what would change.
import { Ajv } from 'ajv'
import { SingleBar } from 'cli-progress'
import type { Config } from '../config/config.ts'
import { formatProblem } from '../config/problem.ts'
import { isDuration, parseDuration } from '../duration.ts'
import { RelayError } from '../errors.ts'
import { type Static, Type } from '../json-schema.ts'
import { clean } from '../legible.ts'
import type { Transition } from '../objects.ts'
import { type Change, type Example, type StoredEvent, type Summary, startReplay } from '../rehearsal/replay.ts'
import { ask, type ClientOptions, isHttp } from './client.ts'
import { loadConfigFile } from './config-file.ts'
import { print, printError } from './output.ts'

interface Options {
  url: string
  since: string
  config: string
  old?: string
  token?: string
  json?: boolean
}

/** Prints what changes. Resolves to the exit code: 1 if a message is lost, 2 if a file or an option is faulty. */
export async function replay({ url, since, config: file, old: oldFile, token, json }: Options): Promise<number> {
  const fault = faultOf(url, since)
  const config = fault === undefined && load(file)
  const old = oldFile === undefined ? undefined : load(oldFile)
  if (fault !== undefined) printError(fault)
  if (!config || old === false) return 2

  const end = Date.now()
  const start = end - parseDuration(since)
  const { add, summary } = startReplay(config, old)
  const bar = new SingleBar({ format: '{bar} {at}  {events} events', hideCursor: true, clearOnComplete: true })
  const showsBar = !json && process.stderr.isTTY
  if (showsBar) bar.start(end - start, 0, { at: sayTime(start), events: 0 })
  let events = 0
  try {
    for await (const event of storedEvents({ url, ...(token && { token }) }, start)) {
      add(event)
      if (showsBar) bar.update(event.receivedAt - start, { at: sayTime(event.receivedAt), events: ++events })
    }
  } finally {
    if (showsBar) bar.stop()
  }
  const result = summary()
  const ok = result.changes.every(({ is }) => is !== 'lost')
  print(json, { ok, ...result }, inWords(result, start))
  return ok ? 0 : 1
}

function faultOf(url: string, since: string): string | undefined {
  if (!isHttp(url)) return `--url is not a URL; write http://relay:8080`
  if (!isDuration(since)) return `--since ${since} is not a duration; write 24h or 7d`
  return undefined
}

function load(file: string): Config | false {
  const { config, problems } = loadConfigFile(file, { sends: false })
  if (config !== undefined) return config
  printError(problems.map(formatProblem).join('\n'))
  return false
}

function inWords({ events, notCompared, unsure, withheld, unreadable, changes }: Summary, start: number): string {
  const asides: [count: number, what: string][] = [
    [notCompared, 'of them cannot be compared: they are about what began before'],
    [unsure, 'of them cannot be compared: they are about what was withheld by hand, or never arrived'],
    [
      withheld,
      `${withheld === 1 ? 'notification was' : 'notifications were'} withheld by a mute, a silence or an operator, and would not be by this file`
    ],
    [unreadable, 'of them cannot be read']
  ]
  const destinations = [...new Set(changes.map(({ destination }) => destination))].sort()
  return [
    `${number(events)} ${events === 1 ? 'event' : 'events'} since ${sayTime(start)}`,
    ...asides.filter(([count]) => count > 0).map(([count, what]) => `${number(count)} ${what}`),
    ...(changes.length === 0 ? ['Nothing would change.'] : []),
    ...destinations.flatMap((destination) => [
      '',
      destination,
      ...changes.filter((change) => change.destination === destination).flatMap(sayChange)
    ])
  ].join('\n')
}

function sayChange({ is, to, count, examples }: Change): string[] {
  const rest = count - examples.length
  return [
    `  ${number(count)} ${is}${to === undefined ? '' : ` to ${to}`}`,
    ...examples.flatMap(sayExample).map((line) => `    ${line}`),
    ...(rest > 0 ? [`    … and ${number(rest)} more`] : [])
  ]
}

function sayExample({ at, object: { cluster, kind, namespace, name }, was, now, because }: Example): string[] {
  const { rule, says } = (was ?? now) as NonNullable<typeof was>
  const where = cluster === '' ? '' : ` (${cluster})`
  return [
    `${sayTime(at)}  ${clean(`${kind} ${namespace}/${name}${where}`)}: ${says === undefined ? '' : `${says}, `}by ${rule}`,
    ...because.map((line) => `  ${line}`),
    ...(was?.text === undefined || now?.text === undefined ? [] : changedLines(was.text, now.text))
  ]
}

function changedLines(was: string, now: string): string[] {
  const [before, after] = [was.split('\n'), now.split('\n')]
  return [
    ...before.filter((line) => !after.includes(line)).map((line) => `  - ${line}`),
    ...after.filter((line) => !before.includes(line)).map((line) => `  + ${line}`)
  ]
}

function sayTime(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

function number(count: number): string {
  return count.toLocaleString('en')
}

const PageSchema = Type.Object({
  events: Type.Array(
    Type.Object({
      id: Type.String(),
      receivedAt: Type.Unsafe<number | string>({ type: ['number', 'string'] }),
      source: Type.String(),
      body: Type.String(),
      transition: Type.Optional(Type.Unsafe<Transition>({ type: 'string' })),
      notifications: Type.Array(
        Type.Object({ rule: Type.String(), destination: Type.String(), state: Type.Optional(Type.String()) })
      )
    })
  ),
  next: Type.Unsafe<string | null>({ type: ['string', 'null'] })
})

type Page = Static<typeof PageSchema>

const ajv = new Ajv({ allowUnionTypes: true })
const isPage = ajv.compile<Page>(PageSchema)

const pageSize = 500

/** Yields every event received after `since` (ms), oldest first. Throws NO_ANSWER if the relay does not answer with events. */
async function* storedEvents(relay: ClientOptions, since: number): AsyncGenerator<StoredEvent> {
  let cursor: string | null = null
  do {
    const page: Page = await pageOf(relay, since, cursor)
    for (const { receivedAt, ...event } of page.events) {
      yield { ...event, receivedAt: new Date(receivedAt).getTime() }
    }
    cursor = page.next
  } while (cursor !== null)
}

async function pageOf(relay: ClientOptions, since: number, cursor: string | null): Promise<Page> {
  const query = { since: String(since), order: 'asc', limit: String(pageSize), body: 'true' }
  const { body } = await ask(relay, 'GET', '/api/events', { ...query, ...(cursor !== null && { cursor }) })
  if (isPage(body)) return body
  const fault = ajv.errorsText(isPage.errors, { dataVar: 'answer' })
  const { origin, pathname } = new URL(relay.url)
  throw new RelayError(
    'NO_ANSWER',
    `${origin}${pathname} does not answer with stored events: ${fault}; is that a flux-relay?`
  )
}
