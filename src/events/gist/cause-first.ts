// Cause first: chooses the form of an error chain that shows most of its cause, of the object concerned, and of the place.
import { field, formsOf } from './forms.ts'
import { objectIn } from './named.ts'
import { neededOf, type Ordered, ordered, room } from './order.ts'

/** A name that a reader should see, and its worth. */
interface Part {
  /** With its kind if the first link has the same name: a chart is often named like an object in it. */
  name: string
  /** A namespace that may stand before the name. */
  namespace: string
  worth: number
}

/** Worth of reading all of a cause, most of it, or a part; a name; one of a kind that others name; a file; a place. */
const [wholeCause, mostOfCause, partOfCause, worthOfName, worthOfMore, worthOfFile, worthOfPlace] = [
  2, 1.85, 1.6, 1.2, 0.2, 0.5, 0.5
]
/** Cost of each shorter form of a place. */
const shorter = 0.05
/** Worth of reading a kind whose name is that of the chart: less than the worth of its field. */
const worthOfKind = 0.13
/** Cost of a cause that is cut off, even if its beginning is enough. */
const unread = 0.03
/** Cost of having nothing between an object and its cause. */
const tight = 0.05

/**
 * Returns `links` in the most readable form, with one of `places` behind the cause if there are any. Of all forms, from the one
 * that says all to those with shorter names, the first of those that show most wins.
 */
export function causeFirst(links: readonly string[], places: readonly string[] = []): string {
  const { forms, bare } = formsOf(links)
  const parts = partsOf([links[0] ?? '', ...bare])
  const most = wholeCause + parts.reduce((sum, { worth }) => sum + worth, 0) + worthOfPlace
  let best = { text: '', worth: -1 }
  const consider = (form: Ordered, cost: number) => {
    for (const [at, place] of (places.length > 0 ? places : ['']).entries()) {
      const text = textOf(form, place)
      const worth = worthOf(text.slice(0, room), form.cause, parts, place) - cost - at * shorter
      if (worth > best.worth) best = { text, worth }
    }
  }
  for (const isTight of [false, true]) {
    for (const { links, cost } of forms) {
      if (best.worth < most) consider(ordered(links, isTight), isTight ? cost + tight : cost)
    }
  }
  return withDropped(best.text, links.slice(1))
}

/** Appends what the form has left out, if there is room: an object, a field, a file, a value. */
function withDropped(text: string, links: readonly string[]): string {
  const dropped = links.filter((link) => {
    const name =
      objectIn(link)?.name ?? (field.test(link) ? lastStep(link) : (file.exec(link)?.[1] ?? quoted.exec(link)?.[0]))
    return name !== undefined && !text.includes(name)
  })
  const whole = `${text} (${dropped.join(': ')})`
  return dropped.length === 0 || whole.length > longest ? text : whole
}

const longest = 180
const quoted = /^"[^"]{1,60}"$/

function lastStep(path: string): string {
  return path.slice(path.lastIndexOf('.'))
}

/**
 * Puts the place behind everything that is read first, but before a context that only says what was tried, and before details that
 * are too long.
 */
function textOf({ head, details, context, isAttempt }: Ordered, place: string): string {
  const said = `${head}${details}`
  if (place === '' || said.includes(place)) return `${said}${context}`
  if (said === '') return place
  const where = ` (${place})`
  if (details !== '' && said.length + where.length > room) return `${head}${where}${details}${context}`
  const whole = said.replace(/\.$/, '')
  return isAttempt ? `${whole}${where}${context}` : `${whole}${context}${where}`
}

function worthOf(read: string, cause: string, parts: readonly Part[], place: string): number {
  const share = shareRead(cause, read)
  // The name of an image is enough: its tag may be cut.
  const step = place.slice(place.lastIndexOf('/')).replace(/(?<=.)[:@].*$/, '')
  return parts.reduce(
    (sum, part) => sum + (isRead(part, read) ? part.worth : 0),
    (share === 1 ? wholeCause : share > 0.9 ? mostOfCause : partOfCause * share) -
      (share === 1 && cause.length > room && !read.includes(cause) ? unread : 0) +
      (read.includes(step) ? worthOfPlace : 0)
  )
}

/** Returns the share of the needed part of a cause that is `read`, from 0 to 1. */
function shareRead(cause: string, read: string): number {
  const needed = cause.slice(0, neededOf(cause))
  if (needed === '' || read.includes(needed)) return 1
  const at = read.lastIndexOf(needed.slice(0, 12))
  return at < 0 ? 0 : Math.min(1, (read.length - at) / needed.length)
}

/** Reports whether the name is read as a whole: `web` is not in `legacy/web` or `web-0`. */
function isRead({ name, namespace }: Part, read: string): boolean {
  for (let at = read.indexOf(name); at >= 0; at = read.indexOf(name, at + 1)) {
    const before = read.slice(0, at).replace(new RegExp(`${RegExp.escape(namespace)}/$`), '')
    if (!/[\w/-]$/.test(before) && !/^[\w/-]/.test(read.slice(at + name.length))) return true
  }
  return false
}

/** `post build of Deployment web` */
const partOf =
  /^(?:post build of|substitution in|decryption of) (?:[A-Z]\w{1,62} )?(\S{1,253})$|^[A-Z]\w{1,62} '(?:([\w.-]{1,63})\/)?([\w.-]{1,253})' is not ready$/
const file = /(?:^|[\s/])([\w.-]{1,100}\.(?:ya?ml|tpl|json|tf|toml)(?::\d{1,6})?)\)?$/

/** Returns the names in `links`, each once. */
function partsOf(links: readonly string[]): Part[] {
  const [first = ''] = links
  const isOther = objectIn(first) === undefined
  const found = links.flatMap((link, at): Part[] => {
    const object = objectIn(link)
    if (object !== undefined) {
      const isMore = links.some((other, n) => n !== at && objectIn(other) === undefined && other.includes(object.kind))
      if (isOther && first.split(' ').includes(object.name)) {
        return [{ name: `${object.kind} ${object.name}`, namespace: '', worth: worthOfKind }]
      }
      return [{ ...object, worth: isMore ? worthOfMore : worthOfName }]
    }
    const [, name, namespace = '', source] = partOf.exec(link) ?? []
    if (name !== undefined) return [{ name, namespace, worth: worthOfName }]
    if (source !== undefined) return [{ name: source, namespace, worth: worthOfMore }]
    const path = file.exec(link)?.[1]
    return path === undefined ? [] : [{ name: path, namespace: '', worth: worthOfFile }]
  })
  return [...new Map(found.toReversed().map((part) => [part.name, part])).values()]
}
