// `status`: says on one screen what fails and why, and what is wrong with the relay itself.
import { setTimeout as sleep } from 'node:timers/promises'
import type { ListedApp } from '../../routes/api/apps.ts'
import type { ListedLane } from '../../routes/api/lanes.ts'
import type { ListedNotification } from '../../routes/api/notifications.ts'
import type { ListedSilence } from '../../routes/api/silences.ts'
import type { ListedSource } from '../../routes/api/sources.ts'
import type { ListedObject } from '../../routes/api/standing.ts'
import { RelayError } from '../errors.ts'
import { fingerprint } from '../events/fingerprint.ts'
import { withoutOwnNames } from '../events/own-names.ts'
import { type Format, paint } from '../paint.ts'
import { ask, type ClientOptions } from './client.ts'
import { collect } from './list.ts'
import { age, plain, print, table } from './output.ts'
import { nameInCluster } from './say.ts'

interface StatusOptions extends ClientOptions {
  watch?: boolean
}

/** The most that are counted, because nobody reads more; beyond that, it says "1000+". */
const maxCounted = 1000
const watchEveryMs = 5000
/** The rows that fit on a screen. */
const maxRows = 40

interface Found {
  failing: { items: ListedObject[]; next: string | null }
  stale: { items: ListedObject[]; next: string | null }
  dead: { items: ListedNotification[]; next: string | null }
  lanes: ListedLane[]
  sources: ListedSource[]
  silences: ListedSilence[]
  apps: ListedApp[]
}

/** Objects of one cluster and kind that fail for one reason. */
interface Group {
  /** The oldest comes first. */
  objects: ListedObject[]
  severity: string
  since: string
  isMuted: boolean
}

/** Prints what there is to know, once or again and again. Resolves to the exit code: 1 unless all is well. */
export async function status({ json, watch, ...relay }: StatusOptions): Promise<number> {
  if (!watch) {
    const found = await look(relay)
    print(json, forMachines(found), inWords(found))
    return isWell(found) ? 0 : 1
  }
  // Standard output stays writable when its reader has gone (`… | head`): only an error tells.
  let isRead = true
  process.stdout.once('error', () => {
    isRead = false
  })
  while (isRead) {
    const found = await look(relay).catch((error: unknown) => {
      if (error instanceof RelayError) return error
      throw error
    })
    // Clears the screen.
    if (process.stdout.isTTY) process.stdout.write('\x1b[H\x1b[J')
    if (found instanceof RelayError) print(json, { error: found.message }, found.message)
    else print(json, forMachines(found), inWords(found))
    if (process.stdout.isTTY) {
      process.stdout.write(paint('gray', `\n${new Date().toLocaleTimeString()}, again in 5 s. Ctrl-C ends it.\n`))
    }
    await sleep(watchEveryMs)
  }
  return 0
}

async function look(relay: ClientOptions): Promise<Found> {
  const objects = (state: string) => collect<ListedObject>(relay, 'objects', { state }, maxCounted)
  const [failing, stale, dead, lanes, sources, silences, apps] = await Promise.all([
    objects('failing'),
    objects('stale'),
    collect<ListedNotification>(relay, 'notifications', { state: 'dead' }, maxCounted),
    ask(relay, 'GET', '/api/lanes'),
    ask(relay, 'GET', '/api/sources'),
    ask(relay, 'GET', '/api/silences'),
    ask(relay, 'GET', '/api/apps')
  ])
  return {
    ...{ failing, stale, dead },
    ...{ lanes: lanes.body.lanes, sources: sources.body.sources },
    ...{ silences: silences.body.silences, apps: apps.body.apps }
  }
}

/** True if all is well. What is not known is not well. */
function isWell({ failing, stale, dead, lanes, sources, apps }: Found): boolean {
  const isQuiet = [failing, stale, dead].every(({ items, next }) => items.length === 0 && next === null)
  const isPosted = lanes.every(({ block }) => block === null) && sources.every(({ state }) => state === 'active')
  return isQuiet && isPosted && apps.every(({ buttons }) => buttons !== 'lost')
}

