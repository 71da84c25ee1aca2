// Replay: rehearses stored events with a new config and counts, by destination, what would change. Pure.
import type { Config } from '../config/config.ts'
import type { FluxEvent, ObjectRef } from '../events/flux.ts'
import type { ObjectMemory } from '../objects/memory.ts'
import { objectKey } from '../objects/name.ts'
import type { Transition } from '../objects.ts'
import { parseEvent } from './event.ts'
import { healthyBefore, type Rehearsed, type Spoken, speak, startRehearsal, whyNotNotified } from './rehearsal.ts'

/** An event as a relay keeps it. */
export interface StoredEvent {
  id: string
  /** In ms. */
  receivedAt: number
  source: string
  /** The body as it was received. */
  body: string
  transition?: Transition
  /** `state` is what became of the notification by the time of asking. */
  notifications: readonly { rule: string; destination: string; state?: string }[]
}

export interface Example {
  id: string
  /** In ms. */
  at: number
  object: ObjectRef
  was?: Sent
  now?: Sent
  /** Why a lost message is lost, line by line. */
  because: readonly string[]
}

/** What changes for one destination in one way. */
export interface Change {
  destination: string
  is: Difference['is']
  /** The destination that it goes to instead. */
  to?: string
  count: number
  /** The first few. */
  examples: Example[]
}

export interface Summary {
  events: number
  /** Events about failures that began before the first event. */
  notCompared: number
  /** Events about failures with messages that were withheld by hand or never arrived: nobody knows who was notified of them. */
  unsure: number
  /** Notifications that were withheld when they came, and would not be now. */
  withheld: number
  /** Events that are not of the form in which Flux posts them. */
  unreadable: number
  changes: readonly Change[]
}

// No more examples than this are kept of each change, however many events there are.
const maxExamples = 3

/** With `old`, both configs are rehearsed; without it, `config` is compared with what the relay sent when the events came. */
export function startReplay(config: Config, old?: Config) {
  const now = createRehearsal(config)
  const before = old && createRehearsal(old)
  const obstacleTo = createWindow()
  const changes = new Map<string, Change>()
  /** Comparisons that wait until it is known whether the failures last that something is held for. */
  let later: { until: number; compare: () => void }[] = []
  const counts = { events: 0, notCompared: 0, unsure: 0, withheld: 0, unreadable: 0 }

  return {
    add(stored: StoredEvent): void {
      counts.events++
      const after = now.receive(stored)
      const earlier = before?.receive(stored)
      compareUntil(stored.receivedAt)
      if (after === undefined) {
        counts.unreadable++
        return
      }
      // Asked now, in the order of the events: what is held for one event is about a failure that the next may end.
      const obstacle = obstacleOf(stored, after)
      const isOpen = now.isOpen(after) || (earlier !== undefined && before?.isOpen(earlier))
      const until = isOpen ? Number.POSITIVE_INFINITY : Math.max(...[after, earlier].map(heldUntil))
      const compare = () => compareWith(stored, after, earlier, obstacle)
      if (until > stored.receivedAt) later.push({ until, compare })
      else compare()
    },
    summary(): Summary {
      now.end()
      before?.end()
      compareUntil(Number.POSITIVE_INFINITY)
      for (const { examples } of changes.values()) examples.sort((a, b) => a.at - b.at)
      return { ...counts, changes: [...changes.values()] }
    }
  }

  function compareUntil(at: number): void {
    const known = later.filter(({ until }) => until <= at)
    if (known.length === 0) return
    later = later.filter(({ until }) => until > at)
    for (const { compare } of known) compare()
  }

  function obstacleOf(stored: StoredEvent, after: Rehearsed): Obstacle | undefined {
    if (old !== undefined) return undefined
    const { event, memory } = after
    return obstacleTo({
      key: objectKey(event.object),
      transition: stored.transition,
      isHeartbeat: event.isHeartbeat,
      leavesUnsure: pastOf(stored, config.sources.has(stored.source) ? after.notifications : []).isUnsure,
      memory
    })
  }

  function compareWith(
    stored: StoredEvent,
    after: Rehearsed,
    earlier: Rehearsed | undefined,
    obstacle: Obstacle | undefined
  ): void {
    if (obstacle !== undefined) {
      counts[obstacle === 'before' ? 'notCompared' : 'unsure']++
      return
    }
    const sent = sentOf(after, stored, config)
    const past = old === undefined ? pastOf(stored, sent) : { was: [], now: sent }
    counts.withheld += sent.length - past.now.length
    const was = old ? sentOf(earlier, stored, old) : past.was
    for (const difference of compare(was, past.now)) {
      count(changes, difference, stored, after, config)
    }
  }
}

