// Shell: writes a name from a manifest as one word of a command that people paste. The API server takes any text for some of them, and
// a file that was never applied may have anything.
import { clean, oneLine } from '../legible.ts'

const harmless = /^[\w./:][\w./:-]*$/

export function word(name: string): string {
  return harmless.test(name) ? name : `'${oneLine(clean(name)).replaceAll("'", `'\\''`)}'`
}
