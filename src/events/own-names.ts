// Own names: takes the name and namespace of an object out of a text about it, so that what two objects say can be compared.
import type { ObjectRef } from './flux.ts'

// Names that all objects of a cluster may share: in a text, each stands for the same place for all of them.
const shared = new Set(['flux-system', 'default', 'kube-system', 'kube-public'])

// Names that are also words of controllers: they are taken out only where they stand as a name.
const words = new Set(
  `a an and api app apps are artifact base bucket build certificate chart charts check cluster common config
  configuration container controller core crds custom data default dependency deployment deployments docker error errors
  event events external failed file files flux git health helm host http https image images in infra install internal is
  job jobs kube kubernetes kustomization manager memory message metadata name namespace namespaces network node nodes not
  object operator path pod pods policy port ready reason registry release releases remote repository request resource
  resources revision root secret secrets server service services source sources spec state status storage sync system test
  tests the time timeout token type update upgrade user values version volume webhook wait with`.split(/\s+/)
)
const shortestDistinctive = 3
const longestWord = Math.max(...Array.from(words, ({ length }) => length))
const notOfLetters = /[^a-z]/

type Names = Pick<ObjectRef, 'namespace' | 'name'>

/**
 * Returns `text` with `<name>` for the object's name, with or without its namespace before it, and `<namespace>` for the namespace
 * alone.
 */
export function withoutOwnNames(text: string, { namespace, name }: Names): string {
  return withoutNamespace(withoutName(text, namespace, name), namespace)
}

function withoutName(text: string, namespace: string, name: string): string {
  if (name === '') return text
  let result = ''
  let done = 0
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    if (at < done) continue
    // Namespace and name are equal, and this is the namespace: the name comes next.
    if (namespace === name && isJoint(text, at + name.length) && text.startsWith(name, at + name.length + 1)) continue
    const qualified = at - namespace.length - 1
    const isQualified =
      namespace !== '' &&
      qualified >= done &&
      text.startsWith(namespace, qualified) &&
      isJoint(text, at - 1) &&
      isStart(text, qualified)
    if (!isQualified && isInside(text, at, name, namespace)) continue
    const start = isQualified ? qualified : at
    const end = at + name.length + releaseNumber(text, at + name.length)
    if (!isStart(text, start) || !isEnd(text, end, namespace)) continue
    if (!isQualified && !isDistinctive(name) && !isNamed(text, start, end)) continue
    result += `${text.slice(done, start)}<name>`
    done = end
  }
  return result + text.slice(done)
}

function withoutNamespace(text: string, namespace: string): string {
  if (namespace === '' || shared.has(namespace)) return text
  let result = ''
  let done = 0
  for (let at = text.indexOf(namespace); at >= 0; at = text.indexOf(namespace, at + 1)) {
    const end = at + namespace.length
    if (at < done || !isStart(text, at, true) || !isEnd(text, end, 'svc')) continue
    // Several objects may wait for one dependency, and its namespace may be that of one of them only: it stays for all.
    if (text.startsWith("dependency '", at - 12)) continue
    if (!isDistinctive(namespace) && !isNamed(text, at, end)) continue
    result += `${text.slice(done, at)}<namespace>`
    done = end
  }
  return result + text.slice(done)
}

/**
 * Returns `text` with `<cluster>` in place of the cluster's name. A name that may also be an ordinary word, such as local, is replaced
 * only if it is a part of another name, or in quotes.
 */
