// Names in a query: refuses those that do not exist, because an empty answer would look as if all were quiet.
import type { Config } from '../../src/config/config.ts'
import { RelayError } from '../../src/errors.ts'
import { meantBy } from '../../src/events/vocabulary.ts'
import { quote, unknownName } from '../../src/spelling.ts'
import type { Listed, Records } from '../../src/store/records.ts'

/** The fields of a query that name something. */
export interface Named {
  destination?: string | undefined
  rule?: string | undefined
  source?: string | undefined
  lane?: string | undefined
  cluster?: string | undefined
  kind?: string | undefined
  reason?: string | undefined
}

type Kept = (records: Records) => Promise<Listed<unknown>>

const one = { limit: 1 }

/**
 * Throws BAD_REQUEST, with what there is, where a name in `query` is neither in the config file nor in anything
 * kept: what has gone from the file is still found by its name. To be asked where nothing was found, which costs a step.
 */
export async function refuseUnknown(query: Named, config: Config, records: Records): Promise<void> {
  const { destination, rule, source, lane, cluster, kind, reason } = query
  const lanes = [...config.destinations.values()].map((each) => each.lane)
  const isKept = async (find: Kept) => {
    const { items, next } = await find(records)
    return items.length > 0 || next !== null
  }
  const known: [what: string, name: string | undefined, names: readonly string[], find: Kept][] = [
    ['destination', destination, [...config.destinations.keys()], (kept) => kept.notifications({ destination }, one)],
    ['rule', rule, [...config.rules.byName.keys()], (kept) => kept.notifications({ rule }, one)],
    ['source', source, [...config.sources.keys()], (kept) => kept.events({ source }, one)],
    ['lane', lane, [...new Set(lanes)], (kept) => kept.notifications({ lane }, one)],
    ['cluster', cluster, clustersOf(config), (kept) => newestOf(kept, cluster)]
  ]
  for (const [what, name, names, find] of known) {
    if (name === undefined || names.includes(name) || (await isKept(find))) continue
    throw new RelayError('BAD_REQUEST', unknownName(what, name, names))
  }
  const flux = { kind, reason }
  for (const field of ['kind', 'reason'] as const) {
    const meant = meantBy(field, flux[field] ?? '')
    if (meant === undefined || (await isKept((kept) => kept.events({ [field]: flux[field] }, one)))) continue
    throw new RelayError('BAD_REQUEST', `there is no ${field} ${quote(flux[field] ?? '')}; did you mean "${meant}"?`)
  }
}

/** Objects are remembered for longer than their notifications. */
async function newestOf(kept: Records, cluster: string | undefined): Promise<Listed<unknown>> {
  const events = await kept.events({ cluster }, one)
  return events.items.length > 0 || events.next !== null ? events : kept.objects({ cluster }, one, 0)
}

/** Those of the file. Events of a source without one may name others. */
function clustersOf({ cluster, sources }: Config): string[] {
  const named = [cluster, ...[...sources.values()].map((source) => source.cluster ?? '')]
  return [...new Set(named)].filter((name) => name !== '')
}
