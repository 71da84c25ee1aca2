// Names in a query: refuses names that do not exist, because an empty answer would look as if all were quiet.
import { RelayError } from '../../src/errors.ts'
import { meantBy } from '../../src/events/vocabulary.ts'
import { clean, oneLine } from '../../src/legible.ts'
import { quote, unknownName } from '../../src/spelling.ts'
import type { Listed, Records } from '../../src/store/records.ts'
import type { OperatorOptions } from '../options.ts'

/** The fields of a query that hold a name. */
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

type Around = Pick<OperatorOptions, 'config' | 'standing' | 'store'>

const one = { limit: 1 }

/** Throws BAD_REQUEST with the fault that {@link unknownIn} finds. */
export async function refuseUnknown(query: Named, around: Around): Promise<void> {
  const fault = await unknownIn(query, around)
  if (fault !== undefined) throw new RelayError('BAD_REQUEST', fault)
}

/**
 * Names the first unknown name in `query` and the known ones. A name is known if it is in the config file or in anything kept,
 * because what has gone from the file can still be found. Call it only for an empty result: it costs queries.
 */
export async function unknownIn(query: Named, around: Around): Promise<string | undefined> {
  const { destination, rule, source, lane, cluster, kind, reason } = query
  const { records } = around.store
  const config = around.config()
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
    ['cluster', cluster, clustersOf(around), (kept) => newestOf(kept, cluster)]
  ]
  for (const [what, name, names, find] of known) {
    if (name === undefined || names.includes(name) || (await isKept(find))) continue
    // Senders to a source without a cluster name their own, and not all clusters ever named are known here.
    const areAll = what !== 'cluster' || [...config.sources.values()].every((each) => each.cluster !== undefined)
    return unknownName(what, name, names, areAll)
  }
  const flux = { kind, reason }
  for (const field of ['kind', 'reason'] as const) {
    const meant = meantBy(field, flux[field] ?? '')
    if (meant === undefined || (await isKept((kept) => kept.events({ [field]: flux[field] }, one)))) continue
    return `there is no ${field} ${quote(flux[field] ?? '')}; did you mean "${meant}"?`
  }
  return undefined
}

/** The newest event of a cluster, or an object of it: objects are remembered longer than events. */
async function newestOf(kept: Records, cluster: string | undefined): Promise<Listed<unknown>> {
  const events = await kept.events({ cluster }, one)
  return events.items.length > 0 || events.next !== null ? events : kept.objects({ cluster }, one, 0)
}

/** Reports whether a name can be shown in the message: senders may write anything there. */
function isLegible(name: string): boolean {
  return name.length <= 100 && oneLine(clean(name)) === name
}

/** The clusters of the config file and those that recent events named. */
function clustersOf({ config, standing }: Around): string[] {
  const { cluster, sources } = config()
  const named = [cluster, ...[...sources.values()].map((source) => source.cluster ?? '')]
  const seen = standing().sources.flatMap(({ clusters }) => clusters.map(({ name }) => name).filter(isLegible))
  return [...new Set([...named, ...seen])].filter((name) => name !== '')
}
