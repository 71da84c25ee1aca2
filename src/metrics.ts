// Metrics: defines what Prometheus sees. Label values are the operator's own names or from closed lists, never free text
// from an event.
import { readFileSync } from 'node:fs'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import { actWays } from './actor.ts'
import type { ErrorCode } from './errors.ts'
import { vocabulary } from './events/vocabulary.ts'
import { actNames } from './store/kept.ts'

export type Metrics = ReturnType<typeof createMetrics>

const knownKinds = new Set<string>(vocabulary.kind)

/** `kind` as a label value. A kind that nobody knows counts as "other", or a sender could make series. */
export function kindLabel(kind: string): string {
  return knownKinds.has(kind) ? kind : 'other'
}

/** The codes that the webhook may answer instead of 202. */
const webhookCodes: readonly ErrorCode[] = [
  'BAD_EVENT',
  'BAD_JSON',
  'BAD_REQUEST',
  'BAD_SIGNATURE',
  'CANNOT_STORE',
  'INTERNAL',
  'TOO_LARGE',
  'UNKNOWN_SOURCE',
  'WRONG_TYPE'
]

/** The reasons why a request to the dashboard or the API may be refused. */
export const refusalReasons = ['wrong_token', 'no_token', 'not_local', 'proxied', 'other_site'] as const

/** Creates what is counted, in a registry of its own for each app. */
export function createMetrics() {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const of = (name: string, help: string) => ({ name: `flux_relay_${name}`, help, registers: [registry] })
  new Gauge({ ...of('build_info', 'Always 1; the label is the version of the program'), labelNames: ['version'] }).set(
    { version: versionOfProgram() },
    1
  )
  return {
    registry,
    ...intakeMetrics(of),
    ...deliveryMetrics(of),
    ...databaseMetrics(of),
    ...objectMetrics(of),
    configReloads: configReloads(of)
  }
}

type Of = (name: string, help: string) => { name: string; help: string; registers: Registry[] }

function intakeMetrics(of: Of) {
  const refused = new Counter({
    ...of('refused_requests_total', 'Requests to the webhook that were not answered with 202, by error code'),
    labelNames: ['code']
  })
  // Begins the series at 0, so that the first is an increase, which alerts ask for.
  for (const code of webhookCodes) refused.inc({ code }, 0)
  return {
    refused,
    events: new Counter({
      ...of('events_total', 'Events accepted, by what they did to their object; duplicates are not among them'),
      labelNames: ['source', 'kind', 'severity', 'transition']
    }),
    duplicates: new Counter({
      ...of('duplicate_events_total', 'Events that were posted again, byte for byte, within two minutes'),
      labelNames: ['source']
    }),
    lostRequests: new Counter(
      of('lost_requests_total', 'Requests to no address of the relay, or with a method that it does not take')
    ),
    unreadableRequests: new Counter({
      ...of('unreadable_requests_total', 'Connections that did not speak HTTP/1: tls, proxy, http2, or unknown'),
      labelNames: ['what']
    }),
    crowdedOut: new Counter(
      of('crowded_out_connections_total', 'Connections that asked for nothing and were closed to make room for others')
    ),
    signatureFailures: new Counter({
      ...of('signature_failures_total', 'Requests to the webhook without a valid signature or token'),
      labelNames: ['source']
    }),
    foreignClusters: new Counter({
      ...of('foreign_cluster_events_total', 'Events that claimed a cluster that another source speaks for'),
      labelNames: ['source']
    }),
    adminRefused: adminRefused(of),
    clicks: new Counter({
      ...of(
        'slack_clicks_total',
        'Buttons that were pressed in Slack, by what came of it: done, refused, repeated, failed, unknown'
      ),
      labelNames: ['button', 'outcome']
    }),
    slackSockets: new Gauge({
      ...of('slack_socket_connected', 'Whether clicks in Slack reach this process: 1 while its socket is open'),
      labelNames: ['app']
    }),
    acts: acts(of),
    unmatched: new Counter({
      ...of('unmatched_events_total', 'Events accepted that no rule matched, so that nobody is notified of them'),
      labelNames: ['source', 'severity']
    }),
    ruleHits: new Counter({
      ...of('rule_hits_total', 'Events that a rule matched, whether or not there was anything new to send'),
      labelNames: ['rule']
    }),
    ruleErrors: new Counter({
      ...of('rule_errors_total', 'Times a `when` expression could not be evaluated, which counts as no match'),
      labelNames: ['rule']
    }),
    templateErrors: new Counter({
      ...of('template_errors_total', "Notifications whose template failed; sent in the relay's own form instead"),
      labelNames: ['template']
    }),
    commitSeconds: new Histogram({
      ...of('commit_seconds', 'Seconds to commit a batch of events to the database, deciding on them included'),
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5]
    }),
    commitEvents: new Histogram({
      ...of('commit_events', 'Events in a committed batch'),
      buckets: [1, 2, 5, 10, 20, 50, 100, 200]
    }),
    commitFailures: new Counter(
      of('commit_failures_total', 'Batches of events that could not be committed: Flux got 503 and tries again')
    )
  }
}

