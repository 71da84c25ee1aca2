// Flux events: checks what Flux sends and normalises it into the one form that the rest of the relay works with.
import { type Static, Type } from '../json-schema.ts'
import { hasHeartbeats } from './bearing.ts'
import { parseRevision, type Revision } from './revision.ts'
import { builtInSeverities, type Classify, type Severity } from './severity.ts'
import { apart, type Claim, foreign, type Speakers } from './source.ts'

// Kubernetes names and namespaces have at most 253 characters (RFC 1123 subdomain). Flux refuses to emit an event without them, but
// a zero event of Go has them all empty, so they are bounded and not required.
const Text = Type.String({ maxLength: 253 })
// An object is remembered by cluster/kind/namespace/name, and the name of a cluster may hold a slash, so a kind with a slash could
// name an object of another cluster. Kubernetes allows no slash here (apimachinery pkg/api/validation/path).
const Name = Type.String({ maxLength: 253, pattern: '^[^/]*$', patternErrorMessage: 'must not contain a slash' })

/**
 * The wire format (fluxcd/pkg apis/event/v1beta1/event.go; since Flux 2.10 v1/event.go, which added `action` and `relatedObject`).
 * Unknown fields are let through. `severity` may be more than info and error, because Flux's schema allows trace, and people post
 * by hand. No decision depends on the fields that v1 added, so no value of theirs is a reason to refuse an event.
 */
export const FluxEventSchema = Type.Object({
  involvedObject: Type.Object({
    kind: Type.Optional(Name),
    namespace: Type.Optional(Name),
    name: Type.Optional(Name),
    uid: Type.Optional(Text),
    apiVersion: Type.Optional(Text)
  }),
  severity: Type.Enum(['trace', 'info', 'warn', 'warning', 'error', '']),
  // Go writes a zero time as null.
  timestamp: Type.Unsafe<string | null>({ type: ['string', 'null'], format: 'date-time' }),
  message: Type.String(),
  reason: Type.Optional(Type.String({ maxLength: 1024 })),
  action: Type.Optional(Type.Unknown()),
  relatedObject: Type.Optional(Type.Unknown()),
  metadata: Type.Optional(
    Type.Unsafe<Record<string, string> | null>({ type: ['object', 'null'], additionalProperties: { type: 'string' } })
  ),
  reportingController: Type.Optional(Text),
  reportingInstance: Type.Optional(Text)
})

export type WireEvent = Static<typeof FluxEventSchema>

/** A normalised Flux event. All texts are as Flux sent them, untrusted. */
export interface FluxEvent {
  source: string
  object: ObjectRef
  uid: string
  severity: Severity
  reason: string
  message: string
  /** Time of the event, in ms since 1970; Flux gives whole seconds. */
  at: number
  /** Metadata, its keys without their API group. A tenant may have set any key by annotating an object. */
  metadata: Readonly<Record<string, string>>
  revision: Revision | undefined
  controller: string
  /**
   * The controller's own word for what it was doing, such as Applying; empty before Event v1. It says nothing about the object's
   * state: a failed object has `Applying` as well as `Failed`.
   */
  action: string
  /** Another object of the same cluster that the event is about, such as the chart of a HelmRelease; absent before Event v1. */
  related?: ObjectRef
  /** True for what a Kustomization sends at every interval, its only sign of recovery. */
  isHeartbeat: boolean
  /** The cluster that the event claims to be of, if another source speaks for that cluster: the claim is not believed. */
  claim?: Claim
}

/** The Flux object that an event is about. */
export interface ObjectRef {
  cluster: string
  kind: string
  namespace: string
  name: string
}

/** The source of an event, and what decides the name of its cluster. */
export interface Origin {
  source: string
  /** Set on the source by the operator; wins over `metadata.cluster`, which tenants can set. */
  cluster: string | undefined
  /** Cluster of an event if neither its source nor the event names one. */
  defaultCluster: string
  /** The clusters that other sources speak for; matters only if this source names none. */
  speakers?: Speakers
}

// Metadata keys internal to the controllers. They reach the relay if a controller posts to it directly, and `token` leaked through
// notification-controller in Flux 2.0 and 2.1 (fluxcd/flux2#3937, #4453).
const internalKeys = new Set(['token', 'digest', 'checksum'])