/** Until when some of its notifications are held, in ms; 0 if none is. */
function heldUntil(rehearsed: Rehearsed | undefined): number {
  return Math.max(0, ...(rehearsed?.notifications.map((notification) => notification.heldUntil ?? 0) ?? []))
}

function createRehearsal(config: Config) {
  let transition: Transition | undefined
  // A heartbeat is an update if the revision before was another one. Nobody knows any more which that was.
  const before = (at: number) => ({ ...healthyBefore(at), revision: 'main@sha1:0000000' })
  const recall = ({ at }: FluxEvent) => (transition === 'updated' ? before(at) : undefined)
  const { receive, ...rehearsal } = startRehearsal(config, recall)
  return {
    ...rehearsal,
    /** Undefined if the event is not of the form in which Flux posts events. */
    receive(stored: StoredEvent): Rehearsed | undefined {
      const wire = parseEvent(stored.body)
      transition = stored.transition
      return typeof wire === 'string' ? undefined : receive(wire, stored.receivedAt, stored.source)
    }
  }
}

/**
 * What was notified when the event came, and that part of what would be now that can be compared with it. What was withheld by a mute,
 * by a silence or by hand was not notified, and no file says when that was right.
 */
function pastOf({ notifications }: StoredEvent, now: readonly Sent[]) {
  const isSame = (one: Sent) => (other: Sent) => one.rule === other.rule && one.destination === other.destination
  const kept = notifications.filter(({ state }) => state === 'muted' || state === 'discarded')
  const rest = now.filter((sent) => !kept.some(isSame(sent)))
  // A dead letter was to notify its destination; the relay has taken back that it did.
  const isUnsure = rest.length < now.length || notifications.some(({ state }) => state === 'dead')
  return { was: notifications.filter((past) => !kept.includes(past)), now: rest, isUnsure }
}

function sentOf(rehearsed: Rehearsed | undefined, { source }: StoredEvent, { sources }: Config): Sent[] {
  // Flux would get the answer that there is no such source.
  return sources.has(source) ? (rehearsed?.notifications.map(speak) ?? []) : []
}

function count(
  changes: Map<string, Change>,
  difference: Difference,
  { id, receivedAt, source }: StoredEvent,
  after: Rehearsed,
  config: Config
): void {
  const { is } = difference
  const destination = is === 'added' ? difference.now.destination : difference.was.destination
  const to = is === 're-routed' ? difference.now.destination : undefined
  const key = JSON.stringify([destination, is, to])
  const change = changes.get(key) ?? { destination, is, ...(to !== undefined && { to }), count: 0, examples: [] }
  changes.set(key, change)
  change.count++
  if (change.examples.length === maxExamples) return
  const { is: _, ...messages } = difference
  const because = is === 'lost' ? whyLost(difference.was, source, after, config) : []
  change.examples.push({ id, at: receivedAt, object: after.event.object, ...messages, because })
}

