// Emphasis: finds the decisive part of a gist and writes it in bold. Pure.
import { isVague, isWrong } from '../../events/gist/error-words.ts'
import { jointsOf } from '../../events/gist/links.ts'
import { prose } from '../slack/mrkdwn.ts'

/** Returns `gist` as mrkdwn with its decisive part in bold: all of it, if it is short and has no other parts. */
export function emphasised(gist: string): string {
  const [start, end] = decisiveIn(gist)
  const [before, inner, after] = [gist.slice(0, start), prose(gist.slice(start, end)), gist.slice(end)]
  if (inner === '') return prose(gist)
  const space = (text: string, edge: RegExp) => (edge.test(text) ? ' ' : '')
  return `${prose(before)}${space(before, /\s$/)}*${inner}*${space(after, /^\s/)}${prose(after)}`
}

/** Returns the decisive part of `gist`, unescaped. */
export function decisivePart(gist: string): string {
  return gist.slice(...decisiveIn(gist))
}

/**
 * Returns `gist` with its decisive part first, if not even the beginning of that part would be among the first `seen` characters.
 */
export function causeFirst(gist: string, seen: number): string {
  const [start, end] = decisiveIn(gist)
  if (start === end || start + Math.min(end - start, shortest) <= seen) return gist
  const before = gist.slice(0, start).replace(/^[\s:,;.]+|[\s:,;.]+$/g, '')
  // Brackets go to the end: within a sentence, they would be read as a part of it.
  const at = gist[end] === ',' ? start + sentenceEnd(gist.slice(start)) : end
  return `${gist.slice(start, at)}${before === '' ? '' : ` (${before})`}${gist.slice(at)}`
}

/** This much of the decisive part is enough to recognise it. */
const shortest = 30

/** If more than this is in bold, nothing stands out. */
const maxBold = 120

// What was tried stands before what came of it: "upgrade to ledger 3.14.1: context deadline exceeded".
const attempt =
  /^(?:helm )?(?:upgrade|install|rollback|uninstall|test|remediation|build|kustomize|apply|dry-run|prune|reconcil|health check|reported late)[^:]{0,80}: (?=\S)/i
// "14 objects not ready after 5 m: Deployment payments/api …"
const counted = /^\d[\d,]* [a-z]+ (?:is|are )?(?:not ready|failed|failing|missing)/i

function decisiveIn(gist: string): [start: number, end: number] {
  const count = counted.exec(gist)
  if (count !== null) return [0, count[0].length]
  const start = attempt.exec(gist)?.[0].length ?? 0
  const end = start + sentenceEnd(gist.slice(start))
  return end - start <= maxBold ? [start, end] : decisiveLink(gist, start, end)
}

/**
 * Finds the last link that says what is wrong, in a chain that is too long for bold: what follows that link is values and lists.
 */
function decisiveLink(gist: string, start: number, end: number): [start: number, end: number] {
  const joints = jointsOf(gist.slice(start, end)).map((at) => start + at)
  const links = [start, ...joints.map((at) => at + 2)].map((from, n) => gist.slice(from, joints[n] ?? end))
  const wrong = links.findLastIndex((link) => isWrong(link) && !isVague(link))
  const chosen = wrong < 0 ? links.length - 1 : wrong
  const from = chosen === 0 ? start : (joints[chosen - 1] ?? start) + 2
  return end - from <= maxBold ? [from, end] : [from, from + partEnd(gist.slice(from, from + maxBold))]
}

/** Returns the end of the last whole part of `text`, or where its values begin if it has a single part; 0 if it has neither. */
function partEnd(text: string): number {
  const words = masked(text)
  const last = (end: RegExp) => Math.max(0, ...[...words.matchAll(end)].map(({ index }) => index))
  return last(/[,;] | \(/g) || last(/: /g)
}

/** Returns where the first sentence of `text` ends. Brackets behind it say where, not what, so they do not count. */
function sentenceEnd(text: string): number {
  const bare = withoutContext(text)
  const at = masked(bare).search(/; |\. (?=[\p{Lu}\d])/u)
  return at <= 0 ? bare.length : at
}

/** Replaces the text in brackets with underscores, so that it counts as one word. The last bracket may be cut off. */
function masked(text: string): string {
  return text.replace(/(?<=\()[^()]*(?=\)|$)/g, (inner) => '_'.repeat(inner.length))
}

/** Returns `text` without the brackets at its end, the last of which may have been cut off. */
function withoutContext(text: string): string {
  const at = openingOf(text)
  return at <= 0 ? text : withoutContext(text.slice(0, at))
}

/** Returns where the brackets at the end of `text` open, counting the space before them; -1 if it does not end in brackets. */
function openingOf(text: string): number {
  if (!/[)…]$/.test(text)) return -1
  let depth = text.endsWith('…') ? 1 : 0
  for (let at = text.length - 1; at > 0; at--) {
    if (text[at] === ')') depth++
    if (text[at] !== '(' || --depth > 0) continue
    if (text[at - 1] === ' ') return at - 1
    // In a text that was cut off, more than one bracket may be open.
    if (text.endsWith(')')) return -1
    depth = 1
  }
  return -1
}
