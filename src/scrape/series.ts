// Series: creates one for every name in the config file at the start, at 0, so that the first of anything is an increase;
// none for a name that left it, and none that an event could make.
import type { Counter, Gauge } from 'prom-client'
import { outcomes } from '../deliver/outcome.ts'
import { severityNames } from '../events/severity.ts'
import type { Metrics } from '../metrics.ts'

/** What the config file names, by the labels they stand in. */
export interface Names {
  source: readonly string[]
  destination: readonly string[]
  rule: readonly string[]
  template: readonly string[]
}

/** Label values that are the same for everyone. */
const closed = {
  state: ['pending', 'sent', 'dead', 'muted'],
  outcome: outcomes,
  severity: severityNames
} as const

/** Where dead letters of removed destinations are counted. */
export const removed = { destination: '', state: 'dead' } as const

/** Adds what is missing and takes away what is gone. */
export async function keepTo(names: Names, metrics: Metrics): Promise<void> {
  const { notifications, slackRequests, duplicates, signatureFailures, foreignClusters, unmatched } = metrics
  const { ruleHits, ruleErrors, templateErrors, events, objects, forgottenObjects } = metrics
  // Events get only the series of what happened: every kind and transition of every source would be hundreds of zeros each.
  await drop(events, 'source', names.source)
  await keep(notifications, 'destination', names.destination, 'state')
  await keep(slackRequests, 'destination', names.destination, 'outcome')
  await keep(unmatched, 'source', names.source, 'severity')
  for (const counter of [duplicates, signatureFailures, foreignClusters, forgottenObjects])
    await keep(counter, 'source', names.source)
  for (const counter of [ruleHits, ruleErrors]) await keep(counter, 'rule', names.rule)
  await keep(templateErrors, 'template', names.template)
  await drop(objects, 'source', names.source)
  for (const source of names.source) objects.inc({ source }, 0)
  notifications.inc(removed, 0)
}

async function keep<Label extends string>(
  counter: Counter<Label>,
  label: Label & keyof Names,
  names: readonly string[],
  other?: Label & keyof typeof closed
): Promise<void> {
  await drop(counter, label, names)
  for (const name of names) {
    const one = { [label]: name } as Record<Label, string>
    if (other === undefined) counter.inc(one, 0)
    else for (const value of closed[other]) counter.inc({ ...one, [other]: value }, 0)
  }
}

async function drop<Label extends string>(
  counter: Counter<Label> | Gauge<Label>,
  label: Label,
  names: readonly string[]
): Promise<void> {
  const known = new Set(['', ...names])
  for (const { labels } of (await counter.get()).values) {
    if (!known.has(String(labels[label] ?? ''))) counter.remove(labels as Record<Label, string>)
  }
}
