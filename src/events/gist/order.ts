// Order: puts the links of an error chain in the order in which its cause is read on a lock screen.
import { attempt, isVague, isWrong, tried } from './error-words.ts'
import { isObject } from './named.ts'
import { withoutFolders } from './place.ts'

/** Characters of a line that a lock screen shows. */
export const room = 90
/** The cause should begin before this, because object and cluster stand before it on the lock screen. */
const early = 40

/** A location: `spec.template`, `line 12`. */
const location = /^(?:line \d+|[\w.[\]'"$/:-]{1,120})$/
/** `DENIED`, `Too long`, `no matching signatures`: the next link explains it. */
const label =
  /^(?:[A-Z_]{3,40}|[A-Za-z]+Exception|http2|tls|ssh|x509|Too (?:long|many)|(?:Required|Unsupported|Duplicate|Invalid) value)$/
/** Labels that say nothing at all without the next link. */
const protocol = /^(?:http2|net\/http|tls|ssh|x509)$/

/** A value, which the link before it is about, and no reason: `'>=2.0.0'`, `!= plan-main`, `apps/web.yaml`. */
const value = /^(?:"[^"]*"|'[^']*'|[!=<>]=? ?\S+|[\w.-]*\/[\w./-]*)$/
/** Names in brackets: they tell what is wrong, and not why. */
const list = /^\[.*\]$/

/** A letter outside ASCII. */
const foreign = /(?=[^ -~])\p{L}/u

/** Links in the order in which they are read. */
export interface Ordered {
  /** Everything up to the end of the cause. */
  head: string
  /** Links after the cause: `: valid values: …` */
  details: string
  /** Links that stood before the cause and matter less: ` (spec)` */
  context: string
  /** True if the context only says what was tried. */
  isAttempt: boolean
  /** The part of `head` that must be read. */
  cause: string
}

/**
 * Returns `links` in their own order if the cause comes early enough; else with fewer links before the cause; else with the cause
 * first, if what it is about is too long. `isTight`: what it is about comes first with nothing between it and its cause, even if
 * there is no room for all of it.
 */
export function ordered(links: readonly string[], isTight = false): Ordered {
  const whole = links.join(': ')
  const isShort = whole.length <= room
  if (links.length < 2 || isClear(links)) {
    const head = isShort ? whole : inRoom(links).join(': ')
    return { head, details: '', context: '', isAttempt: false, cause: links.at(-1) ?? '' }
  }
  const chain = isShort ? links : withDenial(inRoom(links))
  const found = causeIn(chain)
  const { core, end } = found
  const isFirst = (chain[0] ?? '').length + 2 <= early
  const start = isTight && isFirst ? tightStart(chain, core) : found.start
  // A cause such as `'web', invalid` says nothing without the link before it.
  const said = chain[core] ?? ''
  const from = isThin(chain.slice(core, end + 1)) && !label.test(said) && !isVague(said) ? found.start : core
  const cause = chain.slice(from, end + 1).join(': ')
  const details = chain
    .slice(end + 1)
    .map((link) => `: ${link}`)
    .join('')
  const before = chain.slice(0, start)
  const tail = chain.slice(start, end + 1)
  if (start === 0 || (isShort && before.join(': ').length + 2 <= early)) {
    return { head: [...before, ...tail].join(': '), details, context: '', isAttempt: false, cause }
  }
  const [first = ''] = chain
  const isFitting = isTight || first.length + 2 + lengthOf(chain, start, end) <= room
  if (!isFirst || !isFitting) {
    const [objects, others] = [before.filter(isObject), before.filter((link) => !isObject(link))]
    const context = ` (${[...objects, ...others].join(': ')})`
    return { head: tail.join(': '), details, context, isAttempt: before.every((link) => tried.test(link)), cause }
  }
  const detail = (chain[core + 1] ?? '').length <= 20 ? Math.min(core + 1, end) : core
  const rest = isTight ? room : room - lengthOf(chain, start, detail) - 2
  const most = Math.min(rest, early + 6)
  const { between, dropped } = around(first, before.slice(1), most, isTight)
  const head = [first, ...between, ...tail].join(': ')
  const more = dropped.length === 0 ? '' : ` (${dropped.join(': ')})`
  const context = (head + details + more).length <= 160 ? more : ''
  return { head, details, context, isAttempt: dropped.every((link) => tried.test(link)), cause }
}

/** Returns `links` with as many folders of a long path as there is room for. */
function inRoom(links: readonly string[]): string[] {
  const forms = [2, 1, 0].map((kept) => links.map((link) => withoutFolders(link, kept)))
  return forms.find((form) => form.join(': ').length <= room) ?? forms.at(-1) ?? []
}

/** Returns the first link from which on the cause can be understood, as far as there is room. */
function tightStart(chain: readonly string[], core: number): number {
  let start = core
  const before = [chain[0] ?? '', ...chain.slice(1, core).filter(isObject)].join(': ').length + 2
  const isNeeded = (link: string) => label.test(link) || location.test(link) || isThin(chain.slice(start, core + 1))
  // A vague link says nothing without the link before it.
  if (start > 1 && isVague(chain[start] ?? '') && !isObject(chain[start - 1] ?? '')) start--
  while (start > 1 && isNeeded(chain[start - 1] ?? '') && before + lengthOf(chain, start - 1, core) <= room) start--
  return start
}

/** Reports whether the links need no new order: the first says what is wrong, none does, or only values follow. */
function isClear(links: readonly string[]): boolean {
  const [first = '', ...others] = links
  // In a long chain in another language, the last link is taken for the cause although no word is known.
  const isForeign = links.length > 2 && links.join(': ').length > room && links.some((link) => foreign.test(link))
  const isSaid = links.some((link) => isWrong(link) || isVague(link))
  if ((!isSaid && !isForeign) || others.every((link) => value.test(link))) return true
  const isPlain = isWrong(first) && !tried.test(first) && (first.length <= 25 || /\bnot ready$/.test(first))
  if (links.length === 3 && /^dependency '\S{1,320}' is not ready$/.test(first)) return true
  return links.length === 2 && isPlain
}

/** Chooses which of `links` fit behind `first` into `most` characters: objects first, then those nearest to the cause. */
function around(
  first: string,
  links: readonly string[],
  most: number,
  isTight: boolean
): Record<'between' | 'dropped', string[]> {
  const isBetween = new Set<number>()
  const order = [...links.keys()].reverse()
  const rank = (at: number) => Number(!isObject(links[at] ?? ''))
  for (const at of order.toSorted((a, b) => rank(a) - rank(b))) {
    const chosen = links.filter((_, n) => n === at || isBetween.has(n))
    if (isTight && rank(at) > 0) continue
    if ([first, ...chosen].join(': ').length <= most) isBetween.add(at)
  }
  return {
    between: links.filter((_, at) => isBetween.has(at)),
    dropped: links.filter((_, at) => !isBetween.has(at))
  }
}

/** Joins a denial to what was denied: `Deployment web: denied by Kyverno`. */
function withDenial([first = '', second = '', ...rest]: readonly string[]): string[] {
  const both = `${first}: ${second}`
  return second.startsWith('denied by ') && both.length <= 50 && rest.length > 0
    ? [both, ...rest]
    : [first, second, ...rest]
}

const verdict = /^(?:denied by|webhook) |\b(?:forbidden|invalid|denied|rejected|refused|denied (?:the )?request)$/i

/**
 * Finds the cause in `chain`: `core` is its main link, `start` the first link needed to understand it, `end` the last short detail.
 */
function causeIn(chain: readonly string[]): { start: number; core: number; end: number } {
  const last = chain.length - 1
  const [first = ''] = chain
  const wrong = chain.findLastIndex((link, at) => at > 0 && (isWrong(link) || isVague(link)))
  let end = wrong < 0 ? unsaid(first, last) : wrong
  // A vague end adds nothing to a link before it that gives the reason.
  while (end > 1 && isVague(chain[end] ?? '') && isReason(chain[end - 1] ?? '')) end--
  // The reason is neither who denied a request nor that it was denied.
  const isVerdict = (link: string) => verdict.test(link) || protocol.test(link)
  while (end < last && isVerdict(chain[end] ?? '') && !list.test(chain[end + 1] ?? '')) end++
  const core = end
  let start = end
  while (end < last && isDetail(chain[end + 1] ?? '') && lengthOf(chain, start, end + 1) <= room) end++
  while (end > core && protocol.test(chain[end] ?? '')) end--
  const beside = room - first.length - 2
  const most = first.length + 2 <= early && lengthOf(chain, start, end) <= beside ? beside : room
  while (start > 1 && belongs(chain, start, core, end, most)) start--
  return { start, core, end }
}

/**
 * Finds the cause if no link behind `first` says that something is wrong: `first` itself, or the beginning of what a policy says in
 * its own words.
 */
function unsaid(first: string, last: number): number {
  if (/: denied by \S+$/.test(first)) return 1
  return isReason(first) && !tried.test(first) ? 0 : last
}

/** Reports whether `link` is a detail: a few words, or a single one such as a path or a value. */
function isDetail(link: string): boolean {
  return link.length <= 40 || (link.length <= 80 && !link.includes(' '))
}

function isReason(link: string): boolean {
  return isWrong(link) && !isVague(link) && !attempt.test(link) && !verdict.test(link)
}

/** Returns how many characters of the links from `start` to `end` must be read; of a long link, only its first words. */
function lengthOf(chain: readonly string[], start: number, end: number): number {
  const links = chain.slice(start, end + 1)
  return links.reduce((sum, link) => sum + 2 + neededOf(link), -2)
}

/**
 * Returns how many characters of `link` must be read. Of a sentence longer than all the room, its beginning has to do; brackets at
 * its end can be spared.
 */
export function neededOf(link: string): number {
  if (link.length <= 60) return link.length
  const end = link.search(/(?<!e\.g|i\.e)[.,;] | except | [[(][^()[\]]{1,100}[)\]]$/)
  const sentence = end < 12 ? link.length : end
  return sentence > room ? 55 : sentence
}

/** Reports whether the link before `start` is needed to understand what begins at `start`. */
function belongs(chain: readonly string[], start: number, core: number, end: number, most: number): boolean {
  const before = chain[start - 1] ?? ''
  if (isThin(chain.slice(start, core + 1))) return true
  if (lengthOf(chain, start - 1, end) > most) return false
  return (
    location.test(before) ||
    label.test(before) ||
    /^denied by /.test(before) ||
    (before.length <= (attempt.test(before) ? 30 : 60) && isWrong(before))
  )
}

/** Reports whether `links` say too little without the ones before them. */
function isThin(links: readonly string[]): boolean {
  const said = links
    .filter((link) => !isVague(link))
    .join(' ')
    // Not the apostrophe of `can't`.
    .replace(/"[^"]*"|(?<!\w)'[^']*'/g, '')
    // Chinese and Japanese have no blanks between words, which are short.
    .replace(/\p{Lo}/gu, '$& ')
    .trim()
  return said.length < 14 || !said.includes(' ')
}
