// Digest room: fills one message with sections, within all of Slack's limits. Pure.
import { messageRoom } from '../slack/limits.ts'

/** JSON around the text of a section. */
const frameBytes = 160

export interface Page {
  /** New lines; false, and nothing is written, where they do not all fit. */
  write(lines: readonly string[]): boolean
  /** Adds `name` to the last line, or begins a section with `prefix` for it. */
  extend(name: string, prefix: string): boolean
  sections(): readonly string[]
}

/**
 * Sections filled to their limit, until one of the limits of the whole is reached; `maxText` bounds the text of all blocks,
 * of which `taken` stands outside of the page. The number of blocks needs no counting: a section is filled before another
 * begins.
 */
export function createPage(maxText: number, taken: { text: number; bytes: number }): Page {
  const sections: string[] = []
  let chars = taken.text
  let bytes = taken.bytes

  function fits(texts: readonly string[], newBlocks: number): boolean {
    const added = texts.reduce((sum, text) => sum + text.length + 2, 0)
    const addedBytes = texts.reduce((sum, text) => sum + jsonBytes(text) + 2, 0)
    if (chars + added > maxText) return false
    if (bytes + addedBytes + newBlocks * frameBytes > messageRoom.bytes) return false
    chars += added
    bytes += addedBytes
    return true
  }

  function append(text: string, joint: string): void {
    const last = sections.at(-1)
    if (last !== undefined && last.length + joint.length + text.length <= messageRoom.section) {
      sections[sections.length - 1] = last + joint + text
    } else {
      sections.push(text)
      bytes += frameBytes
    }
  }

  return {
    write(lines) {
      // Each line may need a section of its own.
      if (!fits(lines, lines.length)) return false
      for (const text of lines) append(text, '\n')
      return true
    },
    extend(name, prefix) {
      const last = sections.at(-1) ?? ''
      const isRoom = last.length + name.length + 2 <= messageRoom.section
      const text = isRoom ? name : `${prefix} ${name}`
      if (!fits([text], isRoom ? 0 : 1)) return false
      append(text, ', ')
      return true
    },
    sections: () => sections
  }
}

// Without a quote, a backslash or anything that is not ASCII: a byte for each character.
const bare = /^[ !#-[\]-~]*$/

/** How long `text` is as JSON. */
export function jsonBytes(text: string): number {
  return bare.test(text) ? text.length + 2 : Buffer.byteLength(JSON.stringify(text))
}
