// Parts: takes the texts of a message in as much detail as a receiver has room for. Pure.
import { type Block, textsOfBlock } from '../slack/blocks.ts'
import { slackTakes } from '../slack/limits.ts'
import { cut, withoutMentions } from '../slack/mrkdwn.ts'
import type { Payload } from '../slack/payload.ts'
import { bareDetail, type Detail, details, type Syntax, translate } from './markup.ts'

export interface Parts {
  /** The title, and the other texts of the message itself. */
  head: string[]
  /** Texts beside a colour. */
  attached: { color: string; texts: string[] }[]
}

/** Returns every mrkdwn text of `payload`, written by `write`, in reading order. */
export function partsOf({ text, blocks = [], attachments = [] }: Payload, write: (mrkdwn: string) => string): Parts {
  const isPlain = blocks.length === 0 && attachments.length === 0
  const textsOf = (blocks: readonly Block[]) =>
    blocks
      .map(mrkdwnOf)
      .filter((mrkdwn) => mrkdwn !== '')
      .map(write)
  return {
    // A message without blocks is a second try. Zulip and Rocket.Chat refuse a message that calls a room too large to be called
    // together, so this time it calls nobody.
    head: isPlain ? [write(withoutMentions(text))] : textsOf(blocks),
    attached: attachments.map(({ color, blocks }) => ({ color, texts: textsOf(blocks) }))
  }
}

function mrkdwnOf(block: Block): string {
  return textsOfBlock(block).join(block.type === 'section' ? '\n' : '   ')
}

/** Returns the texts of `payload` in the most detail that keeps them within `max` characters. */
export function fittingParts(payload: Payload, syntax: Syntax, max: number): Parts {
  const write = (detail: Detail) => (mrkdwn: string) => translate(mrkdwn, syntax, detail)
  for (const detail of details) {
    const parts = partsOf(payload, write(detail))
    if (sizeOf(parts) <= max) return parts
  }
  // Only text that was made to be long, and grows when it is made harmless, comes here. What is left out leaves a mark.
  let room = max - roomForMarks
  return partsOf(payload, (mrkdwn) => {
    const text = room < minCut ? '…' : cut(write(bareDetail)(mrkdwn), room - jointLength)
    room -= text.length + jointLength
    return text
  })
}

/** Room for one mark in every block of a message. */
const roomForMarks = 3 * slackTakes.blocks

/** With less room than this, `cut` could not even say how much is missing. */
const minCut = 60

/** Receivers put up to two line ends between texts. */
const jointLength = 2

function sizeOf({ head, attached }: Parts): number {
  const texts = [...head, ...attached.flatMap(({ texts }) => texts)]
  return texts.reduce((sum, text) => sum + text.length + jointLength, 0)
}
