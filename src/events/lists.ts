// Lists: puts what a message enumerates into one order, because Go's maps and informers give another one every time.
import { hash } from 'node:crypto'
import { first } from './ends.ts'
import { withPlaceholders } from './varying.ts'

// fluxcd/pkg ssa/manager_wait.go prints a Go map: another order every time, and a status that moves while we wait.
// "timed out for" is the wording of 2021.
const culprits = /(?:timeout waiting for|stalled resources|timed out for):? \[/
const beforeCulprits = 8_192
// The list of culprits is read whole before anything is cut (Flux documents 39,000 characters).
const listChars = 65_536
const keptListChars = 4_096

/** `text` with the objects that a health check waited for in order, without their statuses. */
export function withSortedCulprits(text: string): string {
  const list = text.includes(' [') ? culprits.exec(first(text, beforeCulprits)) : null
  if (list === null) return text
  const start = list.index + list[0].length
  const end = text.lastIndexOf(']', start + listChars)
  if (end < start) return text

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
  const sorted = [...new Set(withPlaceholders(names.join('\n')).split('\n'))].sort().join(', ')
  return `${text.slice(0, start)}${shortened(sorted)}${text.slice(end)}`
}

// Past the limit the names are no longer shown, only hashed: another culprit is still another failure.
function shortened(list: string): string {
  return list.length <= keptListChars ? list : `${first(list, keptListChars)}…:${hash('sha256', list).slice(0, 16)}`
}

/** A list that is being read, what of its next item was read, and the character that ends it: -1 for a sentence. */
interface List {
  items: string[]
  item: string
  end: number
}

// Deeper brackets are characters like any other.
const maxDepth = 32

// Fewer are one sentence that was wrapped.
const fewestLines = 3

/**
 * The lines of a text and what each of them enumerates in order, on one line. Several errors (hashicorp/go-multierror:
 * "2 errors occurred:\n\t* a\n\t* b") and the rules of a policy have lines of their own, in any order.
 */
export function inOrder(text: string): string {
  if (!text.includes('\n')) return lineInOrder(text)
  const lines = text.split('\n')
  if (lines.length < fewestLines) return lineInOrder(lines.join(' '))
  return lines.map(lineInOrder).sort().join(' ')
}

// Between errors, Helm writes: a && b
const listed = /[,;&[]/
const unspaced = /(?<![^\s,[\](){}"'])[^\s,[\](){}"']+(?:,[^\s,[\](){}"']*[^\s,[\](){}"':.;])+/g

/** One line with the items between commas, semicolons or && in order, each once: in every sentence and in all brackets. */
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
      // Colons in brackets say nothing of the item around them.
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

/** The bracket that closes this one, 0 where it is none. */
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

/** Each with its items in order: what has a colon begins one, and what has none goes on with it. */
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

// Kinds, paths, quoted
const isName = (word: string) => /["'\x60/._-]/.test(word)

/** Whether the items are words, so that what is before the first and behind the last is of none of them. */
function haveWords(first: string, second: string | undefined, last: string): boolean {
  if (second !== undefined) return !second.includes(' ')
  const space = last.indexOf(' ')
  return space < 0 || (isName(last.slice(0, space)) && isName(first.slice(first.lastIndexOf(' ') + 1)))
}

/** Where the first clause begins in `head`: it has as many parts between colons as the `second`. */
function introduction(head: string, second: string): number {
  let start = head.length
  for (let at = second.indexOf(': '); at >= 0; at = second.indexOf(': ', at + 2)) {
    start = head.lastIndexOf(': ', start - 1)
    if (start < 0) return 0
  }
  const at = head.lastIndexOf(': ', start - 1)
  return at < 0 ? 0 : at + 2
}