function whyLost({ destination, rule }: Sent, source: string, after: Rehearsed, config: Config): string[] {
  if (!config.sources.has(source)) return [`there is no source ${source}`]
  if (!config.destinations.has(destination)) return [`there is no destination ${destination}`]
  return whyNotNotified({ destination, ...(config.rules.byName.has(rule) && { rule }) }, after, config)
}

/** A message. Of one in the past, only what the relay keeps: its rule and its destination. */
export type Sent = Pick<Spoken, 'destination' | 'rule'> & Partial<Pick<Spoken, 'says' | 'text'>>

export type Difference =
  | { is: 'lost'; was: Sent }
  | { is: 'added'; now: Sent }
  /** The same rule notifies another destination. */
  | { is: 're-routed'; was: Sent; now: Sent }
  | { is: 're-worded'; was: Sent; now: Sent }

/** Compares messages as their readers see them: the same message by another rule is no difference. */
export function compare(before: readonly Sent[], after: readonly Sent[]): Difference[] {
  const was = new Set(before)
  const now = new Set(after)
  const pairs = (fits: (a: Sent, b: Sent) => boolean) =>
    [...was].flatMap((a) => {
      const b = [...now].find((candidate) => fits(a, candidate))
      if (b === undefined) return []
      was.delete(a)
      now.delete(b)
      return [{ was: a, now: b }]
    })
  const kept = [
    ...pairs((a, b) => a.destination === b.destination && a.rule === b.rule),
    ...pairs((a, b) => a.destination === b.destination)
  ]
  const moved = pairs((a, b) => a.rule === b.rule)
  return [
    ...[...was].map((lost) => ({ is: 'lost', was: lost }) as const),
    ...moved.map((pair) => ({ is: 're-routed', ...pair }) as const),
    ...kept.filter(isReworded).map((pair) => ({ is: 're-worded', ...pair }) as const),
    ...[...now].map((added) => ({ is: 'added', now: added }) as const)
  ]
}

function isReworded({ was, now }: { was: Sent; now: Sent }): boolean {
  return was.text !== undefined && was.text !== now.text
}

/** What the relay made of an event when it came. */
export interface Moment {
  /** The key of the object. */
  key: string
  /** If it is undefined, the event can always be compared. */
  transition: Transition | undefined
  isHeartbeat: boolean
  /** True if something of it was withheld by hand, or never arrived: who is notified of what follows depends on that. */
  leavesUnsure: boolean
  /** The memory of the object after the event. */
  memory: ObjectMemory
}

/** Why what was sent about an event cannot be compared with a rehearsal. */
export type Obstacle = 'before' | 'withheld'

/**
 * Decides for each event in turn whether what was sent about it can be compared with a rehearsal that began with nothing. It cannot
 * while an object is in a failure from before, or in one of which something was withheld by hand or never arrived: nobody knows who
 * was notified of that, and when.
 */
export function createWindow(): (moment: Moment) => Obstacle | undefined {
  const known = new Set<string>()
  const hasRevision = new Set<string>()
  const obstacles = new Map<string, Obstacle>()
  return ({ key, transition, isHeartbeat, leavesUnsure, memory }) => {
    const isFromBefore = transition === 'changed' || transition === 'repeated' || transition === 'recovered'
    if (isFromBefore && !known.has(key)) obstacles.set(key, 'before')
    // An update may have come with the recovery; that depends on a revision that nobody has seen.
    const isUnsure = transition === 'recovered' && isHeartbeat && !hasRevision.has(key)
    const obstacle = obstacles.get(key) ?? (isUnsure ? 'before' : undefined)
    // An informed event says nothing of the state: a failure from before may still be going on.
    if (transition !== 'informed') known.add(key)
    if (transition === 'recovered' || transition === 'updated' || transition === 'failed') obstacles.delete(key)
    if (leavesUnsure && memory.failure !== undefined) obstacles.set(key, obstacles.get(key) ?? 'withheld')
    if (memory.revision !== '') hasRevision.add(key)
    return transition === undefined ? undefined : obstacle
  }
}
