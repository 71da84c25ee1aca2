// Output: prints what a command found, for a person at a terminal or for a program.
import { sayDuration } from '../duration.ts'
import { columnsOf, visible } from '../legible.ts'
import { type Format, paint } from '../paint.ts'

/** Prints `value` as JSON if that is asked for, else `text`, and ends the last line. */
export function print(json: boolean | undefined, value: unknown, text: string): void {
  process.stdout.write(asLines(json ? JSON.stringify(value, null, 2) : text))
}

/** The same on standard error. */
export function printError(text: string): void {
  process.stderr.write(asLines(text))
}

/** The codes that {@link paint} writes; none of them hides a text. */
const painted = /(\u001b\[(?:0|1|4|9|22|24|29|39|[39]\d)m)/

/** Makes control characters visible: parts of a text, also of an error, may be from anywhere, and no terminal may obey them. */
function asLines(text: string): string {
  const parts = text.split(painted).map((part, at) => (at % 2 === 1 ? part : visible(part)))
  const output = parts.join('')
  return output === '' || output.endsWith('\n') ? output : `${output}\n`
}

export interface Column {
  name: string
  /** If there is too little room, the column with the lowest number leaves first. A column without one stays. */
  leaves?: number
  /** How few characters are enough if there is too little room; the middle of a text is left out then. */
  least?: number
}

/** A text, and how to paint it. */
export type Cell = string | { text: string; format: Format }

const gap = 2

/** The width that the last column keeps while others leave or shrink, because it says why. */
const leastWhy = 30

/**
 * Writes one line for each row, under a header, in `width` characters if that is given: columns leave, then they shrink, and only then
 * is the last one cut to less than {@link leastWhy}. Texts may be untrusted: none can move the cursor.
 */
export function table(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  width: number | undefined = process.stdout.isTTY ? process.stdout.columns : undefined
): string {
  const cells = rows.map((row) => row.map(cellOf))
  const natural = columns.map(({ name }, at) =>
    Math.max(name.length, ...cells.map((row) => columnsOf(row[at]?.text ?? '')))
  )
  const widths = width === undefined ? natural : fit(columns, natural, width)
  const header = columns.map(({ name }) => ({ text: name, format: 'bold' as const }))
  return [header, ...cells].map((row) => `${lineOf(row, columns, widths).trimEnd()}\n`).join('')
}

function cellOf(cell: Cell): { text: string; format: Format } {
  const { text, format } = typeof cell === 'string' ? { text: cell, format: 'reset' as const } : cell
  return { text: plain(text), format }
}

/** The widths of columns, together at most `width`; 0 for a column that leaves. */
function fit(columns: readonly Column[], natural: readonly number[], width: number): number[] {
  const widths = [...natural]
  const last = widths.length - 1
  const wanted = Math.min(natural[last] ?? 0, leastWhy)
  const room = () => width - widths.slice(0, last).reduce((sum, each) => sum + (each > 0 ? each + gap : 0), 0)
  const leaving = columns
    .map(({ leaves }, at) => ({ leaves, at }))
    .filter(({ leaves }) => leaves !== undefined)
    .sort((a, b) => (a.leaves ?? 0) - (b.leaves ?? 0))
  for (const { at } of leaving) if (room() < wanted) widths[at] = 0
  // The widest column gives way first, one character at a time.
  while (room() < wanted) {
    const spare = widths.map((each, at) => each - Math.max(columns[at]?.least ?? each, columns[at]?.name.length ?? 0))
    const widest = widths.reduce<number>((best, each, at) => {
      return at < last && (spare[at] ?? 0) > 0 && (best < 0 || each > (widths[best] ?? 0)) ? at : best
    }, -1)
    if (widest < 0) break
    widths[widest] = (widths[widest] ?? 0) - 1
  }
  widths[last] = Math.max(room(), columns[last]?.name.length ?? 0)
  return widths
}

function lineOf(row: readonly Exclude<Cell, string>[], columns: readonly Column[], widths: readonly number[]): string {
  const last = columns.length - 1
  return row
    .flatMap(({ text, format }, at) => {
      const room = widths[at] ?? 0
      if (room === 0 && at < last) return []
      const cut = at === last ? cutEnd(text, room) : cutMiddle(text, room)
      const padding = at === last ? '' : ' '.repeat(Math.max(0, room - columnsOf(cut)))
      return [`${format === 'reset' ? cut : paint(format, cut)}${padding}`]
    })
    .join(' '.repeat(gap))
}

/** Returns the first of `letters`, as many as fit into `room` columns. */
function fitting(letters: readonly string[], room: number): string[] {
  let left = room
  const end = letters.findIndex((letter) => {
    left -= columnsOf(letter)
    return left < 0
  })
  return end < 0 ? [...letters] : letters.slice(0, end)
}

function cutEnd(text: string, room: number): string {
  return columnsOf(text) <= room ? text : `${fitting([...text], Math.max(0, room - 1)).join('')}…`
}

/** Cuts the middle out, because the end of a name says more. */
function cutMiddle(text: string, room: number): string {
  if (columnsOf(text) <= room) return text
  const letters = [...text]
  const head = fitting(letters, Math.floor((room - 1) / 3)).join('')
  const tail = fitting(letters.toReversed(), room - 1 - columnsOf(head)).toReversed()
  return `${head}…${tail.join('')}`
}

/** `text` without what moves the cursor. */
export function plain(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim()
}

/** How long ago, or how far ahead, the ISO time `at` is: `45 s`, `14 m`, `3 h 20 m`, `2 d 3 h`. */
export function age(at: string, now = Date.now()): string {
  const ms = Math.abs(now - Date.parse(at))
  return sayDuration(ms < 60_000 ? ms : Math.floor(ms / 60_000) * 60_000)
}
