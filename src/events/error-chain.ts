// Error chain: shortens what Go programs make of an error, `doing a: doing b: cause`, so that the cause is read first.

import { isVague, isWrong } from './error-words.ts'

/** How much of a line a lock screen shows. */
const room = 90

const quotes = new Set(['"', "'", '`'])
const closing: Record<string, string> = { '(': ')', '[': ']', '{': '}' }

/** Splits `line` at its colons, but for those in quotes and brackets. One pass. */
export function linksOf(line: string): string[] {
  const links: string[] = []
  const open: string[] = []
  const unclosed = new Set<string>()
  let start = 0
  for (let at = 0; at < line.length; at++) {
    const char = line[at] ?? ''
    if (quotes.has(char) && !unclosed.has(char) && !isApostrophe(line, at)) {
      const end = endOfQuote(line, at)
      if (end < 0) unclosed.add(char)
      else at = end
    } else if (closing[char] !== undefined) {
      // One that is never closed would hide every colon behind it.
      if (line.includes(closing[char], at)) open.push(closing[char])
    } else if (char === open.at(-1)) {
      open.pop()
    } else if (char === ':' && /\s/.test(line[at + 1] ?? '') && open.length === 0) {
      links.push(line.slice(start, at).trim())
      start = at + 1
    }
  }
  links.push(line.slice(start).trim())
  return links.filter((link) => link !== '' && !/^err(?:or)?$/i.test(link))
}

/** `couldn't` */
function isApostrophe(line: string, at: number): boolean {
  return line[at] === "'" && /[A-Za-z0-9]/.test(line[at - 1] ?? '')
}

function endOfQuote(line: string, start: number): number {
  const quote = line[start] ?? ''
  for (let at = line.indexOf(quote, start + 1); at >= 0; at = line.indexOf(quote, at + 1)) {
    if (line[at - 1] === '\\') continue
    const isEnd = quote !== "'" || !/[A-Za-z0-9]/.test(line[at + 1] ?? '')
    if (isEnd) return at
  }
  return -1
}

