// Feeds: decides what Flux has to post to the relay, so that no object is posted twice and as much as can be of what Alerts add is kept.
import { isGlob } from '../patterns.ts'
import type { Alert, Remark } from './flux.ts'
import type { Takeover } from './repeated.ts'
import { commonMetadata, metadataOf } from './rules.ts'
import { covers, type EventSource, isKnownToFlux, overlap } from './sources.ts'

/** An Alert that posts to the relay. */
export interface Feed {
  /** The imported Alerts whose objects it is about. */
  alerts: Alert[]
  sources: EventSource[]
  /** Metadata that it adds to all its events. */
  metadata: Record<string, string>
}

interface Group {
  alerts: Alert[]
  sources: EventSource[]
}

/** Makes one feed of all Alerts that add the same, and joins feeds about the same objects, with a remark on what is lost by that. */
export function feedsOf(takeovers: readonly Takeover[], remarks: Remark[]): Feed[] {
  const groups = [...Map.groupBy(takeovers, ({ alert }) => JSON.stringify(metadataOf(alert))).values()].map(asGroup)
  return together(groups).map(({ alerts, sources }) => ({
    alerts,
    sources: once(sources),
    metadata: commonMetadata(alerts, remarks)
  }))
}

function asGroup(takeovers: readonly Takeover[]): Group {
  return { alerts: takeovers.map(({ alert }) => alert), sources: takeovers.flatMap(({ sources }) => sources) }
}

/** Joins groups, so that no two of them are about the same object. */
function together(groups: readonly Group[]): Group[] {
  return groups.reduce<Group[]>((apart, group) => {
    const shared = apart.filter((other) => overlap(other.sources, group.sources))
    const joined = [...shared, group]
    const one = {
      alerts: joined.flatMap(({ alerts }) => alerts),
      sources: joined.flatMap(({ sources }) => sources)
    }
    return [...apart.filter((other) => !shared.includes(other)), one]
  }, [])
}

/** Names each object by one source; by its labels only if nobody asks for it without them. */
function once(sources: readonly EventSource[]): EventSource[] {
  // Flux knows no globs of names except `*`, which is any name.
  const named = sources.map((source) => (isGlob(source.name) ? { ...source, name: '*' } : source))
  const plain = named.map((source): EventSource => {
    const { labels, ...all } = source
    const isLabelled = (other: EventSource) => JSON.stringify(other.labels) === JSON.stringify(labels)
    return named.every((other) => isLabelled(other) || !overlap([other], [source])) ? source : all
  })
  return plain.filter(
    (source, at) =>
      !plain.some(
        (other, otherAt) =>
          otherAt !== at && isKnownToFlux(other) && covers(other, source) && (otherAt < at || !covers(source, other))
      )
  )
}
