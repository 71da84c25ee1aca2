// Error chain: shortens what Go programs make of an error, `doing a: doing b: cause`, so that the cause is read first.

import type { Named } from '../dependency.ts'
import { causeFirst } from './cause-first.ts'
import { attempt, isVague, isWrong, tried } from './error-words.ts'
import { linksOf } from './links.ts'
import { objectIn } from './named.ts'
import { briefPlaces, placeOf } from './place.ts'

/** A place on the net, with or without what was done there. */
const place =
  /^(?:(?:(?:(?:unable|failed|failing|error|could not|cannot|HTTP request failed)\b(?-i:[a-z -]{0,40})|[a-z]{2,20}ing) )?)(?:(?:GET|HEAD|POST|PUT|PATCH|DELETE|Get|Head|Post|Put|Patch|Delete) )?["']?((?:https?|oci|ssh|git):\/\/[^\s"']{1,600})["']?(?: and \S{1,100})?$/i

const joint =
  / && (?=(?:cannot|failed|unable|error|could not|timed out|no)\b|resource |[A-Z]\w{1,62} [\w.:/-]{1,320}: )|; (?=[A-Z]\w{1,62}[ /][\w.:/-]{1,320}(?: delete failed)?: )|; (?=(?:Get|Head) "http:)/

/**
 * The chain `list` with its cause within the first 90 characters where that can be: without what was tried and places on the
 * net, which come last. `lead` goes before it, unless the cause would be too far behind.
 */
export function shortened(list: string, lead = ''): string {
  // Helm joins errors with &&, pruning with semicolons, and so does a client of registries that tries HTTP, too.
  const [line = '', ...more] = list.split(joint, 20)
  const { links, others } = withoutList(withoutValues(withoutEcho(withoutRepeats(linksOf(line)))))
  const { chain, where } = withoutPlaces(links)
  const specificLinks = withoutAttempts(chain, where)
  const text = causeFirst(
    [...(lead === '' ? [] : [lead]), ...specificLinks],
    where === '' ? [] : [where, ...briefPlaces(where)]
  )
  const count = others + more.length
  return count > 0 ? `${text} (and ${count} more)` : text
}

/** `chart pull error: chart pull error: …`: without links whose words the next one repeats, and objects that others name. */
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

/** `no values found for metric a: running query failed: no values found`: the first link has said it all. */
function withoutEcho(links: readonly string[]): readonly string[] {
  const [first = '', ...rest] = links
  const last = rest.at(-1) ?? ''
  // What it is about may be named in both.
  const isEcho = last.length >= shortestEcho && first.includes(last) && first !== last && isWrong(last)
  // Of which one it is said goes on, as in `no values found for metric: 404-rate: running query failed: no values found`.
  const between = rest.slice(0, -1).filter((link) => !attempt.test(link))
  return isEcho && between.every((link) => !link.includes(' ')) ? [first, ...between] : links
}

const shortestEcho = 12

function isSame(one: Named | undefined, other: Named): boolean {
  return one?.kind === other.kind && one.name === other.name
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

/** The first of several faults in brackets, and how many more there are. */
function withoutList(links: readonly string[]): { links: string[]; others: number } {
  const last = (links.at(-1) ?? '').replace(/^"([^"]*: [^"]*)"$|^'([^']{30,})'?$/, '$1$2')
  if (!last.startsWith('[') || !last.endsWith(']'))
    return { links: [...links.slice(0, -1), ...linksOf(last)], others: 0 }
  const [first = '', ...others] = last.slice(1, -1).split(/, (?=(?:[A-Z]\w{0,62} )?[^\s,]{1,200}: )/)
  return { links: [...links.slice(0, -1), ...linksOf(first)], others: others.length }
}

function withoutPlaces(links: readonly string[]): { chain: string[]; where: string } {
  let where = ''
  const chain = links.filter((link, at) => {
    const found = place.exec(link)?.[1]
    // What is left would say nothing.
    if (found === undefined || (at === links.length - 1 && at === 0)) return true
    // Where tokens are given out says nothing of what for, where the query was taken out.
    if (where === '' || !/\/(?:token|auth)\?…$/.test(found)) where = placeOf(found)
    return false
  })
  return { chain, where }
}

const specific = /["'/\d]/
/** Fewer characters say little of what was tried. */
const thin = 24
/** `could not get tags for "web"` */
const triedFor =
  /^(?:error|failed|failure|unable|could not|couldn't|cannot|can't)\b[^'"/\d]{0,60} ["']([^'"]{1,253})["']$/i

/** Without what was tried where the rest says enough. */
function withoutAttempts(chain: readonly string[], where: string): string[] {
  return chain.filter((link, at) => {
    if (at === chain.length - 1) return true
    const named = triedFor.exec(link)?.[1]
    if (named !== undefined && where.includes(named)) return false
    if (!attempt.test(link)) return true
    const isKept = at > 0 || (where !== '' && !/ error$/.test(link))
    if (isKept && !tried.test(link)) return true
    const rest = chain.slice(at + 1).map(withoutBrackets)
    // All that is known of go-git's `unknown error` comes after it, and may sound as if all were well.
    const isTold = (later: string) => isWrong(later) || (later.length > 40 && link !== 'unknown error')
    if (rest.some((later) => !isVague(later) && !tried.test(later) && isTold(later))) {
      const [next = ''] = rest
      return where === '' && rest.length === 1 && next.length <= thin && !specific.test(next)
    }
    if (!rest.some(isVague)) return true
    return where === ''
  })
}

/** What is in brackets explains the rest. */
function withoutBrackets(link: string): string {
  return link.replace(/ \([^()]{0,300}\)/g, '')
}
