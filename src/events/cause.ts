// Cause: decides when two failures are the same: of one object at any revision, of two objects apart from their own names.
import { withoutBystanders } from './bystanders.ts'
import { fingerprint } from './fingerprint.ts'
import type { FluxEvent, ObjectRef } from './flux.ts'
import { withoutClusterName, withoutOwnNames } from './own-names.ts'
import { parseRevision, type Revision } from './revision.ts'

/** Returns the fingerprint of a failure without the event's own revision, wherever it stands: a new commit is not a new failure. */
export function failureFingerprint(event: FluxEvent): string {
  return fingerprint(event.reason, event.message, (text) => withoutRevisions(text, event))
}

/**
 * Returns the fingerprint of a cause. It leaves out revisions, the names of the object and its cluster, and the chart and tag that only
 * this object can have.
 */
export function causeFingerprint(event: FluxEvent): string {
  return fingerprint(event.reason, event.message, (text) => withoutOwn(withoutRevisions(text, event), event.object))
}

/** Returns `text`, an error of `object`, without the names, the chart and the tag that only it has; numbers and times stay. */
export function withoutOwn(text: string, object: ObjectRef): string {
  const rest = withoutOwnNames(withoutPaths(withoutChart(text)), object)
  return withoutOwnTag(withoutClusterName(rest, object.cluster))
}

const ownTag = /(<name>\/manifests\/)\w[\w.-]{0,127}/g

/** Takes out the tag that an object asks a registry for: each has its own, whatever is wrong with the registry. */
function withoutOwnTag(text: string): string {
  return text.includes('<name>/manifests/') ? text.replace(ownTag, '$1<tag>') : text
}

// The last text is kept, because an event is asked for its failure and then for its cause.
let latest: { event: FluxEvent; text: string; without: string } | undefined

/** Returns `text` without what another attempt may have instead: revisions, and the object at which an outage was met. */
function withoutRevisions(text: string, event: FluxEvent): string {
  if (latest?.event !== event || latest.text !== text) {
    latest = { event, text, without: withoutBystanders(revisionsOf(event).reduce(withoutRevision, text)) }
  }
  return latest.without
}

function revisionsOf({ revision, metadata }: FluxEvent): Revision[] {
  // For a Kustomization from an artifact, the text may name the artifact while the revision is the commit it was made from.
  const texts = [metadata['revision'], metadata['originRevision'], metadata['oci-digest']]
  const others = texts.filter((text) => text !== undefined && text !== revision?.text)
  return [...(revision ? [revision] : []), ...others.map((text) => parseRevision(text ?? ''))]
}

// helm-controller internal/reconcile names each release and its chart, whatever is wrong.
const helmRelease = /\brelease \S{1,320} with chart \S{1,320}(?=[:\s])/

// source-controller internal/helm and its clients: a HelmChart is named after its release and asks for one chart.
const ofHelmChart = /^(?:invalid chart reference|chart pull error|chart verification error):/
const chartAsked = /\b(no '|tags for ")[^\s'"]{1,253}(?='|")/g
const versionAsked = /( with version matching ')[^'\n]{1,200}/g
/** Host and path, with or without a scheme. The host stays: it is where several objects meet the same trouble. */
const place = /((?:[\w-]{1,63}\.){1,9}[\w-]{1,63}(?::\d{1,5})?\/)[^\s'",]+/g

/** Errors of a server that does not answer, or that refuses every request. */
const outage =
  /TOOMANYREQUESTS|Too Many Requests|\b429\b|\b50[234]\b|Bad Gateway|Service Unavailable|timeout|timed out|context deadline exceeded|connection re(?:fused|set)|no such host|no route to host|server misbehaving|\bEOF\b|x509: /i

/** Takes out the paths that were asked for at a server with an outage: each object asks for another one. */
function withoutPaths(text: string): string {
  return text.includes('/') && outage.test(text) ? text.replace(place, '$1<path>') : text
}

function withoutChart(text: string): string {
  const rest = text.includes(' with chart ') ? text.replace(helmRelease, 'release with its chart') : text
  if (!ofHelmChart.test(rest)) return rest
  return rest.replace(chartAsked, '$1<chart>').replace(versionAsked, '$1<version>').replace(place, '$1<chart>')
}

// Git never shortens a commit to fewer digits.
const shortestSha = 7
const hexDigit = /[\da-f]/i

function withoutRevision(text: string, { pointer, sha }: Revision): string {
  const rest = sha.length < shortestSha ? text : withoutTag(withoutSha(text, sha), pointer)
  // A branch is the same at every commit; a chart version or a tag is not: 6.5.3, v1.2.3.
  return /\d\.\d/.test(pointer) ? withoutWord(rest, pointer) : rest
}

/** A tag may have any form (build-123, 2026-01-15) or be a word of the text, so it is taken out only where a digest follows it. */
function withoutTag(text: string, pointer: string): string {
  return /\d/.test(pointer) ? text.replaceAll(`${pointer}@sha`, '<revision>@sha') : text
}

/** Returns `text` without the commit or digest `sha`, in full or shortened. */
function withoutSha(text: string, sha: string): string {
  const start = sha.slice(0, shortestSha)
  let result = ''
  let done = 0
  for (let at = text.indexOf(start); at >= 0; at = text.indexOf(start, at + shortestSha)) {
    let end = at + shortestSha
    while (end - at < sha.length && text[end] === sha[end - at]) end++
    if (hexDigit.test(text[at - 1] ?? '') || hexDigit.test(text[end] ?? '')) continue
    result += `${text.slice(done, at)}<revision>`
    done = end
  }
  return result + text.slice(done)
}

function withoutWord(text: string, word: string): string {
  let result = ''
  let done = 0
  for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + word.length)) {
    const end = at + word.length
    // A dot after the word may end the sentence.
    if (wordBefore.test(text[at - 1] ?? '') || /^(?:[\w+-]|\.\w)/.test(text.slice(end, end + 2))) continue
    result += `${text.slice(done, at)}<revision>`
    done = end
  }
  return result + text.slice(done)
}

const wordBefore = /[\w.+-]/
