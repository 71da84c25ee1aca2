// Source: defines who may post events, one for each Flux Provider or cluster, and which source speaks for a cluster.

import { closedObject, option } from '../about.ts'
import { Duration } from '../duration.ts'
import { type Static, Type } from '../json-schema.ts'
import type { Credentials } from './signature.ts'

export const SourceSchema = closedObject({
  hmacKeys: option(
    Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
    'Signing keys',
    'The keys with which Flux signs its events: the `token` in the Secret of a Provider of type `generic-hmac`. List the old and the new key while you rotate. Write `${VARIABLE}` or `${file:/path}`, not the key itself.',
    ['${FLUX_HMAC_KEY}'],
    ['${FLUX_HMAC_KEY}', '${file:/run/secrets/old-key}']
  ),
  tokens: option(
    Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
    'Bearer tokens',
    'Bearer tokens, for a Provider of type `generic`, which does not sign: the text after `Authorization: Bearer` in the `headers` of its Secret. If a source has keys and tokens, either of them is enough.',
    ['${file:/run/secrets/flux-token}']
  ),
  cluster: option(
    Type.String({ minLength: 1, maxLength: 253 }),
    'Cluster',
    'The cluster that this source speaks for. Other sources cannot report anything about it. It wins over `metadata.cluster` of an event, which tenants can set. If there are several sources, all but one need it.',
    'prod-eu'
  ),
  expectEvery: option(
    Duration,
    'How often to expect an event',
    'How long the source may post nothing. After that, `operator` is notified that it is quiet, and again when it is back. At least `1m`. With `eventSeverity: info`, Flux posts an event at every `interval` of every Kustomization, so three times the shortest interval is a good choice. Without this option nobody is notified; the dashboard shows the source as quiet after an hour, or after ten times the usual gap if that is longer.',
    '30m'
  )
})

export type SourceText = Static<typeof SourceSchema>

export interface Source extends Credentials {
  name: string
  cluster: string | undefined
  /** Longest time without an event, in ms, before the source counts as quiet; undefined if it may be quiet for any time. */
  expectMs: number | undefined
}

/** The source that speaks for each cluster, by the cluster's name as {@link folded}. */
export type Speakers = ReadonlyMap<string, string>

/** A cluster that an event names although another source speaks for it: it is not believed. */
export interface Claim {
  cluster: string
  /** The source that speaks for the cluster. */
  speaker: string
}

/** Returns the speakers among `sources`, each a name and its `cluster`. Several may speak for one cluster; the first counts. */
export function speakersOf(sources: Iterable<{ name: string; cluster: string | undefined }>): Speakers {
  const speakers = new Map<string, string>()
  for (const { name, cluster } of sources) {
    if (cluster !== undefined && !speakers.has(folded(cluster))) speakers.set(folded(cluster), name)
  }
  return speakers
}

/** Returns the claim to `cluster`, if a source speaks for that cluster. */
export function foreign(cluster: string, speakers: Speakers | undefined): Claim | undefined {
  const speaker = speakers?.size ? speakers.get(folded(cluster)) : undefined
  return speaker === undefined ? undefined : { cluster, speaker }
}

/**
 * Returns the name of the cluster for a false claim: that of the source it came through, changed if a source speaks for a cluster
 * of that name, so that no rule takes it for the speaker's.
 */
export function apart(source: string, speakers: Speakers | undefined): string {
  return speakers?.has(folded(source)) ? `source:${source}` : source
}

/**
 * Spaces, controls, and everything drawn as nothing although it counts as a letter or a mark: fillers, joiners, variation
 * selectors.
 */
const invisible = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800]/gu

/** Returns the same text for all names that people, or rules, could take for each other. */
function folded(name: string): string {
  // Some letters differ in one case only, such as the dotless i.
  return name.normalize('NFKC').replace(invisible, '').toUpperCase().toLowerCase()
}
