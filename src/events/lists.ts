// Lists: sorts what a message enumerates, because Go's maps and informers give another order every time.
import { hash } from 'node:crypto'
import { first } from './ends.ts'
import { withPlaceholders } from './varying.ts'

/**
 * The beginning of the list of objects that a health check waited for. fluxcd/pkg ssa/manager_wait.go prints a Go map, in another order
 * every time, with statuses that change during the wait. "timed out for" is the wording of 2021.
 */
export const culprits = /(?:timeout waiting for|stalled resources|timed out for):? \[/
const beforeCulprits = 8_192
// The list of culprits is read whole before anything is cut (Flux documents 39,000 characters).
const listChars = 65_536
const keptListChars = 4_096

/** Returns `text` with the objects that a health check waited for in order, without their statuses. */
export function withSortedCulprits(text: string): string {
  const found = culpritsIn(text)
  if (found === undefined) return text
  const { start, end, names } = found
  return `${text.slice(0, start)}${shortened(names.join(', '))}${text.slice(end)}`
}

/**
 * Reports whether a health check waits for some of the objects that it waited for before, and for no others: the failure is still the
 * same. False for texts of several lines, which say more about these objects.
 */
export function isFewerCulprits(text: string, before: string): boolean {
  if (text.includes('\n')) return false
  const [now, then] = [culpritsIn(text), culpritsIn(before)]
  if (now === undefined || then === undefined) return false
  const head = withPlaceholders(text.slice(0, now.start))
  return head === withPlaceholders(before.slice(0, then.start)) && now.names.every((name) => then.names.includes(name))
}

/** Finds the list of objects that a health check waited for in `text`. The names are sorted and have no statuses. */
function culpritsIn(text: string): { start: number; end: number; names: string[] } | undefined {
  const list = text.includes(' [') ? culprits.exec(first(text, beforeCulprits)) : null
  if (list === null) return undefined
  const start = list.index + list[0].length
  const end = text.lastIndexOf(']', start + listChars)
  if (end < start) return undefined

  const names: string[] = []
  let insideError = false
  for (const entry of text.slice(start, end).split(', ')) {
    const status = entry.indexOf(" status: '")
    if (status === -1 && insideError) continue
    const culprit = (status === -1 ? entry : entry.slice(0, status)).trim().replace(/\s+/g, ' ')
    names.push(culprit.replace(/^can't determine status for | \(unknown status\)$/, ''))
    insideError = status !== -1 && entry.includes("': ", status)
  }
  // Placeholders first: two pods of one ReplicaSet are one culprit, and a random name must not decide the order.
  return { start, end, names: [...new Set(withPlaceholders(names.join('\n')).split('\n'))].sort() }
}

// Past the limit, names are hashed instead of shown, so another culprit is still another failure.
function shortened(list: string): string {
  return list.length <= keptListChars ? list : `${first(list, keptListChars)}…:${hash('sha256', list).slice(0, 16)}`
}

/**
 * A list that is being read: its items, what was read of the next one, and the character that ends the list (-1 for a sentence).
 */
interface List {
  items: string[]
  item: string
  end: number
}

// Deeper brackets count as characters like any other.
const maxDepth = 32

// Fewer lines are one sentence that was wrapped.
const fewestLines = 3

/**
 * Returns the lines of `text` in order and on one line, with what each of them enumerates in order. Several errors
 * (hashicorp/go-multierror: "2 errors occurred:\n\t* a\n\t* b") and the rules of a policy have a line each, in any order.
 */
export function inOrder(text: string): string {
  if (!text.includes('\n')) return lineInOrder(text)
  const lines = text.split('\n')
  if (lines.length < fewestLines) return lineInOrder(lines.join(' '))
  return lines.map(lineInOrder).sort().join(' ')
}

// Helm joins errors with &&: a && b
const listed = /[,;&[]/
const unspaced = /(?<![^\s,[\](){}"'])[^\s,[\](){}"']+(?:,[^\s,[\](){}"']*[^\s,[\](){}"':.;])+/g

/** Sorts the items that commas, semicolons or && separate in one line, each kept once: in every sentence and in all brackets. */
function lineInOrder(text: string): string {
  if (!listed.test(text)) return text
  const line = /,\S/.test(text) ? text.replace(unspaced, (list) => list.split(',').sort().join(',')) : text
  const around: List[] = []
  let list: List = { items: [], item: '', end: -1 }
  let result = ''
  let done = 0
  const take = (at: number, width: number) => {
    list.item += line.slice(done, at)
    done = at + width
  }
  for (let at = 0; at < line.length; at++) {
    const unit = line.charCodeAt(at)
    const end = endOf(unit)
    if (end !== 0 && around.length < maxDepth) {
      take(at + 1, 0)
      around.push(list)
      list = { items: [], item: '', end }
    } else if (unit === list.end) {
      take(at, 0)
      const inner = sorted(list)
      list = around.pop() as List
      // Colons inside brackets say nothing about the item around them.
      list.item += inner.replaceAll(': ', ':')
    } else if ((unit === comma || unit === semicolon) && line.charCodeAt(at + 1) === space) {
      take(at, 2)
      list.items.push(list.item)
      list.item = ''
    } else if (unit === ampersand && line.startsWith(' && ', at - 1) && done < at) {
      take(at - 1, 4)
      list.items.push(list.item)
      list.item = ''
    } else if (unit === dot && around.length === 0 && (at + 1 === line.length || line.charCodeAt(at + 1) === space)) {
      take(at, 2)
      result += `${sorted(list)}. `
      list = { items: [], item: '', end: -1 }
    }
  }
  take(line.length, 0)
  for (let outer = around.pop(); outer !== undefined; outer = around.pop()) {
    outer.item += sorted(list)
    list = outer
  }
  return result + sorted(list)
}

const [space, ampersand, comma, dot, semicolon, closed] = [0x20, 0x26, 0x2c, 0x2e, 0x3b, 0x5d]

/** Returns the bracket that closes `unit`, 0 if `unit` opens none. */
function endOf(unit: number): number {
  if (unit === 0x5b || unit === 0x7b) return unit + 2
  return unit === 0x28 ? 0x29 : 0
}

function sorted({ items, item, end }: List): string {
  // A slice of Go: [a b]
  if (items.length === 0) return end === closed ? item.split(' ').sort().join(' ') : item
  return clausesInOrder(clauses([...items, item]))
}

function clausesInOrder([head = '', ...others]: readonly string[]): string {
  const [second, third] = others
  if (second === undefined) return head
  // delete failed, errors: a: denied; b: denied
  if (third !== undefined && !head.includes(': ') && introduction(second, third) > 0) {
    return `${head}, ${clausesInOrder(others)}`
  }
  const start = introduction(head, second)
  return head.slice(0, start) + unique([head.slice(start), ...others]).join(', ')
}

/** Groups items into clauses and sorts each: an item with a colon begins a clause, an item without one continues it. */
function clauses(items: readonly string[]): string[] {
  const result: string[] = []
  let at = 0
  while (at < items.length) {
    const from = at++
    while (at < items.length && !items[at]?.includes(': ')) at++
    result.push(clause(items.slice(from, at)))
  }
  return result
}

function clause(items: readonly string[]): string {
  const [first = '', second] = items
  if (second === undefined) return first
  const last = items[items.length - 1] as string
  const areWords = haveWords(first, items.length > 2 ? second : undefined, last)
  const start = areWords ? first.lastIndexOf(' ') + 1 : first.lastIndexOf(': ') + 1
  const end = areWords && last.includes(' ') ? last.indexOf(' ') : last.length
  const list = unique([first.slice(start).trimStart(), ...items.slice(1, -1), last.slice(0, end)])
  return first.slice(0, start) + list.join(', ') + last.slice(end)
}

const unique = (texts: readonly string[]) => (texts.length < 2 ? texts : [...new Set(texts)].sort())

// Kinds, paths and quoted names contain one of these.
const isName = (word: string) => /["'\x60/._-]/.test(word)

/** Reports whether the items are words, so that the text before the first and behind the last belongs to no item. */
function haveWords(first: string, second: string | undefined, last: string): boolean {
  if (second !== undefined) return !second.includes(' ')
  const space = last.indexOf(' ')
  return space < 0 || (isName(last.slice(0, space)) && isName(first.slice(first.lastIndexOf(' ') + 1)))
}

/** Finds where the first clause begins in `head`: it has as many parts between colons as `second`. */
function introduction(head: string, second: string): number {
  let start = head.length
  for (let at = second.indexOf(': '); at >= 0; at = second.indexOf(': ', at + 2)) {
    start = head.lastIndexOf(': ', start - 1)
    if (start < 0) return 0
  }
  const at = head.lastIndexOf(': ', start - 1)
  return at < 0 ? 0 : at + 2
}
