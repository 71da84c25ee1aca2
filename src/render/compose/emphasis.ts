// Emphasis: finds what decides in a gist, and writes that in bold. Pure.
import { prose } from '../slack/mrkdwn.ts'

/** `gist` as mrkdwn, the words that decide in bold; all of it, where it is short and has no other parts. */
export function emphasised(gist: string): string {
  const [start, end] = decisiveIn(gist)
  const [before, inner, after] = [gist.slice(0, start), prose(gist.slice(start, end)), gist.slice(end)]
  if (inner === '') return prose(gist)
  const space = (text: string, edge: RegExp) => (edge.test(text) ? ' ' : '')
  return `${prose(before)}${space(before, /\s$/)}*${inner}*${space(after, /^\s/)}${prose(after)}`
}

/** What decides in `gist`, unescaped. */
export function decisivePart(gist: string): string {
  return gist.slice(...decisiveIn(gist))
}

/** More than this in bold is none. */
const maxBold = 120

// What was tried, and then what came of it: "upgrade to ledger 3.14.1: context deadline exceeded".
const attempt =
  /^(?:helm )?(?:upgrade|install|rollback|uninstall|test|remediation|build|kustomize|apply|dry-run|prune|reconcil|health check|reported late)[^:]{0,80}: (?=\S)/i
// "14 objects not ready after 5 m: Deployment payments/api …"
const counted = /^\d[\d,]* [a-z]+ (?:is|are )?(?:not ready|failed|failing|missing)/i

function decisiveIn(gist: string): [start: number, end: number] {
  const count = counted.exec(gist)
  if (count !== null) return [0, count[0].length]
  const tried = attempt.exec(gist)
  const start = tried?.[0].length ?? 0
  const end = sentenceEnd(gist, start)
  if (end - start <= maxBold) return [start, end]
  // The last part of a long chain of causes is the first of them.
  const last = gist.lastIndexOf(': ', end - 2)
  return last >= start && end - last - 2 <= maxBold ? [last + 2, end] : [0, 0]
}

/** Where the sentence ends that begins at `start`. */
function sentenceEnd(gist: string, start: number): number {
  // What stands in brackets at the end says where, and not what; it may have been cut off.
  const at = gist.slice(start).search(/; |\. (?=[\p{Lu}\d])| \([^()]*(?:\)|…)$/u)
  return at <= 0 ? gist.length : start + at
}