/** Says what was tried, in words that are the same for every object. */
const attempt =
  /^(?:(?:error|failed|failure|unable|could not|couldn't|cannot|can't|unknown|unexpected|invalid|error(?:ed)? while)\b[^'"/\d]{0,80}|[A-Za-z][^'"/\d]{0,60} (?:error|failed|failure))$/i

/** Of these also what stands in the middle goes. */
const tried = /^(?:error|failed|failure|unable|could not|couldn't|cannot|can't)\b/i

/** A place on the net, with or without what was done there. */
const place =
  /^(?:(?:(?:(?:unable|failed|error|could not|cannot)\b[a-z -]{0,40}|[a-z]{2,20}ing) )?)(?:(?:GET|HEAD|POST|PUT|PATCH|DELETE|Get|Head|Post|Put|Patch|Delete) )?["']?((?:https?|oci|ssh|git):\/\/[^\s"']{1,600})["']?(?: and \S{1,100})?$/i

/**
 * The chain `line` with its cause within the first 90 characters where that can be: without what was tried and places on the
 * net, which come last. `lead` goes before it, unless the cause would be too far behind.
 */
export function shortened(line: string, lead = ''): string {
  const { links, others } = withoutList(withoutValues(withoutRepeats(linksOf(line))))
  const { chain, where } = withoutPlaces(links)
  const telling = withoutAttempts(chain, where !== '')
  const text = told(lead === '' ? telling : [lead, ...telling])
  const more = others > 0 ? `${text} (and ${others} more)` : text
  if (where === '' || text.includes(where)) return more
  return text === '' ? where : `${more} (${where})`
}

/** `chart pull error: chart pull error: …`, and links whose words the next one repeats. */
function withoutRepeats(links: readonly string[]): string[] {
  return links.filter((link, at) => {
    const next = links[at + 1]
    return next === undefined || !(next === link || (link.length >= 6 && next.startsWith(link)))
  })
}

/** A value that Go has printed as it is in memory. */
const dump = /^(?:\[\])?[\w.]{0,60}[[({]|^map\[/

/** `Invalid value: v1.LabelSelector{…}: field is immutable`: the last says it all. */
function withoutValues(links: readonly string[]): string[] {
  return links.filter((link, at) => {
    const hasReason = at + 2 < links.length
    if (link === 'Invalid value') return !hasReason
    const isValue = links[at - 1] === 'Invalid value' && at + 1 < links.length
    return !(isValue && (link.length > 30 || dump.test(link)))
  })
}

/** Of several faults in brackets the first, and how many more there are. */
function withoutList(links: readonly string[]): { links: string[]; others: number } {
  const last = (links.at(-1) ?? '').replace(/^(["'])(.*: .*)\1$/, '$2')
  if (!last.startsWith('[') || !last.endsWith(']'))
    return { links: [...links.slice(0, -1), ...linksOf(last)], others: 0 }
  const [first = '', ...others] = last.slice(1, -1).split(/, (?=[^\s,]{1,200}: )/)
  return { links: [...links.slice(0, -1), ...linksOf(first)], others: others.length }
}

function withoutPlaces(links: readonly string[]): { chain: string[]; where: string } {
  let where = ''
  const chain = links.filter((link, at) => {
    const found = place.exec(link)?.[1]
    // What is left would say nothing.
    if (found === undefined || (at === links.length - 1 && at === 0)) return true
    where = placeOf(found)
    return false
  })
  return { chain, where }
}

/** `ghcr.io/acme/app:1.2.3` of what was asked of a registry, else host and path. */
export function placeOf(url: string): string {
  const [, host = '', rest = ''] = /^\w+:\/\/(?:[^/@]{1,300}@)?([^/?#]*)([\s\S]*)$/.exec(url) ?? []
  const scope = /[?&]scope=repository(?::|%3A)([^&]{1,200}?)(?::|%3A)pull/i.exec(rest)?.[1]
  if (scope !== undefined) return `${host}/${scope.replaceAll(/%2F/gi, '/')}`
  const path = rest.replace(/[?#][\s\S]*$/, '').replace(/\/+$|\.git$/, '')
  const [, image, tag] = /^\/v2\/(.{1,200})\/(?:manifests|blobs)\/(.{1,128})$/.exec(path) ?? []
  if (image !== undefined && tag !== undefined) return `${host}/${image}${tag.includes(':') ? '@' : ':'}${tag}`
  const list = /^\/v2(?:\/(.{1,200})\/tags\/list)?$/.exec(path)
  if (list !== null) return [host, list[1]].filter(Boolean).join('/')
  return path.length <= 60 ? `${host}${path}` : `${host}/…${path.slice(path.lastIndexOf('/')).slice(-50)}`
}

const specific = /["'/\d]/

/** Without what was tried where the rest says enough. */
function withoutAttempts(chain: readonly string[], hasPlace: boolean): string[] {
  return chain.filter((link, at) => {
    if (at === chain.length - 1 || !attempt.test(link)) return true
    if (at > 0 && !tried.test(link)) return true
    const rest = chain.slice(at + 1)
    if (hasPlace || rest.some((later) => !isVague(later) && (isWrong(later) || later.length > 40))) return false
    return !(rest.some(isVague) && rest.some((later) => specific.test(later)))
  })
}

/** `spec.template`, `line 12` */
const location = /^(?:line \d+|[\w.[\]'"$/:-]{1,120})$/
/** `DENIED`, `Too long`, `no matching signatures`: the next link explains it. */
const label = /^(?:[A-Z_]{3,40}|[A-Za-z]+Exception)$/

/** In order where the cause is near enough; with less between; and with the cause first where its subject is too long. */
function told(links: readonly string[]): string {
  const whole = links.join(': ')
  if (whole.length <= room || links.length < 2) return whole
  const chain = withDenial(links.map(withoutFolders))
  const [first = ''] = chain
  if (
    chain.length === 2 &&
    isWrong(first) &&
    !tried.test(first) &&
    (first.length <= 25 || /\bnot ready$/.test(first))
  ) {
    return whole
  }
  if (!chain.some((link) => isWrong(link) || isVague(link))) return whole
  const { start, core, end } = causeIn(chain)
  const detail = (chain[core + 1] ?? '').length <= 20 ? Math.min(core + 1, end) : core
  const cause = chain.slice(start).join(': ')
  if (start === 0) return cause
  if (first.length + 2 + lengthOf(chain, start, end) > room) {
    return `${cause} (${chain.slice(0, start).join(': ')})`
  }
  const between: string[] = []
  const dropped: string[] = []
  for (const link of chain.slice(1, start).reverse()) {
    const fits =
      lengthOf([first, link, ...between], 0, Number.POSITIVE_INFINITY) + 2 + lengthOf(chain, start, detail) <= room
    if (fits && dropped.length === 0) between.unshift(link)
    else dropped.unshift(link)
  }
  const text = [first, ...between, cause].join(': ')
  const rest = ` (${dropped.join(': ')})`
  return dropped.length > 0 && text.length + rest.length <= 160 ? text + rest : text
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
  const most = lengthOf(chain, start, end) <= beside ? beside : room
  while (start > 1 && belongs(chain, start, end, most)) start--
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
  return sentence > room ? 60 : sentence
}

/** Whether the link before `start` is needed to understand what begins there. */
function belongs(chain: readonly string[], start: number, end: number, most: number): boolean {
  const before = chain[start - 1] ?? ''
  const said = chain
    .slice(start, end + 1)
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
