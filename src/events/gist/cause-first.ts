// Cause first: puts the links of a chain of errors in the order in which its cause is read on a lock screen.
import { attempt, isVague, isWrong, tried } from './error-words.ts'
import { inFewestWords } from './wording.ts'

/** How much of a line a lock screen shows. */
const room = 90
/** Object and cluster stand before it there: the cause begins before this. */
const early = 40

/** `spec.template`, `line 12` */
const location = /^(?:line \d+|[\w.[\]'"$/:-]{1,120})$/
/** `DENIED`, `Too long`, `no matching signatures`: the next link explains it. */
const label = /^(?:[A-Z_]{3,40}|[A-Za-z]+Exception)$/

/** `Deployment web`, `Deployment apps/web` */
const object = /^([A-Z]\w{1,62}) (?:[a-z0-9][a-z0-9-]{0,62}\/)?([a-z0-9][\w.:-]{0,252})$/
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
  const names = (forms.at(-2) ?? []).flatMap(namedIn)
  let [best, most] = ['', -1]
  for (const form of forms.map(ordered)) {
    for (const place of places.length > 0 ? places : ['']) {
      const text = withPlace(form.text, place)
      const parts = [form.cause.slice(0, neededOf(form.cause)), lastStep(place), ...names]
      const read = parts.filter((part) => text.slice(0, room).includes(part)).length
      if (read === parts.length) return text
      if (read > most) [best, most] = [text, read]
    }
  }
  return best
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
const part = /^(?:post build of|substitution in|decryption of) (?:[A-Z]\w{1,62} )?(\S{1,253})$/

function namedIn(link: string): string[] {
  const name = object.exec(link)?.[2] ?? part.exec(link)?.[1]
  return name === undefined ? [] : [name]
}

/** `links`, and shorter ones in which less and less is said of what others say too. */
function formsOf(links: readonly string[]): string[][] {
  const short = links.map((link) => inFewestWords(link.replace(object, '$1 $2')))
  const brief = short.map((link, at) => (at === 0 ? link.replace(action, '$1') : link))
  const bare = brief.filter((link, at) => at === brief.length - 1 || !lesser.test(link))
  const named = bare.flatMap((link, at) => {
    const [, kind = '', name = ''] = object.exec(link) ?? []
    const others = bare.filter((_, n) => n !== at)
    if (kind === '' || !others.some((other) => other.includes(kind))) return [link]
    return others.some((other) => other.includes(name)) ? [] : [name]
  })
  return [[...links], short, brief, bare, named]
}

/** Who denied it is less than why, and where a service is less than which. */
const lesser = /^denied by \S+$|^\[?[\d.:a-f]{3,60}\]?:\d{1,5}$/

function ordered(links: readonly string[]): Ordered {
  const whole = links.join(': ')
  if (links.length < 2 || isClear(links)) return { text: whole, cause: links.at(-1) ?? '' }
  const isShort = whole.length <= room
  const chain = isShort ? links : withDenial(links.map(withoutFolders))
  const { start, core, end } = causeIn(chain)
  const said = { cause: chain[core] ?? '' }
  const before = chain.slice(0, start)
  if (isShort && before.join(': ').length + 2 <= early) return { text: whole, ...said }
  const cause = chain.slice(start).join(': ')
  if (start === 0) return { text: cause, ...said }
  const [first = ''] = chain
  if (first.length + 2 > early || first.length + 2 + lengthOf(chain, start, end) > room) {
    const [objects, others] = [before.filter((link) => object.test(link)), before.filter((link) => !object.test(link))]
    return { text: `${cause} (${[...objects, ...others].join(': ')})`, ...said }
  }
  const detail = (chain[core + 1] ?? '').length <= 20 ? Math.min(core + 1, end) : core
  const rest = room - lengthOf(chain, start, detail) - 2
  const { between, dropped } = around(first, before.slice(1), Math.min(rest, early + 6))
  const text = [first, ...between, cause].join(': ')
  const more = ` (${dropped.join(': ')})`
  return { text: dropped.length > 0 && text.length + more.length <= 160 ? text + more : text, ...said }
}

/** Where the first link says what is wrong, or none does. */
function isClear(links: readonly string[]): boolean {
  const [first = ''] = links
  if (!links.some((link) => isWrong(link) || isVague(link))) return true
  const isPlain = isWrong(first) && !tried.test(first) && (first.length <= 25 || /\bnot ready$/.test(first))
  return links.length === 2 && isPlain
}

/** Which of `links` fit behind `first` into `most` characters, the nearest to the cause before others. */
function around(first: string, links: readonly string[], most: number): { between: string[]; dropped: string[] } {
  const between: string[] = []
  for (const link of links.toReversed()) {
    if ([first, link, ...between].join(': ').length > most) break
    between.unshift(link)
  }
  return { between, dropped: links.slice(0, links.length - between.length) }
}

/** That it was denied goes with what was: `Deployment web: denied by Kyverno`. */
function withDenial([first = '', second = '', ...rest]: readonly string[]): string[] {
  const both = `${first}: ${second}`
  return second.startsWith('denied by ') && both.length <= 50 && rest.length > 0
    ? [both, ...rest]
    : [first, second, ...rest]
}

/** Of a long path the file. */
function withoutFolders(link: string): string {
  return link.replace(/^[\w./-]{12,500}\/(?=[\w.-]{1,100}\.\w{1,10}(?::\d{1,6})?$)/, '…/')
}

const verdict = /^(?:denied by|webhook) |\b(?:forbidden|invalid|denied|rejected|refused|denied (?:the )?request)$/i

/** From which link of `chain` up to which the cause stands, and up to which there are details that are short. */
function causeIn(chain: readonly string[]): { start: number; core: number; end: number } {
  const last = chain.length - 1
  const wrong = chain.findLastIndex((link, at) => at > 0 && (isWrong(link) || isVague(link)))
  let end = wrong < 0 ? last : wrong
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

/** How much has to be read of the links from `start` up to `end`: of a long one its first words. */
function lengthOf(chain: readonly string[], start: number, end: number): number {
  const links = chain.slice(start, end + 1)
  return links.reduce((sum, link) => sum + 2 + neededOf(link), -2)
}

/** Of a sentence that is longer than all the room its beginning has to do. */
function neededOf(link: string): number {
  const end = link.search(/[.,;] /)
  const sentence = end < 0 ? link.length : end
  return sentence > room ? 45 : sentence
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
