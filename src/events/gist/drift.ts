// Drift: reads which objects are no longer as they were applied, and which were put right.
import type { ObjectRef } from '../flux.ts'
import type { Applied } from './applied.ts'
import { listed } from './health.ts'

// helm-controller internal/reconcile/correct_cluster_drift.go
const heading =
  /^Cluster state of release \S{1,600} (has drifted from the desired state|has been corrected):?\s{0,20}\n/
const entry =
  /^([A-Z]\w{0,62})\/(?:([a-z0-9][a-z0-9-]{0,62})\/)?(\S{1,253}) (changed|removed|created|recreated|patched|deleted)\b/
const plan = /^Plan: (\d{1,9} to add, \d{1,9} to change, \d{1,9} to destroy)/m

/**
 * `drift: Deployment web, Service db`, or of terraform `plan: 1 to add, …`, which is a drift where the reason says so;
 * undefined where `text` is about something else.
 */
export function driftIn(
  text: string,
  reason: string,
  object: ObjectRef,
  max: number
): { what: string; objects?: Applied[] } | undefined {
  const planned = plan.exec(text)?.[1]
  if (planned !== undefined) return { what: `${/^Drift/.test(reason) ? 'drift' : 'plan'}: ${planned}` }
  const found = heading.exec(text)
  if (found === null) return undefined
  const objects = text
    .slice(found[0].length)
    .split('\n')
    .flatMap((line): Applied[] => {
      const [, kind = '', namespace = '', name = '', action = ''] = entry.exec(line.slice(0, 700)) ?? []
      return kind === '' ? [] : [{ kind, namespace, name, action }]
    })
  const lead = found[1] === 'has been corrected' ? 'drift corrected' : 'drift'
  return { what: listed(lead, objects, objects.length, object, max), objects: objects.slice(0, 50) }
}
