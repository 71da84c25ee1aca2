// Drift: reads which objects are no longer as they were applied, and which ones were corrected.
import type { ObjectRef } from '../flux.ts'
import type { Applied } from './applied.ts'
import { listed } from './health.ts'

// helm-controller internal/reconcile/correct_cluster_drift.go
const heading =
  /^Cluster state of release \S{1,600} (has drifted from the desired state|has been corrected):?\s{0,20}\n/
const entry =
  /^([A-Z]\w{0,62})\/(?:([a-z0-9][a-z0-9-]{0,62})\/)?(\S{1,253}) (changed|removed|created|recreated|patched|deleted)\b/
const plan = /^Plan: (\d{1,9} to add, \d{1,9} to change, \d{1,9} to destroy)/m
/** `# aws_vpc.main has changed`, `# module.net.aws_subnet.a[0] must be replaced` */
const resource = /^ {0,8}# (\S{1,200}) (?:ha(?:s|ve) |will |must )/gm

/**
 * Returns `drift: Deployment web, Service db`, or for terraform `plan: 1 to add, …: aws_vpc.main`, which is a drift if the reason
 * says so. Undefined if `text` is about something else.
 */
export function driftIn(
  text: string,
  reason: string,
  object: ObjectRef,
  max: number
): { what: string; objects?: Applied[] } | undefined {
  const isDrift = /^Drift/.test(reason)
  const planned = plan.exec(text)?.[1]
  const resources = isDrift || planned !== undefined ? resourcesIn(text) : []
  if (planned !== undefined || resources.length > 0) {
    const parts = [isDrift ? 'drift' : 'plan', planned ?? '', resources.join(', ')]
    return { what: parts.filter((part) => part !== '').join(': ') }
  }
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

/** Lists the resources that terraform found changed or would change, each once. */
function resourcesIn(text: string): string[] {
  return [...new Set(Array.from(text.matchAll(resource), ([, address = '']) => address))].slice(0, 20)
}
