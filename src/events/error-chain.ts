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
  return links.filter((link) => link !== '')
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

/** A place on the net, with or without what was done there. */
const place =
  /^(?:(?:(?:unable|failed|error) (?:to )?|while )?[a-z][a-z -]{0,40} )?(?:(?:GET|HEAD|POST|PUT|PATCH|DELETE|Get|Head|Post|Put|Patch|Delete) )?["']?((?:https?|oci|ssh|git):\/\/[^\s"']{1,600})["']?(?: and \S{1,100})?$/i

/** The chain in at most about 90 characters where that can be: what was tried goes first, then what stands between. */
export function shortened(line: string): string {
  const links = withoutRepeats(linksOf(line))
  const { chain, where } = withoutPlaces(links)
  const telling = withoutAttempts(chain)
  const text = told(telling)
  if (where === '' || text.includes(where)) return text
  return text === '' ? where : `${text} (${where})`
}

/** `chart pull error: chart pull error: …`, and links whose words the next one repeats. */
function withoutRepeats(links: readonly string[]): string[] {
  return links.filter((link, at) => {
    const next = links[at + 1]
    return (
      next === undefined || !(next === link || (link.length >= 6 && next.toLowerCase().startsWith(link.toLowerCase())))
    )
  })
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

/** Without what was tried where the rest says enough. */
function withoutAttempts(chain: readonly string[]): string[] {
  return chain.filter((link, at) => {
    if (at === chain.length - 1 || !attempt.test(link)) return true
    const rest = chain.slice(at + 1).filter((later) => !attempt.test(later) || later === chain.at(-1))
    return !rest.some((later) => !isVague(later) && (isWrong(later) || later.length > 40))
  })
}

function told(chain: readonly string[]): string {
  const whole = chain.join(': ')
  if (whole.length <= room || chain.length < 2) return whole
  const [last = ''] = chain.slice(-1)
  const isEnough = !isVague(last) && last.length >= 14
  const cause = chain.slice(isEnough ? -1 : -2)
  const context = chain.slice(0, chain.length - cause.length)
  const [first] = context
  if (first === undefined) return cause.join(': ')
  const short = [first, ...cause].join(': ')
  if (short.length <= room) return short
  return `${cause.join(': ')} (${context.join(': ')})`
}
