// Trickles: storms that come slowly, through the whole relay in virtual time, so that ten minutes take seconds.
import type { WireEvent } from '../src/events/flux.ts'
import { fluxEvent } from '../test/fixtures/relay.ts'
import { startVirtualRelay } from './virtual-relay.ts'

/** A page for each object, as in many real configs. */
export const links =
  'links: [{ dashboard: "https://grafana.example.com/d/flux?var-object={{ object.namespace }}-{{ object.name }}" }]\n'

const minuteMs = 60_000

/** An object that fails or recovers. */
interface Came {
  /** In ms since the first. */
  at: number
  name: string
  cause: string
  isOver?: true
}

export interface Trickle {
  name: string
  came: Came[]
  /** True if all objects failed before and were named then. */
  isAfterFailure?: true
  hasLinks?: true
}

export interface Outcome {
  messages: number
  pings: number
  /** Objects of the trickle that the messages name. */
  named: number
  /** In ms since the first event. */
  first: number
  last: number
}

const spread = (count: number, ms: number, { cause = 'no such repository', from = 0 } = {}): Came[] =>
  Array.from({ length: count }, (_, n) => ({
    at: from + Math.floor((n * ms) / count),
    name: `${cause.replaceAll(' ', '-')}-${n}`,
    cause
  }))

/** In words: numbers would be normalised away, and all would be one cause. */
const causes = [
  ...[
    'no such repository',
    'certificate has expired',
    'authentication required',
    'connection refused',
    'index missing'
  ],
  ...['chart is corrupt', 'version does not exist', 'digest mismatch', 'manifest unknown', 'disk full']
]
const inOrder = (...parts: Came[][]) => parts.flat().sort((a, b) => a.at - b.at)
const recoveries = spread(25, 5000).map((entry): Came => ({ ...entry, isOver: true }))

export const trickles: Trickle[] = [
  { name: '150 over 10 min', came: spread(150, 10 * minuteMs) },
  { name: '150 over 5 min', came: spread(150, 5 * minuteMs) },
  { name: '150 over 1 min', came: spread(150, minuteMs) },
  { name: '150 over 10 min, links', came: spread(150, 10 * minuteMs), hasLinks: true },
  {
    name: 'ten causes in turn',
    came: inOrder(...causes.map((cause, n) => spread(15, 10 * minuteMs, { cause, from: n * 4000 })))
  },
  {
    name: 'ten causes, 1,500',
    came: inOrder(...causes.map((cause, n) => spread(150, 10 * minuteMs, { cause, from: n * 400 })))
  },
  { name: '25 recoveries in 5 s', came: recoveries, isAfterFailure: true }
]

export async function run({ came, isAfterFailure, hasLinks }: Trickle): Promise<Outcome> {
  const rules = 'rules: [{ name: failures, match: { severity: error }, mention: "<!here>", send: team }]\n'
  const { clock, posted, post, pass, close } = await startVirtualRelay(rules + (hasLinks ? links : ''))
  let begin = clock.now()

  if (isAfterFailure) {
    for (const { name, cause } of came) await post(eventOf({ at: 0, name, cause }, clock.now()))
    await pass(30 * minuteMs)
    posted.length = 0
    begin = clock.now()
  }
  for (const entry of came) {
    await pass(begin + entry.at - clock.now())
    await post(eventOf(entry, clock.now()))
  }
  await pass(6 * minuteMs)
  await close()
  const all = posted.map(({ body }) => body).join('\n')
  return {
    messages: posted.length,
    pings: posted.filter(({ body }) => body.includes('<!here>')).length,
    named: came.filter(({ name }) => new RegExp(`${name}\\b`).test(all)).length / came.length,
    first: (posted[0]?.at ?? begin) - begin,
    last: (posted.at(-1)?.at ?? begin) - begin
  }
}

function eventOf({ name, cause, isOver }: Came, at: number): WireEvent {
  const apiVersion = 'source.toolkit.fluxcd.io/v1'
  return fluxEvent({
    involvedObject: { kind: 'HelmChart', namespace: 'apps', name, uid: name, apiVersion },
    timestamp: new Date(at).toISOString(),
    ...(isOver
      ? { severity: 'info', reason: 'ChartPullSucceeded', message: `pulled '${name}' chart` }
      : { reason: 'ChartPullError', message: `failed to get source: ${cause}` })
  })
}
