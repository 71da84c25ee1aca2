// Terminal: shows a message as plain lines, for the log, the command line and tests.
import { oneLine } from '../../legible.ts'
import { withEmojis } from './emoji.ts'
import { unescaped, withoutMentions } from './mrkdwn.ts'
import { type Payload, textsOf } from './payload.ts'

/** Returns the texts of `payload` as a reader sees them, line by line; a bar stands for an attachment's colour. */
export function toText(payload: Payload): string {
  const lines = [...textsOf(payload)].flatMap(({ text, isAttached }) =>
    readable(text)
      .split('\n')
      .map((line) => (isAttached ? `┃ ${line}` : line))
  )
  return lines.length > 0 ? lines.join('\n') : readable(payload.text)
}

/** Returns one line of mrkdwn as plain text, without the mentions in it. */
export function toLine(mrkdwn: string): string {
  return oneLine(readable(withoutMentions(mrkdwn)))
}

/** Returns the same as {@link toLine} without backticks, for places that have no code. */
export function unmarked(mrkdwn: string): string {
  return toLine(mrkdwn).replaceAll('`', '')
}

function readable(mrkdwn: string): string {
  // Every other part is code, where marks are just characters.
  const parts = mrkdwn.split(/(```[\s\S]*?```|`[^`\n]*`)/)
  return unescaped(
    parts.map((part, index) => (index % 2 === 1 ? part.replaceAll('```', '') : withoutMarks(part))).join('')
  )
}

function withoutMarks(text: string): string {
  return withEmojis(text)
    .replace(/<!date\^[^|>]*\|([^>]*)>/g, '$1')
    .replace(/<(https?:[^|>]*)\|([^>]*)>/g, '$2')
    .replace(/(?<![\w*])\*([^*\n]+)\*(?![\w*])/g, '$1')
    .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '')
}
