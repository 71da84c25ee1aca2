// Owners: say which source speaks for a cluster: a source that names its cluster is the only one to be believed about it. Pure.

/** The source that speaks for a cluster, by the cluster's name as {@link folded}. */
export type Owners = ReadonlyMap<string, string>

/** What an event says of itself and nobody believes. */
export interface Claim {
  cluster: string
  /** The source that speaks for it. */
  owner: string
}

/** `sources`: name and `cluster` of each. Several may speak for one cluster. */
export function ownersOf(sources: Iterable<{ name: string; cluster: string | undefined }>): Owners {
  const owners = new Map<string, string>()
  for (const { name, cluster } of sources) {
    if (cluster !== undefined && !owners.has(folded(cluster))) owners.set(folded(cluster), name)
  }
  return owners
}

/** The claim in `cluster`, where it is a cluster that a source speaks for. */
export function foreign(cluster: string, owners: Owners | undefined): Claim | undefined {
  const owner = owners?.size ? owners.get(folded(cluster)) : undefined
  return owner === undefined ? undefined : { cluster, owner }
}

/** What the cluster of a claim is called instead: as the source it came through, which no rule takes for the owner's. */
export function apart(source: string, owners: Owners | undefined): string {
  return owners?.has(folded(source)) ? `source:${source}` : source
}

/** The same for all names that people, or rules, could take for each other. */
function folded(name: string): string {
  return name
    .normalize('NFKC')
    .replace(/[\p{C}\p{Z}]/gu, '')
    .toLowerCase()
}