function forMachines(found: Found): object {
  const { failing, stale, dead, ...rest } = found
  return {
    isWell: isWell(found),
    failing: failing.items,
    stale: stale.items,
    deadLetters: dead.items,
    isComplete: [failing, stale, dead].every(({ next }) => next === null),
    ...rest
  }
}

function inWords(found: Found): string {
  const groups = [...groupsOf(found.failing.items), ...groupsOf(found.stale.items)]
  const rows = mostOf(groups)
  const rest = groups.length - rows.length
  const lines = rows.length === 0 ? '' : `\n${table(columns, rows.map(rowOf))}`
  const more = rest > 0 ? `and ${rest} more causes; \`objects --state failing\` lists them\n` : ''
  return `${headline(found)}\n${lines}${more}`
}

/** The groups that fit on a screen, in their order; groups of several objects come before single ones. */
function mostOf(groups: readonly Group[]): Group[] {
  if (groups.length <= maxRows) return [...groups]
  const many = groups.filter(({ objects }) => objects.length > 1)
  const single = groups.filter(({ objects }) => objects.length === 1)
  const kept = new Set([...many, ...single].slice(0, maxRows))
  return groups.filter((group) => kept.has(group))
}

function headline(found: Found): string {
  const { failing, stale, dead, silences } = found
  const open = failing.items.filter(({ muted }) => muted === undefined)
  const muted = failing.items.length - open.length
  const warnings = open.filter(({ failure }) => failure?.severity === 'warn').length
  const errors = open.length - warnings
  const kinds = warnings === 0 ? '' : ` (${counted(errors, 'error')}, ${counted(warnings, 'warning')})`
  // Objects that only wait, or have drifted, do not count as failing.
  const says = errors > 0 ? `failing${kinds}` : warnings === 1 ? 'warning' : 'warnings'
  const parts = [
    open.length > 0 && paint(errors > 0 ? 'red' : 'yellow', `${count(failing, open.length)} ${says}`),
    muted > 0 && paint('gray', `${count(failing, muted)} muted`),
    stale.items.length > 0 && paint('yellow', `${count(stale)} stale`),
    ...sayLanes(found.lanes),
    ...saySources(found.sources),
    ...sayApps(found.apps),
    dead.items.length > 0 && paint('red', `${count(dead)} dead ${dead.items.length === 1 ? 'letter' : 'letters'}`),
    silences.length > 0 && counted(silences.length, 'silence')
  ].filter((part) => part !== false)
  const opening = isWell(found)
    ? paint('green', 'All is well')
    : open.length + stale.items.length === 0
      ? `Nothing ${muted > 0 ? 'else ' : ''}is known to fail`
      : undefined
  return [...(opening ? [opening] : []), ...parts].join(' · ')
}

/** `length` of them, with a "+" if there are more. */
function count({ items, next }: { items: unknown[]; next: string | null }, length = items.length): string {
  return `${length}${next === null ? '' : '+'}`
}

function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}

function sayLanes(lanes: readonly ListedLane[]): string[] {
  const blocked = lanes.flatMap(({ destinations, lane, backlog, block }) =>
    block ? [paint('red', plain(`${destinations[0] ?? lane} blocked (${block.reason}), ${backlog} waiting`))] : []
  )
  const waiting = lanes.filter(({ block }) => !block).reduce((sum, { backlog }) => sum + backlog, 0)
  const others = blocked.length > 0 ? ' for other channels' : ''
  return [...blocked, ...(waiting > 0 ? [`${waiting} waiting${others}`] : [])]
}

function saySources(sources: readonly ListedSource[]): string[] {
  const troubled = sources.filter(({ state }) => state !== 'active').map((source) => paint('yellow', saySource(source)))
  const active = sources.length - troubled.length
  const newest = sources.map(({ lastEventAt }) => lastEventAt ?? '').reduce((a, b) => (a > b ? a : b), '')
  const last = newest === '' ? '' : `, the last event ${age(newest)} ago`
  return [...troubled, ...(active > 0 ? [`${counted(active, 'source')} active${last}`] : [])]
}