function acts(of: Of) {
  const counter = new Counter({
    ...of(
      'acts_total',
      'What operators did: acknowledge, silence, retry and so on, on a page, by the API, the CLI or in Slack'
    ),
    labelNames: ['did', 'via']
  })
  for (const did of actNames) for (const via of actWays) counter.inc({ did, via }, 0)
  return counter
}

function adminRefused(of: Of) {
  const counter = new Counter({
    ...of('admin_refused_requests_total', 'Requests to the dashboard and the API that were refused, by reason'),
    labelNames: ['reason']
  })
  // Begins the series at 0: one that begins at 1 has not increased, as far as Prometheus knows.
  for (const reason of refusalReasons) counter.inc({ reason }, 0)
  return counter
}

function deliveryMetrics(of: Of) {
  return {
    notifications: new Counter({
      ...of(
        'notifications_total',
        'Notifications that entered a state: pending or muted when accepted, then sent or dead. ' +
          'Without a destination: dead, because their destination was removed from the config file'
      ),
      labelNames: ['destination', 'state']
    }),
    passed: new Counter({
      ...of('passed_total', 'Failures that passed by themselves before they had lasted as long as `for` of the rule'),
      labelNames: ['rule']
    }),
    slackRequests: new Counter({
      ...of('slack_requests_total', 'Posts to Slack by their outcome'),
      labelNames: ['destination', 'outcome']
    }),
    deliverySeconds: new Histogram({
      ...of('delivery_seconds', 'Seconds from accepting the newest notification of a message to Slack taking it'),
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 3600, 21_600, 86_400]
    })
  }
}

/** A sentence for the help of metrics about the database, which replicas share. */
export const shared = 'Replicas on one PostgreSQL all report the same: aggregate with max, not sum'

function databaseMetrics(of: Of) {
  return {
    databaseUp: new Gauge(of('database_up', '1 if the database answered within a second of this scrape, else 0')),
    databaseSize: new Gauge(of('database_size_bytes', `Size of the database without its log. ${shared}`)),
    databaseLog: new Gauge(of('database_log_bytes', 'Size of the log of an embedded database')),
    databaseReusable: new Gauge(
      of('database_reusable_bytes', 'Size of the pages of an embedded database that pruning has freed for new rows')
    ),
    databaseFree: new Gauge(of('database_free_bytes', 'Free space on the volume of an embedded database'))
  }
}

function objectMetrics(of: Of) {
  let counted: ReadonlyMap<string, { kept: number; forgotten: number }> = new Map()
  const forgottenObjects = new Counter({
    ...of('forgotten_objects_total', 'Objects forgotten because their source had too many, healthy ones first'),
    labelNames: ['source']
  })
  return {
    forgottenObjects,
    countObjects(counts: ReadonlyMap<string, { kept: number; forgotten: number }>) {
      counted = counts
      for (const [source, { forgotten }] of counts) if (forgotten > 0) forgottenObjects.inc({ source }, forgotten)
    },
    /** The number of objects of `source` that were remembered when they were last counted. */
    objectsOf: (source: string) => counted.get(source)?.kept ?? 0
  }
}

function configReloads(of: Of) {
  const successful = new Gauge(
    of('config_last_reload_successful', '1 if the last reading of the config file could be used, else 0')
  )
  const at = new Gauge(
    of('config_last_reload_success_timestamp_seconds', 'When the config file in use was read, as Unix time')
  )
  successful.set(1)
  at.setToCurrentTime()
  return {
    succeeded(isGood: boolean) {
      successful.set(isGood ? 1 : 0)
      if (isGood) at.setToCurrentTime()
    }
  }
}

function versionOfProgram(): string {
  return JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version
}
