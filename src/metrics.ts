// What Prometheus sees. Label values are the operator's own names or from closed lists, never free text from an event.
import { readFileSync } from 'node:fs'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

export type Metrics = ReturnType<typeof createMetrics>

// Kinds that Flux and its companions emit events for; anything else counts as "other", or a sender could make series.
const knownKinds = new Set([
  'ArtifactGenerator',
  'Bucket',
  'ExternalArtifact',
  'FluxInstance',
  'GitRepository',
  'HelmChart',
  'HelmRelease',
  'HelmRepository',
  'ImagePolicy',
  'ImageRepository',
  'ImageUpdateAutomation',
  'Kustomization',
  'OCIRepository',
  'ResourceSet',
  'ResourceSetInputProvider',
  'Terraform'
])

/** `kind` as a label value. */
export function kindLabel(kind: string): string {
  return knownKinds.has(kind) ? kind : 'other'
}

/** A registry of its own for each app. The gauges that say how things stand are set when Prometheus asks. */
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
    ...standing(of),
    configReloads: configReloads(of)
  }
}

type Of = (name: string, help: string) => { name: string; help: string; registers: Registry[] }

function intakeMetrics(of: Of) {
  return {
    events: new Counter({
      ...of('events_total', 'Events accepted, by what they did to their object; duplicates are not among them'),
      labelNames: ['source', 'kind', 'severity', 'transition']
    }),
    duplicates: new Counter({
      ...of('duplicate_events_total', 'Events that were posted again, byte for byte, within two minutes'),
      labelNames: ['source']
    }),
    refused: new Counter({
      ...of('refused_requests_total', 'Requests to the webhook that were not answered with 202, by error code'),
      labelNames: ['code']
    }),
    lostRequests: new Counter(
      of('lost_requests_total', 'Requests to no address of the relay, or with a method that it does not take')
    ),
    unreadableRequests: new Counter({
      ...of('unreadable_requests_total', 'Connections on which something else than HTTP was spoken: tls, or unknown'),
      labelNames: ['what']
    }),
    signatureFailures: new Counter({
      ...of('signature_failures_total', 'Requests to the webhook without a valid signature or token'),
      labelNames: ['source']
    }),
    unmatched: new Counter({
      ...of('unmatched_events_total', 'Events accepted that no rule matched: nobody is told of them'),
      labelNames: ['source', 'severity']
    }),
    ruleHits: new Counter({
      ...of('rule_hits_total', 'Events that a rule matched, whether or not there was anything new to tell'),
      labelNames: ['rule']
    }),
    ruleErrors: new Counter({
      ...of('rule_errors_total', 'Times a `when` expression could not be evaluated, which counts as no match'),
      labelNames: ['rule']
    }),
    templateErrors: new Counter({
      ...of(
        'template_errors_total',
        'Notifications that a template could not be filled in for; they look as without it'
      ),
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

function deliveryMetrics(of: Of) {
  return {
    notifications: new Counter({
      ...of(
        'notifications_total',
        'Notifications that entered a state: pending when accepted, muted instead of it, then sent or dead. ' +
          'Without a destination: dead because theirs was removed from the config file'
      ),
      labelNames: ['destination', 'state']
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

// Of the database, which replicas share.
const shared = 'Replicas on one PostgreSQL all report the same: aggregate with max, not sum'

function standing(of: Of) {
  return {
    pending: new Gauge({
      ...of('pending', `Notifications that wait for delivery, counted at most every 5 seconds. ${shared}`),
      labelNames: ['destination']
    }),
    oldestPending: new Gauge({
      ...of(
        'oldest_pending_seconds',
        `Age of what has waited longest in the lane of a destination; 0 where nothing waits. ${shared}`
      ),
      labelNames: ['destination']
    }),
    laneBlocked: new Gauge({
      ...of('lane_blocked', `1 while Slack answers that the webhook or its channel is gone, else 0. ${shared}`),
      labelNames: ['destination']
    }),
    databaseUp: new Gauge(of('database_up', '1 if the database answered within a second of this scrape, else 0')),
    sourceHeard: new Gauge({
      ...of(
        'source_last_event_timestamp_seconds',
        `When a source last posted an event, or since when one is expected of it, as Unix time. ${shared}`
      ),
      labelNames: ['source']
    }),
    sourceQuiet: new Gauge({
      ...of('source_quiet', `1 while a source has been quiet for longer than its \`expectEvery\`, else 0. ${shared}`),
      labelNames: ['source']
    })
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