function sayApps(apps: readonly ListedApp[]): string[] {
  return apps.flatMap(({ app, buttons, since, reason }) =>
    buttons === 'lost'
      ? [paint('yellow', plain(`buttons of ${app} get no clicks for ${age(since ?? '')} (${reason ?? 'unknown'})`))]
      : []
  )
}

function saySource({ source, state, lastEventAt }: ListedSource): string {
  if (lastEventAt === null) return `nothing has come from ${source} yet`
  return state === 'quiet' ? `${source} quiet for ${age(lastEventAt)}` : `${source}: last event ${age(lastEventAt)} ago`
}

const columns = [
  { name: 'SINCE' },
  { name: 'CLUSTER', least: 8 },
  { name: 'OBJECT', least: 24 },
  { name: 'NOTIFIED', least: 8, leaves: 1 },
  { name: 'WHY' }
]

/** Groups objects by cause: errors before warnings, what is muted last, the oldest first. */
function groupsOf(objects: readonly ListedObject[]): Group[] {
  const alike = Map.groupBy(objects, ({ object, failure, muted }) =>
    JSON.stringify([object.cluster, object.kind, failure?.severity, muted?.by, causeOf(failure, object)])
  )
  return [...alike.values()]
    .map((each) => {
      const sorted = each.toSorted((a, b) => sinceOf(a).localeCompare(sinceOf(b)))
      const [first] = sorted
      const isMuted = first?.muted !== undefined
      return { objects: sorted, severity: first?.failure?.severity ?? '', since: first ? sinceOf(first) : '', isMuted }
    })
    .sort((a, b) => rankOf(a) - rankOf(b) || a.since.localeCompare(b.since))
}

function rankOf({ severity, isMuted }: Group): number {
  if (isMuted) return 2
  return severity === 'warn' ? 1 : 0
}

/** The cause of a failure. It is equal for objects that fail for one reason, whose texts differ only in their own names. */
function causeOf(failure: ListedObject['failure'], object: ListedObject['object']): string {
  const { reason = '', text = '' } = failure ?? {}
  return fingerprint(reason, text, (normal) => withoutOwnNames(normal, object))
}

function sinceOf({ failure, since }: ListedObject): string {
  return failure?.since ?? since
}

function rowOf({ objects, severity, since, isMuted }: Group) {
  const [first] = objects
  if (first === undefined) return []
  const { object, failure, state, muted } = first
  const names = objects.slice(0, 2).map(({ object }) => object.name)
  const more = objects.length > names.length ? ', …' : ''
  const notified = new Set(objects.flatMap(({ notified }) => notified.map(({ destination }) => destination)))
  const withheld = muted === undefined ? '' : `muted by ${muted.by}; `
  const format: Format = isMuted ? 'gray' : severity === 'warn' || state === 'stale' ? 'yellow' : 'red'
  const says = failure === undefined ? '' : failure.gist || failure.reason
  const isAlike = objects.every(({ failure }) => failure?.gist === objects[0]?.failure?.gist)
  const why = isAlike ? says : `such as ${says}`
  const taken = sayTaken(objects)
  return [
    { text: age(since), format },
    object.cluster,
    objects.length === 1 ? nameInCluster(object) : `${objects.length} × ${object.kind} (${names.join(', ')}${more})`,
    [...notified].join(', ') || 'nobody',
    state === 'stale' ? `no event for ${age(first.seenAt)}; ${taken}${why}` : `${withheld}${taken}${why}`
  ]
}

/** Who has taken the failures on, and since when: `acknowledged by ada for 5 m; `. */
function sayTaken(objects: readonly ListedObject[]): string {
  const taken = objects.flatMap(({ failure }) => failure?.acknowledged ?? [])
  const [first] = taken.toSorted((a, b) => a.at.localeCompare(b.at))
  if (first === undefined) return ''
  const who = [...new Set(taken.map(({ by }) => by))].join(', ')
  const some = taken.length === objects.length ? '' : `${taken.length} of them `
  return `${some}acknowledged by ${who} for ${age(first.at)}; `
}
