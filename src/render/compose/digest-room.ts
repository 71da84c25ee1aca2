// Digest room: fills one message with sections, within all of Slack's limits. Pure.
import { messageRoom } from '../slack/limits.ts'

/** Bytes of JSON around the text of a section. */
const frameBytes = 160

export interface Page {
  /** Adds lines. Returns false, and writes nothing, if they do not all fit. */
  write(lines: readonly string[]): boolean
  /** Adds `name` to the last line, or begins a section with `prefix` for it. Returns false if there is no room. */
  extend(name: string, prefix: string): boolean
  sections(): readonly string[]
}

/**
 * Creates a page whose sections are filled to their limit, until the message reaches one of its own. `maxText` bounds the text of
 * all blocks, of which `taken` stands outside of the page. Blocks need no counting, because a section is filled before another
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

// Text without quotes, backslashes and anything beyond ASCII: in JSON, each character is one byte.
const bare = /^[ !#-[\]-~]*$/

/** Returns the length of `text` as JSON, in bytes. */
export function jsonBytes(text: string): number {
  return bare.test(text) ? text.length + 2 : Buffer.byteLength(JSON.stringify(text))
}
