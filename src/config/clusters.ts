// Clusters: checks that no two sources can be taken for each other.
import type { Fault } from '../errors.ts'
import type { ConfigText } from './schema.ts'

/** Sources whose events could be taken for each other's. */
export function clusterFaults({ sources = {}, cluster }: ConfigText): Fault[] {
  const entries = Object.entries(sources)
  const [first, ...others] = entries.filter(([, source]) => source?.cluster === undefined).map(([name]) => name)
  if (first === undefined) return []
  const owner = entries.find(([, source]) => source?.cluster !== undefined && source.cluster === cluster)?.[0]
  return [
    ...others.map((name) => ({
      path: ['sources', name],
      message:
        `names no cluster, nor does "${first}": their objects could be taken for each other's; write \`cluster:\` ` +
        'with the name of its cluster, or, if both are one cluster, list the keys of both at one source; the other one is',
      beside: ['sources', first]
    })),
    ...(owner === undefined
      ? []
      : [
          {
            path: ['sources', first],
            message: `names no cluster, and \`cluster: ${cluster}\` is that of "${owner}": its events that name none are kept apart as of "${first}"; write \`cluster:\` here, as`,
            beside: ['sources', owner, 'cluster'],
            isWarning: true as const
          }
        ])
  ]
}
