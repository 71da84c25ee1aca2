// Lasting: measures what `for` on the sources of a fleet's day keeps out of its channel, and whether it loses or delays
// anything.
import { parseDuration } from '../src/duration.ts'
import type { WireEvent } from '../src/events/flux.ts'
import { createFleetDay, live, type Moment } from './fleet-day.ts'
import { startVirtualRelay } from './virtual-relay.ts'

const sources = ['GitRepository', 'OCIRepository', 'HelmRepository', 'HelmChart', 'Bucket']

interface Incident {
  object: string
  since: number
  /** In ms; infinite if it lasts beyond the day. */
  lastsMs: number
}

interface Outcome {
  messages: number
  pings: number
  /** Time of each incident's first notification, in ms since the epoch, by the incident's index; missing if there was none. */
  notifiedAt: Map<number, number>
}

/** Compares two runs of the same day: with `for: DURATION` on sources, and without. */
export async function reportLasting(duration: string, start: number): Promise<string> {
  const day = createFleetDay(start, { withBlips: true })
  const incidents = incidentsIn(day, start)
  const [without, held] = [await run(day, incidents, '', start), await run(day, incidents, `for: ${duration}, `, start)]
  const forMs = parseDuration(duration)
  const passed = incidents.filter(({ lastsMs }) => lastsMs < forMs)
  const lasting = incidents.filter(({ lastsMs }) => lastsMs >= forMs + 2000)
  const notified = (some: readonly Incident[], { notifiedAt }: Outcome) =>
    some.filter((incident) => notifiedAt.has(incidents.indexOf(incident))).length
  const delays = lasting.flatMap((incident) => {
    const place = incidents.indexOf(incident)
    const at = held.notifiedAt.get(place)
    return at === undefined ? [] : [at - (without.notifiedAt.get(place) ?? at)]
  })
  const beside = incidents.filter(({ object }) => !object.includes('/HelmChart/'))
  const share = (of: readonly Incident[]) => {
    return `${Math.round((100 * of.filter(({ lastsMs }) => lastsMs < forMs).length) / of.length)} %`
  }
  const worst = Math.max(...delays) / 1000
  return `for: ${duration} on sources; ${day.length} events, ${incidents.length} failures of sources

                                     without        with
messages                          ${column(without.messages, held.messages)}
pings                             ${column(without.pings, held.pings)}
pass by themselves: notified      ${column(`${notified(passed, without)} of ${passed.length}`, `${notified(passed, held)} of ${passed.length}`)}
last: notified                    ${column(`${notified(lasting, without)} of ${lasting.length}`, `${notified(lasting, held)} of ${lasting.length}`)}
share that passes by itself: ${share(incidents)} of all, ${share(beside)} of those beside the storm
notified later than without it by at most ${worst.toFixed(1)} s
`
}

function column(...values: (string | number)[]): string {
  return values.map((value) => String(value).padStart(12)).join('')
}

function keyOf({ involvedObject: { kind, name }, metadata }: WireEvent): string {
  return `${metadata?.['cluster']}/${kind}/${name}`
}

function incidentsIn(day: readonly Moment[], start: number): Incident[] {
  const open = new Map<string, Incident>()
  const all: Incident[] = []
  for (const { at, event } of day) {
    const { kind = '' } = event.involvedObject
    if (!sources.includes(kind)) continue
    const object = keyOf(event)
    const known = open.get(object)
    if (event.severity === 'error' && known === undefined) {
      const incident = { object, since: start + at, lastsMs: Number.POSITIVE_INFINITY }
      open.set(object, incident)
      all.push(incident)
    }
    if (event.severity !== 'error' && known !== undefined) {
      known.lastsMs = start + at - known.since
      open.delete(object)
    }
  }
  return all
}

interface Listed {
  events: { id: string; receivedAt: string; object: { cluster: string; kind: string; name: string } }[]
  next: string | null
}

interface Detail {
  notifications: { state: string; message: { attempts: { at: string }[] } | null }[]
}

async function run(
  day: readonly Moment[],
  incidents: readonly Incident[],
  hold: string,
  start: number
): Promise<Outcome> {
  const relay = await startVirtualRelay(
    `rules:
  - { name: sources, match: { severity: error, kind: [${sources.join(', ')}] }, ${hold}mention: "<!here>", final: true, send: team }
  - { name: failures, match: { severity: error }, mention: "<!here>", send: team }
  - { name: rollouts, match: { severity: info, reason: [Progressing, UpgradeSucceeded] }, group: { by: [cluster, revision], wait: 30s }, send: team }
`,
    start
  )
  await live(relay, day, start)
  const notifiedAt = new Map<number, number>()
  for (const transition of ['failed', 'changed']) {
    for (let cursor: string | null = ''; cursor !== null; ) {
      const path = `/api/events?rule=sources&transition=${transition}&limit=500${cursor && `&cursor=${encodeURIComponent(cursor)}`}`
      const page = (await relay.ask(path)) as Listed
      for (const { id, receivedAt, object } of page.events) {
        const detail = (await relay.ask(`/api/events/${id}`)) as Detail
        const sent = detail.notifications.filter(({ state }) => state === 'sent')
        const times = sent.flatMap(({ message }) => message?.attempts.map(({ at }) => Date.parse(at)) ?? [])
        const at = Date.parse(receivedAt)
        const place = incidents.findIndex(
          (incident) =>
            incident.object === `${object.cluster}/${object.kind}/${object.name}` &&
            at >= incident.since &&
            at <= incident.since + incident.lastsMs
        )
        if (times.length > 0)
          notifiedAt.set(place, Math.min(...times, notifiedAt.get(place) ?? Number.POSITIVE_INFINITY))
      }
      cursor = page.next
    }
  }
  await relay.close()
  const pings = relay.posted.filter(({ body }) => body.includes('<!here>')).length
  return { messages: relay.posted.length, pings, notifiedAt }
}
