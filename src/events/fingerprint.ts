// Fingerprint: hashes a failure's message without what varies between attempts, so that equal failures are recognised.
import { hash } from 'node:crypto'
import { actions } from './change-log.ts'
import { first, last } from './ends.ts'
import { inOrder, withSortedCulprits } from './lists.ts'
import { withPlaceholders } from './varying.ts'

// The message is untrusted and may be 3 MiB, so only its two ends are read: errors lead, apply logs put them last.
const headChars = 8_192
const tailChars = 2_048
// Kept of each end after normalisation. Smaller than the raw cut, because a longer duration moves that one but not this one.
const keptHeadChars = 6_144
const keptTailChars = 1_536

/**
 * Version of the way in which fingerprints are made. Raise it whenever {@link withoutVariation}, or a later step, returns another
 * text.
 */
const way = '5:'

// The last message and the last text are kept, because the same one is asked for several times in a row: for the object, then for
// its cause.
let latest = { message: '', text: '' }
let printed = { reason: '', text: '', print: printOf('', '') }

/** Reports whether a fingerprint was made in the present way: only then does another one mean another failure. */
export function isComparable(print: string): boolean {
  return print.startsWith(way)
}

/**
 * Returns a short text that two events share exactly if they report the same failure: its way and sixteen hex digits. `change` may
 * take more out of the normalised message.
 */
export function fingerprint(
  reason: string,
  message: string,
  change: (text: string) => string = (text) => text
): string {
  if (latest.message !== message) latest = { message, text: withoutVariation(message) }
  const text = change(latest.text)
  if (printed.text !== text || printed.reason !== reason) printed = { reason, text, print: printOf(reason, text) }
  return printed.print
}

function printOf(reason: string, text: string): string {
  // As JSON, so that no reason can end where a message begins, and lone surrogates stay themselves. Sorted only here, because names
  // decide the order, and a cause is without them.
  const digest = hash('sha256', JSON.stringify([reason, inOrder(text)]))
  // Joined, so that V8 has it as one flat string: JSON of a string made by adding or cutting is written at half the speed, and each
  // memory and view has a print.
  return [way, digest.slice(0, 16)].join('')
}

/** Returns `message` with placeholders for its varying parts: two failures are the same if these texts are equal. */
export function withoutVariation(message: string): string {
  const ends = bothEnds(withSortedCulprits(withoutHelmLogs(message.trim()))).map(withPlainSpaces)
  const [head = '', tail] = withoutChangeLog(ends).map(withPlaceholders)
  return tail === undefined ? head : `${first(head, keptHeadChars)}\n…\n${last(tail, keptTailChars)}`
}

// Helm's log lines repeat in varying order. They stay if there is nothing else to know a failure by.
function withoutHelmLogs(text: string): string {
  const at = text.indexOf('Last Helm logs:', 1)
  return at === -1 ? text : text.slice(0, at).trimEnd()
}

function bothEnds(text: string): string[] {
  if (text.length <= headChars + tailChars) return [text]
  const head = first(text, headChars)
  const tail = last(text, tailChars)
  const headEnd = head.lastIndexOf('\n')
  const tailStart = tail.indexOf('\n')
  // Whole lines where possible: half a line of an apply log would not be recognised as one.
  return [
    headEnd >= keptHeadChars ? head.slice(0, headEnd) : head,
    tailStart <= tailChars - keptTailChars ? tail.slice(tailStart + 1) : tail
  ]
}

function withPlainSpaces(text: string): string {
  if (!/\s\s|[^\S ]/.test(text)) return text
  return text.trim().replace(/\s+/g, (run) => (run.includes('\n') ? '\n' : ' '))
}

// kustomize-controller lists what it applied around the error (notification-controller#81). The list changes between
// two tries, the error does not.
function withoutChangeLog(ends: string[]): string[] {
  if (!ends.some((text) => text.includes('\n'))) return ends
  let hasMore = false
  const rest = ends.map((text) =>
    text
      .split('\n')
      .map((line) => {
        const introduction = beforeChange(line)
        hasMore ||= introduction === undefined
        return introduction ?? line
      })
      .filter((line) => line !== '')
      .join('\n')
  )
  return hasMore ? rest : ends
}

// Returns '' for a line that only reports a change, the introduction ('apply failed:') for the first such line, undefined for any
// other line.
function beforeChange(line: string): string | undefined {
  const change = line.endsWith(' (dry run)') ? line.slice(0, -10) : line
  const action = change.lastIndexOf(' ')
  if (!actions.has(change.slice(action + 1))) return undefined
  const object = change.lastIndexOf(' ', action - 1)
  const introduction = change.slice(0, Math.max(object, 0))
  const isChange = change.slice(object + 1, action).includes('/') && (introduction === '' || introduction.endsWith(':'))
  return isChange ? introduction : undefined
}
