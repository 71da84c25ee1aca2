// Block schema: defines `blocks:` in a template: the blocks of Slack that show something to a reader and ask nothing of them.
import { Type } from '../../json-schema.ts'
import { slackTakes, templateRoom } from '../slack/limits.ts'

const source = { type: 'string', minLength: 1, maxLength: 10_000 } as const

/** Schema of an object that has these properties and no others. */
function only<Properties extends object>(description: string, required: readonly string[], properties: Properties) {
  return { type: 'object', ...(description && { description }), properties, required, additionalProperties: false }
}

// `toLocaleString` would load all that Node knows of languages, 15 ms of each start.
const said = (size: number) => `${size}`.replace(/(?<=\d)(?=(\d{3})+$)/g, ',')

const plain = only('Text that is shown as it is.', ['type', 'text'], {
  type: { enum: ['plain_text'], description: 'The kind of text.' },
  text: { ...source, description: 'The text, a template. It is one line.' },
  emoji: { type: 'boolean', description: 'Whether emoji codes such as :tada: become emojis.' }
})

const text = only('A text: mrkdwn with *bold*, _italic_, `code` and links, or plain_text.', ['type', 'text'], {
  type: { enum: ['mrkdwn', 'plain_text'], description: '`mrkdwn` if marks such as *bold* count, `plain_text` if not.' },
  text: { ...source, description: 'The text, a template.' },
  emoji: { type: 'boolean', description: 'With `plain_text`: whether emoji codes such as :tada: become emojis.' },
  verbatim: {
    enum: [true],
    description: 'The relay always sets it, so that names and addresses in a text stay text.'
  }
})

const url = {
  type: 'string',
  pattern: '^(https?://|\\{\\{)',
  maxLength: slackTakes.url,
  description: 'it must begin with https:// or http://, or be one of the links, such as {{ links.commit }}'
} as const

const imageProperties = {
  type: { const: 'image', description: 'An image.' },
  image_url: { ...url, description: `The address of the image; ${url.description}` },
  alt_text: { ...source, description: 'What the image shows, for those who cannot see it; a template.' }
} as const

const image = only('', ['type', 'image_url', 'alt_text'], imageProperties)

const button = only('', ['type', 'text', 'url'], {
  type: { const: 'button', description: 'A button that opens a page.' },
  text: { ...plain, description: `Its label, at most ${slackTakes.buttonText} characters.` },
  url: { ...url, description: `The page it opens; ${url.description}` },
  style: { enum: ['primary', 'danger'], description: 'Green or red.' }
})

function list(items: object, maxItems: number, description: string): object {
  return { type: 'array', minItems: 1, maxItems, items, description }
}

/** Schema of one of several shapes, chosen by `type`, so that a fault is reported for that shape only. */
function byType(
  shapes: Record<string, { properties: object; required: readonly string[] }>,
  description: string
): object {
  const names = Object.keys(shapes)
  return {
    type: 'object',
    description,
    properties: { type: { enum: names, description: 'The kind of block or element.' } },
    required: ['type'],
    allOf: names.map((name) => ({
      if: { properties: { type: { const: name } }, required: ['type'] },
      // biome-ignore lint/suspicious/noThenProperty: JSON Schema calls it so
      then: { ...shapes[name], additionalProperties: false }
    }))
  }
}

const blocks = {
  section: {
    properties: {
      type: { const: 'section', description: 'A text, with or without an image or a button beside it.' },
      text: { ...text, description: `At most ${said(slackTakes.text)} characters.` },
      fields: list(
        text,
        slackTakes.fields,
        `Short texts in two columns, at most ${slackTakes.fields} of ${said(slackTakes.field)} characters.`
      ),
      accessory: byType({ image, button }, 'Shown beside the text.'),
      expand: { type: 'boolean', description: 'Show all of a long text at once.' }
    },
    required: ['type']
  },
  header: {
    properties: {
      type: { const: 'header', description: 'A large line.' },
      text: { ...plain, description: `plain_text of at most ${slackTakes.header} characters.` }
    },
    required: ['type', 'text']
  },
  divider: { properties: { type: { const: 'divider', description: 'A line.' } }, required: ['type'] },
  context: {
    properties: {
      type: { const: 'context', description: 'Small text and images.' },
      elements: list(
        byType({ mrkdwn: text, plain_text: text, image }, 'A text or an image.'),
        slackTakes.contextElements,
        `At most ${slackTakes.contextElements}.`
      )
    },
    required: ['type', 'elements']
  },
  image: {
    properties: { ...imageProperties, title: { ...plain, description: 'Above the image.' } },
    required: ['type', 'image_url', 'alt_text']
  },
  actions: {
    properties: {
      type: { const: 'actions', description: 'A row of buttons.' },
      elements: list(button, slackTakes.actionElements, `At most ${slackTakes.actionElements} buttons.`)
    },
    required: ['type', 'elements']
  }
}

export const BlocksSchema = Type.Unsafe<Record<string, unknown>[]>({
  type: 'array',
  minItems: 1,
  maxItems: templateRoom.blocks,
  items: byType(blocks, 'A Block Kit block. Parts that are empty for an event are left out.'),
  description:
    "The whole message as Block Kit blocks, as Slack's Block Kit Builder prints them. Their texts are templates."
})
