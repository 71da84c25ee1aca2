// Cause: decides when failures are the same: of one object at whatever revision, of two objects but for their own names.
import { fingerprint } from './fingerprint.ts'
import type { FluxEvent } from './flux.ts'
import { parseRevision, type Revision } from './revision.ts'

/** The fingerprint of what failed, wherever the event's own revision stands in it: a new commit is not a new failure. */
export function failureFingerprint({ reason, message, revision, metadata }: FluxEvent): string {
  // Of a Kustomization from an artifact, its text may name that and the revision the commit it was made from.
  const texts = [metadata['revision'], metadata['originRevision'], metadata['oci-digest']]
  const others = texts.filter((text) => text !== undefined && text !== revision?.text)
  const revisions = [...(revision ? [revision] : []), ...others.map((text) => parseRevision(text ?? ''))]
  if (revisions.length === 0) return fingerprint(reason, message)
  return fingerprint(reason, message, (text) => revisions.reduce(withoutRevision, text))
}

/** The fingerprint of what happened, with the object's own name taken out of it. */
export function causeFingerprint({ object: { namespace, name }, reason, message }: FluxEvent): string {
  // Of one or two letters it may stand anywhere.
  const isDistinctive = name.length >= 3
  return fingerprint(reason, message, isDistinctive ? (text) => withoutName(text, namespace, name) : undefined)
}

// A git commit is never shortened to less.
const shortestSha = 7
const hexDigit = /[\da-f]/i

function withoutRevision(text: string, { pointer, sha }: Revision): string {
  const rest = sha.length < shortestSha ? text : withoutSha(text, sha)
  // A branch is the same at every commit. A chart version or a tag is not: 6.5.3, v1.2.3.
  return /\d\.\d/.test(pointer) ? withoutWord(rest, pointer) : rest
}

/** Without the commit or digest, in full or as its beginning. */
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
    // A dot may end the sentence.
    if (wordBefore.test(text[at - 1] ?? '') || /^(?:[\w+-]|\.\w)/.test(text.slice(end, end + 2))) continue
    result += `${text.slice(done, at)}<revision>`
    done = end
  }
  return result + text.slice(done)
}

const wordBefore = /[\w.+-]/
const word = /[\w.-]/
const wordAfter = /[\w-]/
// Helm names a release with its number.
const releaseNumber = /^\.v(?:\d+|<n>)/

/** By hand, because a pattern made of each name costs more to compile than all the rest of an event. */
function withoutName(text: string, namespace: string, name: string): string {
  let result = ''
  let done = 0
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    if (at < done) continue
    const qualified = at - namespace.length - 1
    const isQualified = qualified >= done && text.startsWith(`${namespace}/`, qualified)
    const start = isQualified && !word.test(text[qualified - 1] ?? '') ? qualified : at
    if (word.test(text[start - 1] ?? '')) continue
    const after = at + name.length
    const number = releaseNumber.exec(text.slice(after, after + 20))?.[0] ?? ''
    const end = wordAfter.test(text[after + number.length] ?? '') ? after : after + number.length
    if (wordAfter.test(text[end] ?? '')) continue
    result += `${text.slice(done, start)}<name>`
    done = end
  }
  return result + text.slice(done)
}
