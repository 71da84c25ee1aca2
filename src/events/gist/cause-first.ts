// Cause first: puts the links of a chain of errors in the order in which its cause is read on a lock screen.
import { attempt, isVague, isWrong, tried } from './error-words.ts'
import { objectIn } from './named.ts'
import { withoutFolders } from './place.ts'
import { inFewestWords } from './wording.ts'

/** How much of a line a lock screen shows. */
const room = 90
/** Object and cluster stand before it there: the cause begins before this. */
const early = 40

/** `spec.template`, `line 12` */
const location = /^(?:line \d+|[\w.[\]'"$/:-]{1,120})$/
/** `DENIED`, `Too long`, `no matching signatures`: the next link explains it. */
const label =
  /^(?:[A-Z_]{3,40}|[A-Za-z]+Exception|http2|tls|ssh|x509|Too (?:long|many)|(?:Required|Unsupported|Duplicate|Invalid) value)$/

/** `upgrade to ledger 3.14.1` */
const action = /^(upgrade|install|rollback|uninstall|test)\b.{0,300}$/

/** Some links in the order in which they are read, and their cause. */
interface Ordered {
  text: string
  cause: string
}

/**
 * `links` in order where the cause is near enough; with less between; and with the cause first where its subject is too
 * long; with one of `places` behind it, where there are some. Of its forms, from that which says all to those in which
 * names are shorter, the first in which most is read of cause, names and place.
 */
export function causeFirst(links: readonly string[], places: readonly string[] = []): string {
  const forms = formsOf(links)
  const named = (forms[3] ?? []).flatMap((link, at, all) => namesIn(link, all.toSpliced(at, 1)))
  const names = new Map([...(links[0] === undefined ? [] : namesIn(links[0], links.slice(1))), ...named])
  const worthOf = (read: string, step: string) =>
    [...names, [step, worthOfPlace] as const].reduce((sum, [name, worth]) => sum + (read.includes(name) ? worth : 0), 0)
  const [whole = [], ...shorter] = forms
  let [best, most] = ['', -1]
  const consider = (form: Ordered, cost: number) => {
    for (const place of places.length > 0 ? places : ['']) {
      const text = withPlace(form.text, place)
      const read = text.slice(0, room)
      const share = shareRead(form.cause, read)
      const worth = (share === 1 ? wholeCause : partOfCause * share) + worthOf(read, lastStep(place)) - cost
      if (worth > most) [best, most] = [text, worth]
    }
  }
  consider(ordered(whole), 0)
  if (most === wholeCause + [...names.values()].reduce((sum, worth) => sum + worth, worthOfPlace)) return best
  for (const [at, form] of shorter.entries()) consider(ordered(form), costs[at] ?? 0)
  for (const [at, form] of shorter.entries()) consider(ordered(form, true), (costs[at] ?? 0) + 0.05)
  return best
}

/** What it is worth that a cause is read, or the most of it; a name, and one of a kind that others name; and a place. */
const [wholeCause, partOfCause, worthOfName, worthOfMore, worthOfPlace] = [2, 1.6, 1.2, 0.2, 0.5]
/** What each form loses against that. */
const costs = [0.02, 0.04, 0.08, 0.12, 0.25]

/** How much is `read` of what has to be of a cause, from 0 to 1. */
function shareRead(cause: string, read: string): number {
  const needed = cause.slice(0, neededOf(cause))
  if (needed === '' || read.includes(needed)) return 1
  const at = read.lastIndexOf(needed.slice(0, 12))
  return at < 0 ? 0 : Math.min(1, (read.length - at) / needed.length)
}

function withPlace(text: string, place: string): string {
  if (place === '' || text.includes(place)) return text
  return text === '' ? place : `${text.replace(/\.$/, '')} (${place})`
}

/** Of an image its name: the tag may be cut. */
function lastStep(place: string): string {
  return place.slice(place.lastIndexOf('/') + 1).replace(/[:@].*$/, '')
}

/** `post build of Deployment web` */
const part =
  /^(?:post build of|substitution in|decryption of) (?:[A-Z]\w{1,62} )?(\S{1,253})$|^[A-Z]\w{1,62} '(?:[\w.-]{1,63}\/)?([\w.-]{1,253})' is not ready$/

/** The name in `link`, and what it is worth. */
function namesIn(link: string, others: readonly string[]): [name: string, worth: number][] {
  const found = objectIn(link)
  if (found !== undefined) {
    return [[found.name, others.some((other) => other.includes(found.kind)) ? worthOfMore : worthOfName]]
  }
  const [, whole, ofSource] = part.exec(link) ?? []
  return whole !== undefined ? [[whole, worthOfName]] : ofSource !== undefined ? [[ofSource, worthOfMore]] : []
}

/** `links`, and shorter ones in which less and less is said of what others say too. */
function formsOf(links: readonly string[]): string[][] {
  const short = links.map((link) => inFewestWords(withoutNamespace(link)))
  const brief = short.map((link, at) => (at === 0 ? link.replace(action, '$1') : link))
  const bare = brief.filter((link, at) => at === brief.length - 1 || !lesser.test(link)).map(firstSentence)
  const named = bare.flatMap((link, at) => {
    const { kind = '', name = '' } = objectIn(link) ?? {}
    const others = bare.filter((_, n) => n !== at)
    if (kind === '' || !others.some((other) => other.includes(kind))) return [link]
    return others.some((other) => other.includes(name)) ? [] : [name]
  })
  const nameless = bare.map((link) => objectIn(link)?.name ?? link)
  return [[...links], short, brief, bare, named, nameless]
}

/** Who denied it is less than why, where a service is less than which, and a value less than what is wrong with it. */
const lesser = /^denied by \S+$|^\[?[\d.:a-f]{3,60}\]?:\d{1,5}$|^[Ff]orbidden$|^\d{1,30}$|^"[^"]{0,60}"$/

function withoutNamespace(link: string): string {
  const found = objectIn(link)
  return found === undefined ? link : `${found.kind} ${found.name}`
}

function firstSentence(link: string): string {
  const end = link.slice(12).search(/\. [A-Z]/)
  return end < 0 ? link : link.slice(0, end + 12)
}

function isObject(link: string): boolean {
  return objectIn(link) !== undefined
}

/** `isTight`: what it is about first, and nothing between it and its cause, even where there is no room for all of that. */
function ordered(links: readonly string[], isTight = false): Ordered {
  const whole = links.join(': ')
  if (links.length < 2 || isClear(links)) return { text: whole, cause: links.at(-1) ?? '' }
  const isShort = whole.length <= room
  const chain = isShort ? links : withDenial(links.map(withoutFolders))
  const found = causeIn(chain)
  const { core, end } = found
  const start = isTight ? tightStart(chain, core) : found.start
  const said = { cause: chain.slice(core, end + 1).join(': ') }
  const before = chain.slice(0, start)
  if (isShort && before.join(': ').length + 2 <= early) return { text: whole, ...said }
  const cause = chain.slice(start).join(': ')
  if (start === 0) return { text: cause, ...said }
  const [first = ''] = chain
  const isFitting = isTight || first.length + 2 + lengthOf(chain, start, end) <= room
  if (first.length + 2 > early || !isFitting) {
    const [objects, others] = [before.filter(isObject), before.filter((link) => !isObject(link))]
    return { text: `${cause} (${[...objects, ...others].join(': ')})`, ...said }
  }
  const detail = (chain[core + 1] ?? '').length <= 20 ? Math.min(core + 1, end) : core
  const rest = isTight ? room : room - lengthOf(chain, start, detail) - 2
  const { between, dropped } = around(first, before.slice(1), Math.min(rest, early + 6))
  const text = [first, ...between, cause].join(': ')
  const more = ` (${dropped.join(': ')})`
  return { text: dropped.length > 0 && text.length + more.length <= 160 ? text + more : text, ...said }
}

/** From where on a cause can be understood, as far as there is room. */
function tightStart(chain: readonly string[], core: number): number {
  let start = core
  const before = [chain[0] ?? '', ...chain.slice(1, core).filter(isObject)].join(': ').length + 2
  const isNeeded = (link: string) => label.test(link) || location.test(link)
  while (start > 1 && isNeeded(chain[start - 1] ?? '') && before + lengthOf(chain, start - 1, core) <= room) start--
  return start
}

/** Where the first link says what is wrong, or none does. */
function isClear(links: readonly string[]): boolean {
  const [first = ''] = links
  if (!links.some((link) => isWrong(link) || isVague(link))) return true
  const isPlain = isWrong(first) && !tried.test(first) && (first.length <= 25 || /\bnot ready$/.test(first))
  return links.length === 2 && isPlain
}

/** Which of `links` fit behind `first` into `most` characters: objects first, then the nearest to the cause. */
function around(first: string, links: readonly string[], most: number): { between: string[]; dropped: string[] } {
  const isBetween = new Set<number>()
  const order = [...links.keys()].reverse()
  const rank = (at: number) => Number(!isObject(links[at] ?? ''))
  for (const at of order.toSorted((a, b) => rank(a) - rank(b))) {
    const chosen = links.filter((_, n) => n === at || isBetween.has(n))
    if ([first, ...chosen].join(': ').length > most) break
    isBetween.add(at)
  }
  return {
    between: links.filter((_, at) => isBetween.has(at)),
    dropped: links.filter((_, at) => !isBetween.has(at))
  }
}

/** That it was denied goes with what was: `Deployment web: denied by Kyverno`. */
function withDenial([first = '', second = '', ...rest]: readonly string[]): string[] {
  const both = `${first}: ${second}`
  return second.startsWith('denied by ') && both.length <= 50 && rest.length > 0
    ? [both, ...rest]
    : [first, second, ...rest]
}

const verdict = /^(?:denied by|webhook) |\b(?:forbidden|invalid|denied|rejected|refused|denied (?:the )?request)$/i

/** From which link of `chain` up to which the cause stands, and up to which there are details that are short. */
function causeIn(chain: readonly string[]): { start: number; core: number; end: number } {
  const last = chain.length - 1
  const wrong = chain.findLastIndex((link, at) => at > 0 && (isWrong(link) || isVague(link)))
  let end = wrong < 0 ? last : wrong
  // What says nothing of why comes after what does.
  while (end > 1 && isVague(chain[end] ?? '') && isReason(chain[end - 1] ?? '')) end--
  // Who denied it is not why, and that it is denied neither.
  while (end < last && verdict.test(chain[end] ?? '')) end++
  const core = end
  let start = end
  while (end < last && (chain[end + 1] ?? '').length <= 40 && lengthOf(chain, start, end + 1) <= room) end++
  const [first = ''] = chain
  const beside = room - first.length - 2
  const most = first.length + 2 <= early && lengthOf(chain, start, end) <= beside ? beside : room
  while (start > 1 && belongs(chain, start, core, end, most)) start--
  return { start, core, end }
}

function isReason(link: string): boolean {
  return isWrong(link) && !isVague(link) && !attempt.test(link) && !verdict.test(link)
}

/** How much has to be read of the links from `start` up to `end`: of a long one its first words. */
function lengthOf(chain: readonly string[], start: number, end: number): number {
  const links = chain.slice(start, end + 1)
  return links.reduce((sum, link) => sum + 2 + neededOf(link), -2)
}

/** Of a sentence that is longer than all the room its beginning has to do; what is in brackets behind it can be missed. */
function neededOf(link: string): number {
  const end = link.search(/[.,;] | [[(][^()[\]]{1,100}[)\]]$/)
  const sentence = end < 12 ? link.length : end
  return sentence > room ? 55 : sentence
}

/** Whether the link before `start` is needed to understand what begins there. */
function belongs(chain: readonly string[], start: number, core: number, end: number, most: number): boolean {
  const before = chain[start - 1] ?? ''
  const said = chain
    .slice(start, core + 1)
    .filter((link) => !isVague(link))
    .join(' ')
    .replace(/"[^"]*"/g, '')
    .trim()
  if (said.length < 14 || !said.includes(' ')) return true
  if (lengthOf(chain, start - 1, end) > most) return false
  return (
    location.test(before) ||
    label.test(before) ||
    /^denied by /.test(before) ||
    (before.length <= (attempt.test(before) ? 30 : 60) && isWrong(before))
  )
}
