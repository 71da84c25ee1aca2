// Cause first: chooses the form of a chain of errors in which most is read of its cause, of what it is about, and where.
import { field, formsOf } from './forms.ts'
import { objectIn } from './named.ts'
import { neededOf, type Ordered, ordered, room } from './order.ts'

/** What should be read, and what it is worth. */
interface Part {
  /** With its kind, where what comes first has that name too: a chart is called as what is in it. */
  name: string
  /** Its namespace may stand before it. */
  namespace: string
  worth: number
}

/** What it is worth that all of a cause is read, or most of it; a name, one of a kind that others name; a file, a place. */
const [wholeCause, mostOfCause, partOfCause, worthOfName, worthOfMore, worthOfFile, worthOfPlace] = [
  2, 1.85, 1.6, 1.2, 0.2, 0.5, 0.5
]
/** What each shorter form of a place loses. */
const shorter = 0.05
/** What it is worth that a kind is read where its name is that of the chart: less than the field of it. */
const worthOfKind = 0.13
/** What it loses that a sentence goes on where no more is read, although its beginning has to do. */
const unread = 0.03
/** What nothing between an object and its cause loses. */
const tight = 0.05

/**
 * `links` as they are read best, with one of `places` behind their cause, where there are some: of all forms, from that which
 * says all to those in which names are shorter, the first in which most is read.
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

/** What a form has left out is said behind it, where there is room: an object, a field, a file, a value. */
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

/** With the place behind what is read first: behind all, but before what only says what was tried, and details that are too long. */
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
  // An image's name is enough: its tag may be cut.
  const step = place.slice(place.lastIndexOf('/')).replace(/(?<=.)[:@].*$/, '')
  return parts.reduce(
    (sum, part) => sum + (isRead(part, read) ? part.worth : 0),
    (share === 1 ? wholeCause : share > 0.9 ? mostOfCause : partOfCause * share) -
      (share === 1 && cause.length > room && !read.includes(cause) ? unread : 0) +
      (read.includes(step) ? worthOfPlace : 0)
  )
}

/** How much is `read` of what has to be of a cause, from 0 to 1. */
function shareRead(cause: string, read: string): number {
  const needed = cause.slice(0, neededOf(cause))
  if (needed === '' || read.includes(needed)) return 1
  const at = read.lastIndexOf(needed.slice(0, 12))
  return at < 0 ? 0 : Math.min(1, (read.length - at) / needed.length)
}

/** `web` is not read in `legacy/web` and `web-0`. */
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

/** The names in `links`, each once. */
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
