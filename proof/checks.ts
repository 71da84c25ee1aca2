// Checker: compares what was acknowledged, what the stand-in received and what the database holds, without any of the relay's
// code. Each check returns the violations of a promise, in words.

import { wasSet } from './clocks.ts'
import type { ActRow, Evidence, NotificationRow } from './evidence.ts'
import type { Journal } from './relays.ts'
import type { Acknowledged } from './sender.ts'
import type { Sighting } from './sightings.ts'
import { mutedNamespace, ofApp, silencedNamespace } from './world.ts'

export interface Case extends Evidence {
  acknowledged: readonly Acknowledged[]
  sightings: readonly Sighting[]
  journal: Journal
  /** Dead letters that were retried: they are sent after what came later. */
  retried: ReadonlySet<number>
}

/** Every acknowledged event is stored once, and each of its notifications is sent, muted, or dead with a reason. */
export function nothingLost({ acknowledged, events, notifications }: Case): string[] {
  const faults: string[] = []
  const byId = new Map(notifications.map((row) => [row.id, row]))
  const notified = Map.groupBy(notifications, ({ event_id }) => event_id)
  const kept = new Map(events.map((row) => [row.id, row]))
  for (const { serial, name, id, status, transition, notifications: promised } of acknowledged) {
    if (id === null) {
      if (transition !== 'heartbeat' && status !== 'duplicate')
        faults.push(`event ${serial} was acknowledged and not kept`)
      continue
    }
    const event = kept.get(Number(id))
    if (event === undefined) faults.push(`event ${id} (${serial}) was acknowledged and is not in the database`)
    else if (serialOf(event.body) !== serial)
      faults.push(`event ${id} was acknowledged as ${serial} and contains another`)
    for (const { id } of promised) {
      if (byId.get(Number(id))?.event_id !== event?.id)
        faults.push(`notification ${id} of ${name} is not in the database`)
    }
    const isToAll = notified.get(Number(id))?.some(({ destination }) => destination === 'all')
    const isQuiet = event !== undefined && /"rule":"everything"[^}]*"because"/.test(quietOf(event.trace))
    if (!isToAll && !isQuiet) faults.push(`event ${id} (${serial}) notified nobody`)
  }
  for (const { id, state, reason, mute, rule, destination, says } of notifications) {
    if (state === 'pending') faults.push(`notification ${id} of ${rule} (${says}) to ${destination} still waits`)
    if (state === 'dead' && !reason) faults.push(`notification ${id} is dead without a reason`)
    if (state === 'muted' && !mute && !reason) faults.push(`notification ${id} is muted by nothing`)
  }
  return faults
}

/** Whatever counts as sent reached the stand-in complete, and names its object. */
export function sentWasSeen({ notifications, sightings }: Case): string[] {
  const seen = new Map<number, string[]>()
  for (const { request, message } of sightings) {
    if (request.taken && message !== undefined) seen.set(message.id, [...(seen.get(message.id) ?? []), request.text])
  }
  return notifications.flatMap((row) => {
    // Messages of an app are not in `sightings`; cards.ts checks their channel.
    if (row.state !== 'sent' || ofApp.has(row.destination)) return []
    const texts = seen.get(row.message_id ?? 0)
    if (texts === undefined)
      return [`notification ${row.id} counts as sent, and message ${row.message_id} never arrived`]
    if (row.event_id === null) return []
    const name = row.object.split('/').at(-1) ?? ''
    return texts.some((text) => text.includes(name)) ? [] : [`message ${row.message_id} does not name ${name}`]
  })
}

/** An event is stored once, however often it was posted. If a clock was set in between, a retry counts as a new event. */
export function storedOnce({ events, journal }: Case): string[] {
  const bodies = Map.groupBy(events, ({ source, body }) => `${source} ${body}`)
  return [...bodies.values()].flatMap(([first, ...again]) =>
    again
      .filter((row) => !wasSet(journal.clocks, first?.received_at ?? 0, row.received_at))
      .map(() => `event ${first?.id} is stored twice`)
  )
}

/**
 * An object recovers only after a failure of its own: two sources have objects of the same names, and neither may end the
 * other's failure, nor may an earlier success.
 */
export function recoveriesAreTrue({ events, notifications }: Case): string[] {
  const recovered = new Set(notifications.filter(({ says }) => says === 'recovered').map(({ event_id }) => event_id))
  const failing = new Set<string>()
  const faults: string[] = []
  for (const { id, source, namespace, name, body } of events) {
    const object = `${source} ${namespace}/${name}`
    const isFailure = isFailing(body)
    if (recovered.has(id) && (isFailure || !failing.has(object))) faults.push(`event ${id} is no recovery of ${object}`)
    if (recovered.has(id)) failing.delete(object)
    if (isFailure) failing.add(object)
  }
  return faults
}

