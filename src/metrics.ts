// What Prometheus sees. Label values are the operator's own names or from closed lists, never free text from an event.
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

/** A registry of its own for each app. `pending` is read when Prometheus asks. */
export function createMetrics(pending: () => number) {
  const registry = new Registry()
  const registers = [registry]
  const lastReloadSuccessful = new Gauge({
    name: 'flux_relay_config_last_reload_successful',
    help: 'Whether the last reading of the config file could be used',
    registers
  })
  const lastReloadSuccess = new Gauge({
    name: 'flux_relay_config_last_reload_success_timestamp_seconds',
    help: 'When the config file in use was read',
    registers
  })
  lastReloadSuccessful.set(1)
  lastReloadSuccess.setToCurrentTime()
  collectDefaultMetrics({ register: registry })
  new Gauge({
    name: 'flux_relay_pending',
    help: 'Notifications waiting for delivery',
    registers,
    collect() {
      this.set(pending())
    }
  })
  return {
    registry,
    configReloads: {
      succeeded(isGood: boolean) {
        lastReloadSuccessful.set(isGood ? 1 : 0)
        if (isGood) lastReloadSuccess.setToCurrentTime()
      }
    },
    events: new Counter({
      name: 'flux_relay_events_total',
      help: 'Events accepted',
      labelNames: ['source', 'kind', 'severity', 'transition'],
      registers
    }),
    duplicates: new Counter({
      name: 'flux_relay_duplicate_events_total',
      help: 'Events that were posted again, byte for byte, within two minutes',
      labelNames: ['source'],
      registers
    }),
    refused: new Counter({
      name: 'flux_relay_refused_requests_total',
      help: 'Requests to the webhook that were refused, by error code',
      labelNames: ['code'],
      registers
    }),
    signatureFailures: new Counter({
      name: 'flux_relay_signature_failures_total',
      help: 'Requests without a valid signature or token',
      labelNames: ['source'],
      registers
    }),
    unmatched: new Counter({
      name: 'flux_relay_unmatched_events_total',
      help: 'Events that no rule matched',
      labelNames: ['source'],
      registers
    }),
    ruleErrors: new Counter({
      name: 'flux_relay_rule_errors_total',
      help: 'Times a `when` expression could not be evaluated, which counts as no match',
      labelNames: ['rule'],
      registers
    }),
    templateErrors: new Counter({
      name: 'flux_relay_template_errors_total',
      help: 'Times a template could not be filled in, and the message was sent in its usual form',
      labelNames: ['template'],
      registers
    }),
    notifications: new Counter({
      name: 'flux_relay_notifications_total',
      help: 'Notifications by what became of them',
      labelNames: ['destination', 'state'],
      registers
    }),
    slackRequests: new Counter({
      name: 'flux_relay_slack_requests_total',
      help: 'Posts to Slack by outcome',
      labelNames: ['destination', 'outcome'],
      registers
    }),
    deliverySeconds: new Histogram({
      name: 'flux_relay_delivery_seconds',
      help: 'Time from accepting a notification to Slack taking it',
      buckets: [0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60, 300, 3600, 21_600, 86_400],
      registers
    }),
    commitSeconds: new Histogram({
      name: 'flux_relay_commit_seconds',
      help: 'Time to commit a batch of events',
      buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1, 5],
      registers
    }),
    commitEvents: new Histogram({
      name: 'flux_relay_commit_events',
      help: 'Events in a committed batch',
      buckets: [1, 2, 5, 10, 20, 50, 100, 200],
      registers
    })
  }
}
