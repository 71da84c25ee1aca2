// Grouping: makes one message of a push that touches forty objects. Pure.

import { about, closedObject, option } from '../about.ts'
import { Duration, parseDuration } from '../duration.ts'
import type { FluxEvent } from '../events/flux.ts'
import { type Static, Type } from '../json-schema.ts'

const fields = {
  cluster: ({ object }: FluxEvent) => object.cluster,
  kind: ({ object }: FluxEvent) => object.kind,
  namespace: ({ object }: FluxEvent) => object.namespace,
  name: ({ object }: FluxEvent) => object.name,
  reason: ({ reason }: FluxEvent) => reason,
  severity: ({ severity }: FluxEvent) => severity,
  // A chart has a version of its own, which nothing else shares, so charts of one push are not told apart by it.
  revision: ({ object, revision }: FluxEvent) =>
    isOfChart(object.kind) || revision?.sha === '' ? '' : (revision?.text ?? '')
}

/** Reports whether the revisions of this kind are versions of charts. */
export function isOfChart(kind: string): boolean {
  return kind === 'HelmRelease' || kind === 'HelmChart'
}

type Field = keyof typeof fields

export const GroupSchema = closedObject({
  by: about(
    Type.Array(Type.Enum(Object.keys(fields) as Field[]), { minItems: 1, uniqueItems: true }),
    'Grouped by',
    'Events that are equal in all of these share one message. The version of a chart does not count as a revision, so that the upgrades of one push stay together.',
    ['cluster', 'revision']
  ),
  wait: option(
    Duration,
    'Wait',
    'How long the first event waits for the others. `10s` by default, less than `24h`.',
    '10s',
    '1m'
  )
})

export interface Grouping {
  /** Returns the key of an event: events of one key share a message. */
  keyOf(event: FluxEvent): string
  /** Time for which the first event waits for the others, in ms. */
  waitMs: number
}

export function compileGroup(rule: string, { by, wait }: Static<typeof GroupSchema>): Grouping {
  return {
    keyOf: (event) => JSON.stringify([rule, ...by.map((field) => fields[field](event))]),
    waitMs: parseDuration(wait ?? '10s')
  }
}