/** Whatever the clocks say, an event that reports a failure either fails its object or notifies somebody. */
export function failuresStand({ acknowledged, events }: Case): string[] {
  const bodies = new Map(events.map(({ id, body }) => [id, body]))
  return acknowledged.flatMap(({ id, serial, status, transition, notifications }) => {
    const body = bodies.get(Number(id))
    if (status === 'duplicate' || body === undefined || !isFailing(body)) return []
    const stands = ['failed', 'changed', 'repeated'].includes(transition ?? '')
    return stands || notifications.length > 0 ? [] : [`event ${id} (${serial}) is a failure that notified nobody`]
  })
}

/** Nothing arrives that was not stored before, byte for byte. */
export function nothingInvented({ sightings }: Case): string[] {
  return sightings
    .filter(({ message }) => message === undefined)
    .map(({ request: { path, text } }) => `${path} got what was never stored: ${text.slice(0, 200)}`)
}

/** The events of an object are numbered in the order in which they were acknowledged. */
export function acceptedInOrder({ acknowledged }: Case): string[] {
  const last = new Map<string, number>()
  const faults: string[] = []
  for (const { source, name, id, status } of acknowledged) {
    if (id === null) continue
    const object = `${source} ${name}`
    const before = last.get(object) ?? 0
    if (Number(id) <= before && status === 'accepted') faults.push(`event ${id} of ${name} came after ${before}`)
    last.set(object, Math.max(before, Number(id)))
  }
  return faults
}

/** A recovery is sent only where the failure was. */
export function recoveriesFollowFailures({ notifications }: Case): string[] {
  const failed = new Set<string>()
  const faults: string[] = []
  for (const row of notifications) {
    const key = `${row.object} ${row.rule} ${row.destination}`
    if (row.says === 'failed' && row.state !== 'dead') failed.add(key)
    if (row.says === 'recovered' && row.state === 'sent' && !failed.has(key)) {
      faults.push(`${row.destination} was notified that ${row.object} recovered (${row.id}), and never that it failed`)
    }
  }
  return faults
}

/** Everything that a mute withheld is summed up in a message when the mute is over. */
export function mutesWereSummedUp({ notifications }: Case): string[] {
  const notified = new Map<string, number>()
  for (const { rule, destination, id } of notifications) if (rule === 'mute') notified.set(destination, id)
  return notifications
    .filter((row: NotificationRow) => row.state === 'muted' && row.mute !== null)
    .filter(({ id, destination, muted_until }) => muted_until !== null || (notified.get(destination) ?? 0) < id)
    .map(({ id, destination }) => `notification ${id} was muted, and no summary of it went to ${destination}`)
}

/** A notification is withheld only if somebody silenced or acknowledged it, or the config file mutes it. */
export function onlySilencedIsWithheld({ notifications, acts }: Case): string[] {
  const silenced = new Set(
    acts.flatMap(({ about: { match } }) => (match?.['name'] === undefined ? [] : [keyOf(match)]))
  )
  const acknowledged = new Set(
    acts.filter(isAcknowledged).flatMap(({ about }) => about.incidents?.map(({ object }) => object))
  )
  return notifications.flatMap(({ id, state, mute, reason, object, says }) => {
    if (state !== 'muted') return []
    const [namespace = ''] = object.split('/').slice(-2)
    if (mute !== null) {
      const isMuted = namespace === mutedNamespace || namespace === silencedNamespace || silenced.has(object)
      return isMuted ? [] : [`notification ${id} of ${object} is muted by ${mute}, and nobody silenced it`]
    }
    if (!reason?.startsWith('acknowledged')) return []
    return acknowledged.has(object) && says === 'repeated'
      ? []
      : [`notification ${id} of ${object}: ${reason}, and it is not`]
  })
}

function isAcknowledged({ did }: ActRow): boolean {
  return did === 'acknowledge'
}

function keyOf(match: Record<string, string>): string {
  return ['cluster', 'kind', 'namespace', 'name'].map((field) => match[field] ?? '').join('/')
}

function isFailing(body: string): boolean {
  return (JSON.parse(body) as { severity: string }).severity === 'error'
}

function serialOf(body: string): number {
  return Number((JSON.parse(body) as { metadata: { serial: string } }).metadata.serial)
}

function quietOf(trace: string): string {
  return JSON.stringify((JSON.parse(trace) as { quiet: unknown }).quiet)
}
