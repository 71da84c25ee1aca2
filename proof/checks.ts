// Checker: knows what was acknowledged, what the stand-in received and what the database says, and none of the relay's
// code. Each check returns, in words, what breaks a promise.

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
  /** Dead letters that were tried again: they go behind what came after them. */
  retried: ReadonlySet<number>
}

/** Every acknowledged event is kept once, and each of its notifications is sent, muted or dead with a reason. */
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

/** What counts as sent was seen, complete, by the stand-in, and names its object. */
export function sentWasSeen({ notifications, sightings }: Case): string[] {
  const seen = new Map<number, string[]>()
  for (const { request, message } of sightings) {
    if (request.taken && message !== undefined) seen.set(message.id, [...(seen.get(message.id) ?? []), request.text])
  }
  return notifications.flatMap((row) => {
    // Those of an app are not among them: cards.ts looks at its channel.
    if (row.state !== 'sent' || ofApp.has(row.destination)) return []
    const texts = seen.get(row.message_id ?? 0)
    if (texts === undefined)
      return [`notification ${row.id} counts as sent, and message ${row.message_id} never arrived`]
    if (row.event_id === null) return []
    const name = row.object.split('/').at(-1) ?? ''
    return texts.some((text) => text.includes(name)) ? [] : [`message ${row.message_id} does not name ${name}`]
  })
}

/** Events are stored once, however often they were posted; a clock that is set in between makes a retry another event. */
export function storedOnce({ events, journal }: Case): string[] {
  const bodies = Map.groupBy(events, ({ source, body }) => `${source} ${body}`)
  return [...bodies.values()].flatMap(([first, ...again]) =>
    again
      .filter((row) => !wasSet(journal.clocks, first?.received_at ?? 0, row.received_at))
      .map(() => `event ${first?.id} is stored twice`)
  )
}

/** Two sources have objects of one name: none ends the other's failure, and no success that came before it does. */
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

/** Whatever the clocks say, an event that says that its object fails is what is known of it, or somebody is notified. */
export function failuresStand({ acknowledged, events }: Case): string[] {
  const bodies = new Map(events.map(({ id, body }) => [id, body]))
  return acknowledged.flatMap(({ id, serial, status, transition, notifications }) => {
    const body = bodies.get(Number(id))
    if (status === 'duplicate' || body === undefined || !isFailing(body)) return []
    const stands = ['failed', 'changed', 'repeated'].includes(transition ?? '')
    return stands || notifications.length > 0 ? [] : [`event ${id} (${serial}) is a failure that notified nobody`]
  })
}

/** Nothing arrives that was not written down before, word for word. */
export function nothingInvented({ sightings }: Case): string[] {
  return sightings
    .filter(({ message }) => message === undefined)
    .map(({ request: { path, text } }) => `${path} got what was never stored: ${text.slice(0, 200)}`)
}

/** Acknowledgements of one object have an order; so do their events. */
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

/** The end of a failure is sent only where its beginning was. */
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

/** What was withheld is summed up when its mute is over: nothing is left muted without a message about it. */
export function mutesWereSummedUp({ notifications }: Case): string[] {
  const notified = new Map<string, number>()
  for (const { rule, destination, id } of notifications) if (rule === 'mute') notified.set(destination, id)
  return notifications
    .filter((row: NotificationRow) => row.state === 'muted' && row.mute !== null)
    .filter(({ id, destination, muted_until }) => muted_until !== null || (notified.get(destination) ?? 0) < id)
    .map(({ id, destination }) => `notification ${id} was muted, and no summary of it went to ${destination}`)
}

/** Nothing is withheld but what somebody silenced or acknowledged, or what the config file mutes. */
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
