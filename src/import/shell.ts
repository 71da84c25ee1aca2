// Shell: writes a text as one word of a command.
import { clean, oneLine } from '../legible.ts'

const harmless = /^[\w./:][\w./:-]*$/

/** Writes a name from a manifest for a command that people paste. The API server takes any text for some, and a file may have anything. */
export function word(name: string): string {
  return harmless.test(name) ? name : quoted(oneLine(clean(name)))
}

/** Puts `text` in single quotes, for any shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`
}
