// Wording: takes out of a controller's line the words that are the same in every such line, and shortens names.
import type { ObjectRef } from '../flux.ts'
import { shortestEcho } from './links.ts'
import { phrases } from './phrases.ts'

/** Used only if there is no room for everything that must be read. */
const briefer: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  // Names of objects as kustomize writes them: Deployment.v1.apps/web.shop, ConfigMap.v1.[noGrp]/web.[noNs]
  [
    /\b([A-Z]\w{1,62})\.v\d\w{0,20}\.(?:\[noGrp\]|[a-z0-9.-]{1,253})\/(\[?[\w.:-]{1,320}?)(?:\.\[noNs\])?(?=['":,;\s\]]|$)/g,
    '$1 $2'
  ],
  [/\bmay not add resource with an (?=already registered id\b)/, ''],
  [/ \(strict mode\)$/, ''],
  [/^conversion for \S{1,253}, Kind=\w{1,63} failed$/, 'conversion failed'],
  // helm-controller names the chart of a release after the release.
  [/^HelmChart '[\w./-]{1,400}' is not ready$/, 'HelmChart not ready'],
  [/\bassociative list with keys has an element that (?=omits key field)/, '']
]

/** Returns a part of a line in so few words that something is lost. */
export function inFewestWords(text: string): string {
  return briefer.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text)
}

const reference = /(?<![\w./-])([A-Z][A-Za-z]{1,62})\/([a-z0-9][a-z0-9-]{0,62})\/([a-z0-9][a-z0-9.:-]{0,252})/g

/** Returns `line` in fewer words and without the name of its `object`, which is said beside it. */
export function inFewerWords(line: string, object: ObjectRef): string {
  let text = line
  for (const [pattern, replacement, hint] of phrases) {
    if (hint === undefined || text.includes(hint)) text = text.replace(pattern, replacement)
  }
  text = withoutRepeatedCause(text).replace(
    /(?<=^|: )([A-Z][A-Za-z]{1,62})\/([\w.:-]{1,253})(?=: | (?:not ready|still exists)$)/g,
    '$1 $2'
  )
  text = text.replace(reference, (_, kind: string, namespace: string, name: string) =>
    nameOf({ kind, namespace, name }, object)
  )
  return withoutOwn(text, object)
}

/** Drops a repeated cause: `Get "a": refused; Get "b": refused`, and `a: b: a: b` */
function withoutRepeatedCause(given: string): string {
  const text = given.slice(0, given.length - repeatedAtEnd(given))
  const [first = '', second, ...rest] = text.split('; ', 3)
  const cause = second?.slice(second.lastIndexOf(': '))
  return cause !== undefined && cause.length > 5 && rest.length === 0 && first.endsWith(cause) ? first : text
}

/** Returns the length of the end of `text` that repeats what stands right before it. */
function repeatedAtEnd(text: string): number {
  for (let at = text.lastIndexOf(': '), tried = 0; at > 0 && tried < 8; at = text.lastIndexOf(': ', at - 1), tried++) {
    const length = text.length - at - 2
    if (length >= shortestEcho && text.startsWith(`${text.slice(at + 2)}: `, at - length)) return length + 2
  }
  return 0
}

/** Returns `Deployment apps/web`, or `Deployment web` if it is in the namespace of `object`. */
export function nameOf(
  { kind, namespace, name }: { kind: string; namespace: string; name: string },
  object: ObjectRef
): string {
  const place = namespace === '' || namespace === object.namespace ? name : `${namespace}/${name}`
  return kind === '' ? place : `${kind} ${place}`
}

function withoutOwn(text: string, { kind, namespace, name }: ObjectRef): string {
  if (name === '' || !text.includes(name)) return text
  const names = [
    `${kind} ${namespace}/${name}`,
    `${kind} '${namespace}/${name}'`,
    `${kind} '${name}'`,
    `${kind} "${name}"`,
    `${kind} ${name}`
  ]
  for (const form of names) {
    if (text === form || text.startsWith(`${form}: `)) return text.slice(form.length).replace(/^: /, '')
    if (text.startsWith(`${form} `)) return text.slice(form.length + 1)
  }
  return text
}
