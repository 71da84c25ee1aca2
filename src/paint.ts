// Paint: colours text where a terminal shows it: not in a pipe, and not where NO_COLOR is set.
import { styleText } from 'node:util'

export type Format = 'bold' | 'cyan' | 'green' | 'gray' | 'red' | 'reset' | 'strikethrough' | 'underline' | 'yellow'

/** `text` in that format, if standard output, or `stream`, shows colours and nobody minds them. */
export function paint(format: Format, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return styleText(format, text, { stream })
}
