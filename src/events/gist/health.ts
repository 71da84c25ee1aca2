// Health: reads which objects a health check waited for in vain: those that failed first, then the number of those still waiting.
import { sayDuration } from '../../duration.ts'
import type { Named } from '../dependency.ts'
import type { ObjectRef } from '../flux.ts'
import { countedKinds } from '../vocabulary.ts'
import { withoutFolders } from './place.ts'
import { nameOf } from './wording.ts'

/** The objects in each state, as far as there is room to list them, and their number. */
export interface NotReady {
  failed: NotReadyObject[]
  failedCount: number
  waiting: NotReadyObject[]
  waitingCount: number
  /** Duration of the wait in ms, if the message says it. */
  afterMs?: number
}

export interface NotReadyObject extends Named {
  /** Status in the words of kstatus: `InProgress`, `Failed`, `NotFound`, `Terminating`, `Unknown`. */
  status: string
}

// fluxcd/pkg ssa/manager_wait.go, and other wordings: of 2021 and of flux-operator.
const list = /\b(?:timeout waiting for|timed out waiting for|stalled resources|timed out for):? \[/
const entry =
  /(?<=[[\s,])(?:([A-Z]\w{0,62})\/(?:([a-z0-9][a-z0-9-]{0,62})\/)?([^\s,\]'"/]{1,253})(?: status: '(\w{1,20})'| \(unknown status\)|(?=[,\]]))|([A-Za-z][\w.]{0,120}) '(?:([a-z0-9][a-z0-9-]{0,62})\/)?([a-z0-9][a-z0-9.:-]{0,252})'(?=[,\]]))/g
const duration = /\b(?:after|in) (?:(\d{1,6})h)?(?:(\d{1,6})m(?!s))?(?:(\d{1,6}(?:\.\d{1,12})?)s)?(?=[\s,:]|$)/

// flux-operator adds a line for each of Flux's own objects below the list.
const detail = /^([A-Z]\w{0,62}\/\S{1,320}) status: (?:'?(?:Failed|Stalled)'?: )?(?!')([^\n]{1,4000})/gm

/** Maximum number of objects kept by name, of those that failed and of those that wait. */
const maxNames = 20

/** The reason why one object is not ready, and that object. */
interface Reason {
  why: string
  whose?: NotReadyObject | undefined
}

/**
 * Reads what a health check in `text` found, and the reason of the first object with one: of those that failed, else of those that
 * wait.
 */
export function notReadyIn(text: string): (NotReady & Reason) | undefined {
  const start = list.exec(text)
  if (start === null) return waitedFor(text)
  const rest = text.slice(start.index + start[0].length - 1)
  const found = new Map<string, NotReadyObject>()
  const reasons = new Map<string, string>()
  for (const match of withoutInner(rest).matchAll(entry)) {
    const [all, kind = match[5] ?? '', namespace = match[6] ?? '', name = match[7] ?? ''] = match
    const status = match[4] ?? (all.includes('unknown status') ? 'Unknown' : 'InProgress')
    const key = [kind, namespace, name].filter(Boolean).join('/')
    if (!found.has(key)) found.set(key, { kind, namespace, name, status })
    // Of an object still in progress, nothing is known but that it was not done in time.
    const why = status === 'InProgress' ? '' : reasonBehind(rest, match.index + all.length)
    if (why !== '' && !reasons.has(key)) reasons.set(key, why)
  }
  for (const [, key = '', why = ''] of rest.matchAll(detail)) if (!reasons.has(key)) reasons.set(key, why.trim())
  const all = [...found.values()]
  const failed = all.filter(hasFailed)
  const waiting = all.filter((object) => !hasFailed(object))
  const afterMs = durationIn(text.slice(0, start.index))
  const explained = [...found].filter(([key]) => reasons.has(key))
  const [key, whose] = explained.find(([, object]) => hasFailed(object)) ?? explained[0] ?? []
  return {
    failed: failed.slice(0, maxNames),
    failedCount: failed.length,
    waiting: waiting.slice(0, maxNames),
    waitingCount: waiting.length,
    ...(afterMs !== undefined && { afterMs }),
    why: (key !== undefined && reasons.get(key)) || '',
    ...(whose && { whose })
  }
}

/**
 * Returns the list at the beginning of `rest`, with blanks for nested brackets: what another Kustomization waits for is no entry of
 * this list. Returns all of `rest` if it is not clear where the list ends.
 */
function withoutInner(rest: string): string {
  let depth = 0
  let list = ''
  let from = 0
  for (const { 0: bracket, index } of rest.matchAll(/[[\]]/g)) {
    depth += bracket === '[' ? 1 : -1
    // A bracket that was never opened does not end the list.
    if (depth === 0) return goesOn.test(rest.slice(index)) ? rest : list + rest.slice(from, index + 1)
    if (depth === (bracket === '[' ? 2 : 1)) {
      // The length must stay, because what stands behind an entry is looked up in `rest`.
      list += bracket === '[' ? rest.slice(from, index) : ' '.repeat(index - from)
      from = index
    }
  }
  return rest
}

const goesOn = /^[^\n]* status: '/

/** Helm 4 writes a line for each object that it waited for. A single line already says all by itself. */
const waited =
  /(?<=^|: )resource ([A-Z]\w{0,62})\/(?:([a-z0-9][a-z0-9-]{0,62})?\/)?(\S{1,253}) not ready\. status: (\w{1,20}), message: ([^\n]{0,1000})$/gm

function waitedFor(text: string): (NotReady & Reason) | undefined {
  if (!text.includes(' not ready. status: ')) return undefined
  const found = [...text.matchAll(waited)].map(([, kind = '', namespace = '', name = '', status = '', said = '']) => {
    return { kind, namespace, name, status, said }
  })
  if (found.length < 2) return undefined
  const [failed, waiting] = [found.filter(hasFailed), found.filter((object) => !hasFailed(object))]
  const whose = failed[0] ?? waiting.find(({ kind, said }) => said !== '' && !countedKinds.includes(kind))
  return {
    failed: failed.slice(0, maxNames).map(withoutSaid),
    failedCount: failed.length,
    waiting: waiting.slice(0, maxNames).map(withoutSaid),
    waitingCount: waiting.length,
    why: whose?.said ?? '',
    ...(whose && { whose })
  }
}

function withoutSaid({ kind, namespace, name, status }: NotReadyObject): NotReadyObject {
  return { kind, namespace, name, status }
}

function hasFailed({ status }: NotReadyObject): boolean {
  return status === 'Failed' || status === 'NotFound'
}

/**
 * Returns the reason behind an entry that ends at `end`: `status: 'Failed': Deadline exceeded, Deployment/…`. Each item of a list
 * of errors has a line of its own.
 */
function reasonBehind(rest: string, end: number): string {
  return (
    /^: ((?:[^\n[\]]|\n(?=\t\* )|\[(?:[^\n[\]]|\[[^\n[\]]{0,100}\]){0,200}\]){1,300}?)(?=, [A-Z]\w{0,62}\/|\]|\n(?!\t\* )|$)/.exec(
      rest.slice(end, end + 310)
    )?.[1] ?? ''
  )
}

function durationIn(text: string): number | undefined {
  const [, h, m, s] = duration.exec(text.slice(-200)) ?? []
  if (h === undefined && m === undefined && s === undefined) return undefined
  return Math.round(Number(h ?? 0) * 3600 + Number(m ?? 0) * 60 + Number(s ?? 0)) * 1000
}

/** Describes what was not ready: `Job apps/migrate failed; 13 more not ready after 5 m`. Its lists fill at most `max` characters. */
export function sayNotReady(health: NotReady & Reason, object: ObjectRef, max: number): string {
  const { failed, failedCount, waiting, waitingCount, afterMs, why, whose } = health
  const after = afterMs === undefined || afterMs < 1000 ? '' : ` after ${sayDuration(afterMs)}`
  if (failedCount + waitingCount === 0) return `not ready${after}`
  if (failedCount === 0) {
    const [only] = waiting
    if (waitingCount === 1 && only !== undefined) {
      return behind(`${nameOf(only, object)} not ready${after}${other(only)}`, why)
    }
    const names = listed(`${waitingCount} objects not ready${after}`, waiting, waitingCount, object, max)
    return `${names}${reasonOf(whose, why, object, max - names.length)}`
  }
  const others = waitingCount === 0 ? '' : `; ${waitingCount} more not ready${after}`
  const [only] = failed
  if (failedCount === 1 && only !== undefined) {
    const state = only.status === 'NotFound' ? 'not found' : 'failed'
    const isWhose = whose === undefined || hasFailed(whose)
    return `${behind(`${nameOf(only, object)} ${state}`, isWhose ? why : '')}${others}`
  }
  const names = listed(`${failedCount} failed`, failed, failedCount, object, max - others.length)
  return `${names}${reasonOf(whose, why, object, max - names.length - others.length)}${others}`
}

/** Returns ` (Job apps/migrate: BackoffLimitExceeded)`, without nested brackets if there is no room for them. */
function reasonOf(named: Named | undefined, why: string, object: ObjectRef, max: number): string {
  if (named === undefined || why === '') return ''
  const forms = [why, why.replace(/ \(.*$/, '')].map((form) => ` (${nameOf(named, object)}: ${form})`)
  return forms.find((form) => form.length <= max) ?? ''
}

/** Appends `why` to `what`, without folders if there is no room for them. */
function behind(what: string, why: string): string {
  if (why === '') return what
  const whole = `${what}: ${why}`
  return whole.length <= 90 ? whole : `${what}: ${withoutFolders(why)}`
}

function other({ status }: NotReadyObject): string {
  return status === 'InProgress' ? '' : ` (${status})`
}

/** Lists members as `what: Deployment a, b, Job apps/c and 9 more`, naming a kind once for all members of it in a row. */
export function listed(
  what: string,
  members: readonly { kind: string; namespace: string; name: string }[],
  count: number,
  object: ObjectRef,
  max: number
): string {
  let text = `${what}:`
  let kind = ''
  let named = 0
  for (const member of members) {
    const name = nameOf(member.kind === kind ? { ...member, kind: '' } : member, object)
    const next = `${text}${named === 0 ? ' ' : ', '}${name}`
    const left = count - named - 1
    if (next.length + (left > 0 ? ` and ${left} more`.length : 0) > max) break
    text = next
    kind = member.kind
    named++
  }
  if (named === 0) return what
  return named < count ? `${text} and ${count - named} more` : text
}