/** Turns a validated wire event into the relay's own form. `receivedAt` (ms) stands in for a missing timestamp. */
export function normalise(
  wire: WireEvent,
  { source, cluster, defaultCluster, speakers }: Origin,
  receivedAt: number,
  classify: Classify = builtInSeverities
): FluxEvent {
  const { kind = '', namespace = '', name = '', uid = '' } = wire.involvedObject
  const metadata = unprefix(wire.metadata ?? {}, groupOf(wire))
  // The commit comes first: for a Kustomization fed from an OCI artifact, the git commit is the origin (event.go GetRevision).
  const revision = metadata.commit || metadata.originRevision || metadata.revision
  const reason = wire.reason ?? ''
  const fluxSeverity = wire.severity === 'error' ? 'error' : wire.severity.startsWith('warn') ? 'warn' : 'info'
  const at = stampOf(wire)
  const named = metadata.cluster?.trim().slice(0, 253).toWellFormed() || defaultCluster
  const claim = cluster === undefined ? foreign(named, speakers) : undefined
  const object = { cluster: cluster ?? (claim ? apart(source, speakers) : named), kind, namespace, name }
  const related = wire.relatedObject === undefined ? undefined : relatedTo(object, wire.relatedObject)
  return {
    source,
    object,
    uid,
    severity: classify({ kind, reason, message: wire.message }, fluxSeverity),
    reason,
    message: wire.message,
    at: Number.isNaN(at) ? receivedAt : at,
    metadata,
    revision: revision ? parseRevision(revision) : undefined,
    controller: wire.reportingController ?? '',
    action: typeof wire.action === 'string' ? wire.action.slice(0, 253).toWellFormed() : '',
    // A tenant can annotate any object with this key, so without the reason it means nothing.
    isHeartbeat:
      metadata.commit_status === 'update' &&
      reason === 'ReconciliationSucceeded' &&
      fluxSeverity === 'info' &&
      hasHeartbeats(kind),
    ...(related && { related }),
    ...(claim && { claim })
  }
}

/** Returns the object that the untrusted `reference` names beside `object`; in the same namespace if it names none. */
function relatedTo({ cluster, namespace: own }: ObjectRef, reference: unknown): ObjectRef | undefined {
  if (!isReference(reference)) return undefined
  const { kind, namespace, name } = reference
  return { cluster, kind, namespace: namespace || own, name }
}

function isReference(value: unknown): value is { kind: string; namespace?: string; name: string } {
  if (typeof value !== 'object' || value === null) return false
  const { kind, namespace = '', name } = value as Record<string, unknown>
  return [kind, namespace, name].every(isName) && kind !== '' && name !== ''
}

function isName(value: unknown): boolean {
  return typeof value === 'string' && value.length <= 253 && !value.includes('/') && value.isWellFormed()
}

/**
 * Reads a stored event as it was read on arrival, for the cluster that it counted for then. Returns undefined if an earlier version
 * stored what this one cannot read.
 */
export function readStored(stored: {
  body: string
  source: string
  object: ObjectRef
  receivedAt: number
}): FluxEvent | undefined {
  const { body, source, object, receivedAt } = stored
  try {
    return normalise(JSON.parse(body) as WireEvent, { source, cluster: object.cluster, defaultCluster: '' }, receivedAt)
  } catch {
    return undefined
  }
}

/** Returns the time at which the event says it happened, in ms; NaN if it gives none. */
export function stampOf({ timestamp }: WireEvent): number {
  return timestamp === null ? Number.NaN : Date.parse(timestamp)
}

/**
 * Returns the text of an event as it may be stored: as it came, without metadata that is internal to a controller. `text` is the
 * text that `wire` was parsed from.
 */
export function keepable(text: string, wire: WireEvent): string {
  const group = groupOf(wire)
  const entries = Object.entries(wire.metadata ?? {})
  const kept = entries.filter(([key]) => !internalKeys.has(placeOf(key, group).name))
  if (kept.length === entries.length) return text
  return JSON.stringify({ ...wire, metadata: Object.fromEntries(kept) })
}

/**
 * Takes the API group off metadata keys. notification-controller has done so since 2021, but its own documentation still shows
 * prefixed keys, and a controller that posts directly sends them. A controller's key wins over an annotation, as it does there.
 */
function unprefix(metadata: Record<string, string>, group: string): Record<string, string> {
  const from: Record<Place['from'], Record<string, string>> = { annotation: {}, controller: {}, alert: {} }
  for (const [key, value] of Object.entries(metadata)) {
    const place = placeOf(key, group)
    if (!internalKeys.has(place.name)) from[place.from][place.name] = value
  }
  return { ...from.annotation, ...from.controller, ...from.alert }
}

/** Who set a metadata key, and its name without the prefix that tells who. */
interface Place {
  from: 'annotation' | 'controller' | 'alert'
  name: string
}

function placeOf(key: string, group: string): Place {
  const slash = key.indexOf('/')
  const prefix = key.slice(0, Math.max(slash, 0))
  const name = key.slice(slash + 1)
  if (prefix === 'event.toolkit.fluxcd.io') return { from: 'annotation', name }
  if (prefix !== '' && (prefix === group || prefix.endsWith('.toolkit.fluxcd.io'))) return { from: 'controller', name }
  return { from: 'alert', name: key }
}

function groupOf({ involvedObject: { apiVersion = '' } }: WireEvent): string {
  return apiVersion.split('/', 1)[0] ?? ''
}
