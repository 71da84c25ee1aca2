// Error chain: shortens the errors of Go programs, `doing a: doing b: cause`, so that the cause is read first.

import type { Named } from '../dependency.ts'
import { causeFirst } from './cause-first.ts'
import { attempt, isVague, isWrong, tried } from './error-words.ts'
import { linksOf, shortestEcho } from './links.ts'
import { objectIn } from './named.ts'
import { briefPlaces, placeOf } from './place.ts'

/** A place on the net, with or without the request. */
const place =
  /^(?:(?:(?:(?:unable|failed|failing|error|could not|cannot|HTTP request failed)\b(?-i:[a-z -]{0,40})|[a-z]{2,20}ing) )?)(?:(?:GET|HEAD|POST|PUT|PATCH|DELETE|Get|Head|Post|Put|Patch|Delete) )?["']?((?:https?|oci|ssh|git):\/\/[^\s"']{1,600})["']?(?: and \S{1,100})?$/i

const joint =
  / && (?=(?:cannot|failed|unable|error|could not|timed out|no)\b|resource |[A-Z]\w{1,62} [\w.:/-]{1,320}: )|; ?(?=[A-Z]\w{1,62}[ /][\w.:/-]{1,320}(?: delete failed)?: )|; (?=(?:Get|Head) "http:)/

/**
 * Returns the chain `list` with its cause within the first 90 characters if possible: without what was tried, and with places on
 * the net last. `lead` stands first, unless that would move the cause too far back.
 */
export function shortened(list: string, lead = ''): string {
  // Helm joins errors with &&. Pruning joins them with semicolons, and so does a client of registries that tries HTTP as well.
  const [line = '', ...more] = list.split(joint, 20)
  const { links, others } = withoutList(withoutValues(withoutEcho(withoutRepeats(withoutExit(linksOf(line))))))
  const { chain, where } = withoutPlaces(links)
  const specificLinks = withoutAttempts(chain, where)
  const text = causeFirst(
    [...(lead === '' ? [] : [lead]), ...specificLinks],
    where === '' ? [] : [where, ...briefPlaces(where)]
  )
  const count = others + more.length
  return count > 0 ? `${text} (and ${count} more)` : text
}

/**
 * Drops an exit status that follows a reason, and attempts between the two: `fatal: unable to access 'https://…': exit status 128`,
 * `no key found: couldn't execute function: exit status 1`
 */
function withoutExit(links: readonly string[]): readonly string[] {
  if (!/^exit status \d{1,3}$/.test(links.at(-1) ?? '')) return links
  const why = links.findLastIndex((link) => isWrong(link) && !isVague(link) && !attempt.test(link))
  return why >= 0 && links.slice(why + 1, -1).every((link) => attempt.test(link)) ? links.slice(0, why + 1) : links
}

/** Drops links whose words the next link repeats (`chart pull error: chart pull error: …`), and objects that other links name. */
function withoutRepeats(links: readonly string[]): string[] {
  const rest: string[] = []
  for (const [at, link] of links.entries()) {
    const next = links[at + 1]
    if (next !== undefined && (next === link || (link.length >= 6 && next.startsWith(link)))) continue
    const found = objectIn(link)
    if (found !== undefined) {
      const isNamed = (later: string) =>
        [link, `${found.kind} ${found.name}`].some((name) => later.startsWith(`${name} `))
      if (rest.some((before) => isSame(objectIn(before), found)) || links.slice(at + 1).some(isNamed)) continue
    }
    rest.push(link)
  }
  return rest
}

/**
 * Keeps only the first link if the last repeats a part of it: `no values found for metric a: running query failed: no values found`
 */
function withoutEcho(links: readonly string[]): readonly string[] {
  const [first = '', ...rest] = links
  const last = rest.at(-1) ?? ''
  // Both links may name the same object: that is no echo.
  const isEcho = last.length >= shortestEcho && first.includes(last) && first !== last && isWrong(last)
  // A link without a blank says which one, as in `no values found for metric: 404-rate: running query failed: no values found`.
  const between = rest.slice(0, -1).filter((link) => !attempt.test(link))
  return isEcho && between.every((link) => !link.includes(' ')) ? [first, ...between] : links
}

function isSame(one: Named | undefined, other: Named): boolean {
  return one?.kind === other.kind && one.name === other.name
}

/** A value that Go has printed as it is in memory. */
const dump = /^(?:\[\])?[\w.]{0,60}[[({]|^map\[/

/** Drops the value if the link after it says all: `Invalid value: v1.LabelSelector{…}: field is immutable` */
function withoutValues(links: readonly string[]): string[] {
  return links.filter((link, at) => {
    const hasReason = at + 2 < links.length
    if (link === 'Invalid value') return !hasReason
    const isValue = links[at - 1] === 'Invalid value' && at + 1 < links.length
    return !(isValue && (link.length > 30 || dump.test(link)))
  })
}

/** Replaces a list of faults in brackets by the first one, and counts the others. */
function withoutList(links: readonly string[]): { links: string[]; others: number } {
  const last = (links.at(-1) ?? '').replace(/^"([^"]*: [^"]*)"$|^'([^']{30,})'?$/, '$1$2')
  if (!isBracketed(last) || areNames(last)) return { links: [...links.slice(0, -1), ...linksOf(last)], others: 0 }
  // Each further fault begins with a field or an object, or like the first one: `[provider "anyuid": …, provider "restricted": …]`.
  const alike = /^\[([a-z]{2,20}) "?[^\s:]{1,200}: /.exec(last)?.[1]
  const next = String.raw`(?:[A-Z]\w{0,62} ${alike === undefined ? '' : `|${alike} `})?[^\s,]{1,200}: `
  const [first = '', ...others] = last.slice(1, -1).split(new RegExp(`, (?=${next})`))
  return { links: [...links.slice(0, -1), ...withoutValues(linksOf(first))], others: others.length }
}

/** Reports whether one pair of brackets encloses all of `text`: `[a, b[0]]`, but not `[policy] …, allowed are [a, b]`. */
function isBracketed(text: string): boolean {
  if (!text.startsWith('[') || !text.endsWith(']')) return false
  let depth = 0
  for (const { 0: bracket, index } of text.matchAll(/[[\]]/g)) {
    depth += bracket === '[' ? 1 : -1
    if (depth === 0) return index === text.length - 1
  }
  return true
}

/** Reports whether a list in brackets holds only names, so that the fault stands before it: `[prod-account, s3-only]` */
function areNames(list: string): boolean {
  return list
    .slice(1, -1)
    .split(/,? /)
    .every((word) => /\w[./_-][\w#]|[a-z][A-Z]/.test(word) && !/[:'"]/.test(word))
}

function withoutPlaces(links: readonly string[]): { chain: string[]; where: string } {
  let where = ''
  const chain = links.filter((link, at) => {
    const found = place.exec(link)?.[1]
    // A place that is the only link stays, or nothing would be left.
    if (found === undefined || (at === links.length - 1 && at === 0)) return true
    // The address of a token server, whose query was cut, does not say what the token was for.
    if (where === '' || !/\/(?:token|auth)\?…$/.test(found)) where = placeOf(found)
    return false
  })
  return { chain, where }
}

const specific = /["'/\d]/
/** A shorter link says too little without the link that tells what was tried. */
const thin = 24
/** `could not get tags for "web"` */
const triedFor =
  /^(?:error|failed|failure|unable|could not|couldn't|cannot|can't)\b[^'"/\d]{0,60} ["']([^'"]{1,253})["']$/i

/** Drops links that say what was tried if the rest says enough. */
function withoutAttempts(chain: readonly string[], where: string): string[] {
  return chain.filter((link, at) => {
    if (at === chain.length - 1) return true
    const named = triedFor.exec(link)?.[1]
    if (named !== undefined && where.includes(named)) return false
    if (!attempt.test(link)) return true
    // `Could not resolve host: github.com` says one thing.
    if (/^could not resolve (?:host|proxy)$/i.test(link)) return true
    const isKept = at > 0 || (where !== '' && !/ error$/.test(link))
    if (isKept && !tried.test(link)) return true
    const rest = chain.slice(at + 1).map(withoutBrackets)
    // go-git's `unknown error` stays before a text that does not sound like one: that text is all that is known, and alone it would
    // read as if all were well.
    const isTold = (later: string) =>
      isWrong(later) || (later.length > 40 && !later.startsWith('[') && link !== 'unknown error')
    if (rest.some((later) => !isVague(later) && !tried.test(later) && isTold(later))) {
      const [next = ''] = rest
      return where === '' && rest.length === 1 && next.length <= thin && !specific.test(next)
    }
    if (!rest.some(isVague)) return true
    return where === ''
  })
}

/** Drops brackets, which only explain the rest. */
function withoutBrackets(link: string): string {
  return link.replace(/ \([^()]{0,300}\)/g, '')
}
