// Blocks: define the Block Kit blocks of messages (docs.slack.dev/reference/block-kit/blocks) and read their texts.
import { withEmojis } from './emoji.ts'
import { link, plain, words } from './mrkdwn.ts'

export interface Mrkdwn {
  type: 'mrkdwn'
  text: string
  /** Always true: otherwise Slack turns plain @names, #names and URLs from an event into live ones. */
  verbatim: true
}

/** Text that is shown as it is, except for emoji codes. */
export interface Plain {
  type: 'plain_text'
  text: string
  emoji?: boolean
}

export interface Image {
  type: 'image'
  image_url: string
  alt_text: string
}

export interface Button {
  type: 'button'
  text: Plain
  url: string
  style?: 'primary' | 'danger'
}

/** A button of which Slack reports who pressed it, and its value. */
export interface Press {
  type: 'button'
  text: Plain
  action_id: string
  value: string
  style?: 'primary' | 'danger'
}

/** A choice that Slack reports like a {@link Press}, with the value of the chosen option. */
export interface Menu {
  type: 'static_select'
  placeholder: Plain
  action_id: string
  options: { text: Plain; value: string }[]
}

export type Text = Mrkdwn | Plain

export type Block =
  | { type: 'section'; text?: Text; fields?: Text[]; accessory?: Image | Button; expand?: boolean }
  | { type: 'context'; elements: (Text | Image)[] }
  | { type: 'header'; text: Plain }
  | { type: 'divider' }
  | (Image & { title?: Plain })
  | { type: 'actions'; elements: (Button | Press | Menu)[] }

export function mrkdwn(text: string): Mrkdwn {
  return { type: 'mrkdwn', text, verbatim: true }
}

export function section(text: string): Block {
  return { type: 'section', text: mrkdwn(text) }
}

export function context(text: string): Block {
  return { type: 'context', elements: [mrkdwn(text)] }
}

/** Returns each text of a block as mrkdwn, for receivers that know no blocks, and for people. */
export function textsOfBlock(block: Block): string[] {
  switch (block.type) {
    case 'section': {
      const { text, fields = [], accessory } = block
      return [...(text ? [text] : []), ...fields, ...(accessory ? [accessory] : [])].map(asMrkdwn)
    }
    case 'context':
      return block.elements.map(asMrkdwn)
    case 'actions':
      // An element that is no link says nothing, and does nothing where there are no blocks.
      return block.elements.flatMap((element) => ('url' in element ? asMrkdwn(element) : []))
    case 'header':
      return [`*${plain(withEmojis(block.text.text))}*`]
    case 'image':
      return [asMrkdwn(block)]
    case 'divider':
      return []
  }
}

function asMrkdwn(element: Text | Image | Button): string {
  switch (element.type) {
    case 'mrkdwn':
      return element.text
    case 'plain_text':
      return words(withEmojis(element.text))
    case 'image':
      return link(element.image_url, plain(element.alt_text))
    case 'button':
      return link(element.url, plain(element.text.text))
  }
}
