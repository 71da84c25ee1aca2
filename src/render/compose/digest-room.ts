// Digest room: fills one message with sections and attachments, within all of Slack's limits. Pure.
import { type Block, section } from '../slack/blocks.ts'
import { messageRoom } from '../slack/limits.ts'
import type { Attachment } from '../slack/payload.ts'
import type { Category } from './digest-groups.ts'

// Kept free for the title, the line of facts and the frame of the JSON.
const reserved = { text: 1000, bytes: 2500 }
/** JSON around the text of a section, and around the sections of an attachment. */
const frameBytes = 160

export interface Page {
  /** New lines under the heading of `category`; false, and nothing is written, where they do not all fit. */
  write(category: Category, heading: string, lines: string[]): boolean
  /** Adds `name` to the last line, or begins a section with `prefix` for it. */
  extend(category: Category, name: string, prefix: string): boolean
  attachments(): Attachment[]
}

/**
 * Sections filled to their limit, until one of the limits of the whole is reached; `maxText` bounds the text of all blocks.
 * The number of blocks needs no counting: a section is filled before another begins.
 */
export function createPage(colourOf: (category: Category) => string, maxText: number): Page {
  const parts: { category: Category; sections: string[] }[] = []
  let chars = reserved.text
  let bytes = reserved.bytes

  function fits(texts: readonly string[], newBlocks: number): boolean {
    const added = texts.reduce((sum, text) => sum + text.length + 2, 0)
    const addedBytes = texts.reduce((sum, text) => sum + jsonBytes(text) + 2, 0)
    if (chars + added > maxText) return false
    if (bytes + addedBytes + newBlocks * frameBytes > messageRoom.bytes) return false
    chars += added
    bytes += addedBytes
    return true
  }

  function append(category: Category, text: string, joint: string): void {
    let part = parts.at(-1)
    if (part?.category !== category) {
      part = { category, sections: [] }
      parts.push(part)
    }
    const last = part.sections.at(-1)
    if (last !== undefined && last.length + joint.length + text.length <= messageRoom.section) {
      part.sections[part.sections.length - 1] = last + joint + text
    } else {
      part.sections.push(text)
      bytes += frameBytes
    }
  }

  return {
    write(category, heading, lines) {
      const all = parts.at(-1)?.category === category ? lines : [heading, ...lines]
      // Each line may need a section of its own.
      if (!fits(all, all.length)) return false
      for (const text of all) append(category, text, '\n')
      return true
    },
    extend(category, name, prefix) {
      const last = parts.at(-1)?.sections.at(-1) ?? ''
      const isRoom = last.length + name.length + 2 <= messageRoom.section
      const text = isRoom ? name : `${prefix} ${name}`
      if (!fits([text], isRoom ? 0 : 1)) return false
      append(category, text, ', ')
      return true
    },
    attachments: () =>
      parts.map(({ category, sections }) => ({ color: colourOf(category), blocks: sections.map(expanded) }))
  }
}

// Without it Slack hides all but five lines behind "See more".
function expanded(text: string): Block {
  return { ...section(text), expand: true } as Block
}

// Without a quote, a backslash or anything that is not ASCII: a byte for each character.
const bare = /^[ !#-[\]-~]*$/

function jsonBytes(text: string): number {
  return bare.test(text) ? text.length + 2 : Buffer.byteLength(JSON.stringify(text))
}
