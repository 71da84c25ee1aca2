// Slack's limits: lists how much Slack takes in a message, where it says so, and how far below that the relay stays. All of them
// are in UTF-16 units of escaped text: Slack does not document its unit, and there are never fewer of these than characters.

/** Slack refuses anything larger. Each comment below names its page of docs.slack.dev/reference/block-kit. */
export const slackTakes = {
  /** blocks */
  blocks: 50,
  /** composition-objects/text-object; an empty text is refused as well. */
  text: 3000,
  /** blocks/section-block */
  fields: 10,
  field: 2000,
  /** blocks/header-block */
  header: 150,
  /** blocks/context-block */
  contextElements: 10,
  /** blocks/actions-block */
  actionElements: 25,
  /** block-elements/button-element */
  buttonText: 75,
  /** block-elements/button-element, blocks/image-block */
  url: 3000,
  /** blocks/image-block */
  altText: 2000,
  imageTitle: 2000
} as const

/**
 * Room in a message. Slack's limit for the text of all blocks, about 13,000 characters, is not documented: 11,341 characters with
 * 17.7 kB of JSON were refused (slackapi/bolt-js#2867), 13,297 as well (slackapi/bolt-js#2509).
 */
export const messageRoom = { text: 10_000, section: 2900, bytes: 15_000 } as const

/** Room for what a template fills in: less than that of a message, which also has the lock screen, a mention and a delay. */
export const templateRoom = {
  text: 9000,
  bytes: 13_000,
  title: 1500,
  summary: 600,
  gist: 1300,
  body: messageRoom.section,
  field: 1500,
  /** A block of the relay's own follows if a message is late or calls someone. */
  blocks: slackTakes.blocks - 2
} as const

/** Maximum length of `text` in an update without blocks. docs.slack.dev/reference/methods/chat.update: 4,000 characters. */
export const maxUpdateText = 3900

/** Maximum length of an event's message in the one section that shows it; the whole text stays with the event. */
export const maxMessage = 2400

/** Maximum length of an event's gist, in one line. */
export const maxSummary = 300

/**
 * Maximum length of `text` beside blocks, for a lock screen: docs.slack.dev names none, and this is more than any lock screen
 * shows.
 */
export const maxFallback = 300

/**
 * Maximum length of `text` without blocks: Slack cuts it at 40,000 characters
 * (api.slack.com/changelog/2018-04-truncating-really-long-messages).
 */
export const maxText = 39_000

/**
 * Maximum length of `text` if there is nothing else: docs.slack.dev/reference/methods/chat.postMessage recommends no more, and
 * other receivers that take only text have similar limits.
 */
export const maxPlainText = 4000

/** Maximum length of a link's address: three of them fit into a text beside the rest of it. */
export const maxLinkUrl = 800