export function withoutClusterName(text: string, cluster: string): string {
  if (cluster === '') return text
  const isWord = !notOfLetters.test(cluster)
  let result = ''
  let done = 0
  for (let at = text.indexOf(cluster); at >= 0; at = text.indexOf(cluster, at + 1)) {
    const end = at + cluster.length
    const [before = '', after = ''] = [text[at - 1], text[end]]
    if (at < done || alphanumeric.test(before) || alphanumeric.test(after) || before === '<') continue
    if (isWord && !isPart(text, at, end) && !/['"]/.test(before)) continue
    result += `${text.slice(done, at)}<cluster>`
    done = end
  }
  return result + text.slice(done)
}

/** Reports whether a dot, a dash or a slash joins the word between `start` and `end` to another one. */
function isPart(text: string, start: number, end: number): boolean {
  return /[a-zA-Z\d>][./-]$/.test(text.slice(start - 2, start)) || /^[./-][a-zA-Z\d<]/.test(text.slice(end, end + 2))
}

/** Reports whether the name at `at` is only a part of the namespace: apps, in the namespace apps-prod. */
function isInside(text: string, at: number, name: string, namespace: string): boolean {
  if (namespace.length <= name.length) return false
  return text.slice(Math.max(0, at + name.length - namespace.length), at + namespace.length).includes(namespace)
}

function isDistinctive(name: string): boolean {
  if (name.length > longestWord) return true
  // Telling by its characters that a name is no word costs less than looking it up.
  return name.length >= shortestDistinctive && (notOfLetters.test(name) || !words.has(name))
}

/** Reports whether the character at `at` can join a namespace and a name: flux-system/apps-shop. */
function isJoint(text: string, at: number): boolean {
  return text[at] === '/' || text[at] === '-'
}

const alphanumeric = /[a-zA-Z\d]/
/** A slash or colon in the query of a URL: scope=repository%3Aacme%2Fshop%3Apull */
const escaped = /^%(?:2F|3A)$/i

function isStart(text: string, at: number, isNamespace = false): boolean {
  const before = text[at - 1] ?? ''
  if (alphanumeric.test(before)) return escaped.test(text.slice(Math.max(0, at - 3), at))
  // After `<` comes a placeholder, after a dot a field or an API group. But Helm's Secrets have their name after a dot, and a host
  // its namespace: web.apps.svc
  if (before === '<') return false
  return before !== '.' || isNamespace || text.startsWith('.release.v1.', at - 12)
}

const file = /^\.(?:ya?ml|json|tgz|tar|git)\b/

function isEnd(text: string, at: number, next: string): boolean {
  const after = text[at] ?? ''
  if (alphanumeric.test(after) || after === '>') return false
  // The group of an API is followed by its version: apps/v1
  if (after === '/') return !/^\/v\d/.test(text.slice(at, at + 3))
  if (after !== '.' || !alphanumeric.test(text[at + 1] ?? '')) return true
  return (
    (next !== '' && text.startsWith(next, at + 1)) ||
    text.startsWith('svc', at + 1) ||
    file.test(text.slice(at, at + 6))
  )
}

// A table instead of a pattern, because many characters are looked at, one by one.
const partOfName = Uint8Array.from({ length: 128 }, (_, unit) => Number(/[\w.-]/.test(String.fromCharCode(unit))))
const longestName = 253

/** Reports whether a word that may mean anything stands as a name or as part of one: in quotes, or after `=` or a slash. */
function isNamed(text: string, start: number, end: number): boolean {
  if (!/^(?:$|[\s'",:;)\]/.-]|%(?:2F|3A))/i.test(text.slice(end, end + 3))) return false
  let at = start - 1
  while (at >= 0 && start - at < longestName && partOfName[text.charCodeAt(at)] === 1) at--
  if (text[at] === '%') return escaped.test(text.slice(at, at + 3))
  return /['"=]/.test(text[at] ?? '') || (text[at] === '/' && text[at - 1] !== '/')
}

const number = /^\.v(?:\d{1,6}|<n>)/

/** Returns the length of the number that follows the name of a Helm release, such as .v3; 0 if there is none. */
function releaseNumber(text: string, at: number): number {
  const digits = number.exec(text.slice(at, at + 8))?.[0].length ?? 0
  return alphanumeric.test(text[at + digits] ?? '') ? 0 : digits
}
