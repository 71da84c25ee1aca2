// Payload: defines what a Slack incoming webhook takes, as far as the relay uses it.
import { type Block, textsOfBlock } from './blocks.ts'
import { maxText } from './limits.ts'

/** An attachment with blocks may have no keys but these two, or Slack answers `invalid_attachments`. */
export interface Attachment {
  color: string
  blocks: Block[]
}

export interface Payload {
  /** Text for a phone's lock screen and for screen readers; literal times, no markup. */
  text: string
  blocks?: Block[]
  attachments?: Attachment[]
  /** For a card: the message that follows it in its thread. It is left out of the message that is posted. */
  reply?: Payload
  unfurl_links: false
  unfurl_media: false
}

/** Yields every text of a payload as mrkdwn, in reading order, with whether it is in an attachment. */
export function* textsOf({ blocks = [], attachments = [] }: Payload): Generator<{ text: string; isAttached: boolean }> {
  for (const block of blocks) for (const text of textsOfBlock(block)) yield { text, isAttached: false }
  for (const { blocks } of attachments) {
    for (const block of blocks) for (const text of textsOfBlock(block)) yield { text, isAttached: true }
  }
}

/** Returns the same message without any blocks: it is sent once if Slack refuses the form, so that the content still arrives. */
export function withoutBlocks(payload: Payload): Payload {
  const { blocks: _, attachments: __, reply: ___, ...rest } = payload
  const text = [...textsOf(payload)].map(({ text }) => text).join('\n')
  return { ...rest, text: text === '' || text.length > maxText ? rest.text : text }
}
