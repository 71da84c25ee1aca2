// Demo screen: prints messages roughly as Slack shows them: bold title, grey facts, a coloured bar beside the details.
import { type Format, paint } from '../paint.ts'
import type { Block } from '../render/slack/blocks.ts'
import { colours } from '../render/slack/looks.ts'
import { toText } from '../render/slack/terminal.ts'
import type { Shown } from './stage.ts'

const bars: Record<string, Format> = { [colours.red]: 'red', [colours.amber]: 'yellow', [colours.green]: 'green' }

/** The most lines of a message; the rest is for the dashboard. */
const maxLines = 10

/** The lines of a message, no wider than `width`. */
export function drawMessage({ at, payload }: Shown, width: number): string {
  const { blocks = [], attachments = [] } = payload
  const room = Math.max(width - 12, 30)
  const head = blocks.flatMap((block, index) => linesOf(block, formatOf(block, index), room))
  const details = attachments.flatMap(({ color, blocks }) =>
    blocks.flatMap((block) =>
      linesOf(block, formatOf(block, 1), room - 2).map((line) => `${paint(bars[color] ?? 'gray', '┃')} ${line}`)
    )
  )
  const lines = [...head, ...details]
  // A line that says that there is one more would take as much room as that one.
  const shown = lines.slice(0, lines.length > maxLines + 1 ? maxLines : lines.length)
  if (lines.length > shown.length) shown.push(paint('gray', `… and ${lines.length - shown.length} more lines`))
  const time = paint('gray', at.slice(11, 16))
  return `${shown.map((line, index) => `  ${index === 0 ? time : '     '}  ${line}`).join('\n')}\n\n`
}

/** Paints the lines that one was broken into. Code, and what is struck out in Slack, looks so here if the terminal can show it. */
function paintLines(format: Format, lines: string[]): string[] {
  if (paint('bold', '') === '') return lines
  const each = (format: Format, text: string) => text.split('\n').map((line) => paint(format, line))
  const marked = lines
    .join('\n')
    .replace(/`([^`]+)`/g, (_, code: string) => each('cyan', code).join('\n'))
    .replace(/~(\w+)~/g, (_, struck: string) => paint('strikethrough', struck))
  return each(format, marked)
}

function formatOf({ type }: Block, index: number): Format {
  if (type === 'context') return 'gray'
  return type === 'header' || index === 0 ? 'bold' : 'reset'
}

function linesOf(block: Block, format: Format, width: number): string[] {
  const text = toText({ text: '', blocks: [block], unfurl_links: false, unfurl_media: false })
  return text
    .split('\n')
    .filter(Boolean)
    .flatMap((line) => paintLines(format, wrap(line, width)))
}

/** Breaks `line` between words. A word that is longer than `width` is broken where that ends. */
function wrap(line: string, width: number): string[] {
  const lines: string[] = []
  let rest = line
  while (rest.length > width) {
    const space = rest.lastIndexOf(' ', width)
    const end = space > width / 2 ? space : width
    lines.push(rest.slice(0, end))
    rest = `  ${rest.slice(end).trimStart()}`
  }
  return [...lines, rest]
}
