// Paint: colours text if a terminal shows it, and NO_COLOR is not set.
import { styleText } from 'node:util'

export type Format = 'bold' | 'cyan' | 'green' | 'gray' | 'red' | 'reset' | 'strikethrough' | 'underline' | 'yellow'

/** `text` in that format, if standard output, or `stream`, shows colours. */
export function paint(format: Format, text: string, stream: NodeJS.WriteStream = process.stdout): string {
  return styleText(format, text, { stream })
}
