// Replay: rehearses stored events with a new config and counts, by destination, what would change. Pure.
import type { Config } from '../config/config.ts'
import type { ObjectRef } from '../events/flux.ts'
import { objectKey, type Transition } from '../objects.ts'
import { compare, type Difference, type Sent } from './compare.ts'
import { parseEvent } from './event.ts'
import { healthyBefore, type Rehearsed, speak, startRehearsal, whyNotNotified } from './rehearsal.ts'
import { createWindow } from './window.ts'

/** An event as a relay keeps it. */
export interface StoredEvent {
  id: string
  /** ms */
  receivedAt: number
  source: string
  /** As received. */
  body: string
  transition?: Transition
  /** `state`: what became of it by the time of asking. */
  notifications: readonly { rule: string; destination: string; state?: string }[]
}

export interface Example {
  id: string
  /** ms */
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
  /** Where it goes instead. */
  to?: string
  count: number
  /** The first few. */
  examples: Example[]
}

export interface Summary {
  events: number
  /** About failures that began before the first event. */
  notCompared: number
  /** About failures of which something was withheld by hand or never arrived: nobody knows who was notified of them. */
  unsure: number
  /** Notifications that were withheld when they came, and would not be now. */
  withheld: number
  /** Not of the form in which Flux posts events. */
  unreadable: number
  changes: readonly Change[]
}

export interface Replay {
  add(event: StoredEvent): void
  summary(): Summary
}

// However many events there are, no more than this is kept of each way in which they differ.
const maxExamples = 3

/** With `old`, both configs are rehearsed; without it `config` is compared with what the relay sent when the events came. */
export function startReplay(config: Config, old?: Config): Replay {
  const now = createRehearsal(config)
  const before = old && createRehearsal(old)
  const obstacleTo = createWindow()
  const changes = new Map<string, Change>()
  const counts = { events: 0, notCompared: 0, unsure: 0, withheld: 0, unreadable: 0 }

  return {
    add(stored) {
      counts.events++
      const after = now(stored)
      if (after === undefined) {
        counts.unreadable++
        return
      }
      const { event, memory } = after
      const sent = sentOf(after, stored, config)
      const past = old === undefined ? pastOf(stored, sent) : { was: [], now: sent, isUnsure: false }
      const moment = {
        key: objectKey(event.object),
        transition: stored.transition,
        isHeartbeat: event.isHeartbeat,
        leavesUnsure: past.isUnsure,
        memory
      }
      const obstacle = obstacleTo(moment)
      if (obstacle !== undefined && old === undefined) {
        counts[obstacle === 'before' ? 'notCompared' : 'unsure']++
        return
      }
      counts.withheld += sent.length - past.now.length
      const was = old && before ? sentOf(before(stored), stored, old) : past.was
      for (const difference of compare(was, past.now)) {
        count(changes, difference, stored, after, config)
      }
    },
    summary: () => ({ ...counts, changes: [...changes.values()] })
  }
}

function createRehearsal(config: Config): (stored: StoredEvent) => Rehearsed | undefined {
  let transition: Transition | undefined
  const { receive } = startRehearsal(config, (event) => (transition === 'updated' ? healthyBefore(event) : undefined))
  return (stored) => {
    const wire = parseEvent(stored.body)
    transition = stored.transition
    return typeof wire === 'string' ? undefined : receive(wire, stored.receivedAt, stored.source)
  }
}

/**
 * What was notified when the event came, and of what would be now the part that can be compared with it: what was withheld by
 * a mute, by a silence or by hand was not notified, and no file says when that was right.
 */
function pastOf({ notifications }: StoredEvent, now: readonly Sent[]) {
  const isSame = (one: Sent) => (other: Sent) => one.rule === other.rule && one.destination === other.destination
  const kept = notifications.filter(({ state }) => state === 'muted' || state === 'discarded')
  const rest = now.filter((sent) => !kept.some(isSame(sent)))
  // A dead letter was to be notified; the relay took back that its destination was notified.
  const isUnsure = rest.length < now.length || notifications.some(({ state }) => state === 'dead')
  return { was: notifications.filter((past) => !kept.includes(past)), now: rest, isUnsure }
}

function sentOf(rehearsed: Rehearsed | undefined, { source }: StoredEvent, { sources }: Config): Sent[] {
  // Flux would be answered that there is no such source.
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
