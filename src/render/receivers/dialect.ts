// Dialect: writes one message as the JSON of each receiver that calls itself Slack-compatible, or that only looks like a Slack
// webhook. Pure.
import { maxPlainText, messageRoom } from '../slack/limits.ts'
import type { Payload } from '../slack/payload.ts'
import { discordBody } from './discord.ts'
import { isOfSlack, isThisMachine } from './hosts.ts'
import { literal, type Syntax, syntaxes, translateToText } from './markup.ts'
import { fittingParts, type Parts, partsOf } from './parts.ts'

export const dialectNames = [
  'slack',
  'slack-legacy',
  'mattermost',
  'rocketchat',
  'discord',
  'zulip',
  'text',
  'workflow'
] as const
export type Dialect = (typeof dialectNames)[number]

/** Guesses what the receiver behind a webhook URL takes; `slack` if nothing shows it. */
export function guessDialect(url: string): Dialect {
  if (!URL.canParse(url)) return 'slack'
  const { hostname, pathname } = new URL(url)
  if (pathname.startsWith('/services/')) return 'slack'
  // This counts only at Slack, because Microsoft's Power Automate has /workflows/, too.
  const isSlack = isOfSlack(hostname) || isThisMachine(hostname)
  if (isSlack && /^\/(triggers|workflows)\//.test(pathname)) return 'workflow'
  if (/(^|\.)discord(app)?\.com$/.test(hostname) && /^\/api\/(v\d+\/)?webhooks\//.test(pathname)) return 'discord'
  // Google Chat refuses a message with anything beside its text, and so did the connectors of Microsoft Teams.
  if (/(^|\.)(chat\.googleapis|webhook\.office)\.com$/.test(hostname)) return 'text'
  // These servers may live below a path of their host.
  if (/\/api\/v1\/external\/slack_incoming\/?$/.test(pathname)) return 'zulip'
  if (/\/hooks\/[a-z0-9]{26}\/?$/.test(pathname)) return 'mattermost'
  if (/\/hooks\/[^/]+\/[^/]+\/?$/.test(pathname)) return 'rocketchat'
  return 'slack'
}

/**
 * Returns how many characters a digest may have. Discord takes fewer (6,000 in all embeds), and what it cuts off would be names.
 */
export function digestRoom(dialect: Dialect): number {
  return dialect === 'discord' ? 8000 : messageRoom.text
}

/** Returns the address to post to: Discord understands Slack's form at a path of its own. */
export function endpointFor(url: string, dialect: Dialect): string {
  if (dialect !== 'discord' || !URL.canParse(url)) return url
  const endpoint = new URL(url)
  const path = endpoint.pathname.replace(/\/+$/, '')
  if (path.endsWith('/slack')) return url
  endpoint.pathname = `${path}/slack`
  return endpoint.href
}

/** Reports whether a receiver of `dialect` posts to the channel that a message names, instead of the webhook's own. */
export function heedsChannel(dialect: Dialect): boolean {
  return dialect === 'slack' || dialect === 'slack-legacy' || dialect === 'mattermost' || dialect === 'rocketchat'
}

/**
 * Returns the body of a request without a message, which shows whether the way to a receiver is open. Slack answers `no_text`,
 * Mattermost and Discord with an error of theirs; Rocket.Chat and Zulip say yes and post nothing. A workflow runs on whatever it
 * receives, so it gets its variables.
 */
export function emptyBodyFor(dialect: Dialect): object {
  const text = 'A message was refused on its way here; it is a dead letter of flux-relay.'
  return dialect === 'workflow' ? { summary: text, text, details: text } : {}
}

/**
 * Returns the body of the request for `payload`, which is a message that the relay composed for Slack.
 *
 * For `workflow` the body is these three variables, all of them text and never empty; the workflow in Slack has to declare them by
 * these names:
 * - `summary`: one line, the one that a phone's lock screen shows
 * - `text`: the whole message
 * - `details`: the message without its title, such as where, when, and the error
 */
export function bodyFor(
  payload: Payload,
  dialect: Dialect,
  { channel, username }: { channel?: string; username?: string } = {}
): object {
  const sender = { ...(channel && { channel }), ...(username && { username }) }
  switch (dialect) {
    case 'slack': {
      const { reply: _, ...message } = payload
      return { ...message, ...sender }
    }
    case 'slack-legacy': {
      const { text, unfurl_links, unfurl_media } = payload
      const parts = partsOf(payload, (mrkdwn) => mrkdwn)
      return { ...legacyBody(parts, text), unfurl_links, unfurl_media, ...sender }
    }
    case 'mattermost':
    case 'rocketchat':
      return { ...markdownBody(payload, syntaxes[dialect]), ...sender }
    case 'discord':
      // docs.discord.com/developers/resources/webhook: a name has up to 80 characters, and the channel is in the URL.
      return { ...discordBody(payload), ...(username && { username: username.slice(0, 80) }) }
    case 'zulip':
      // At Zulip the channel of a webhook is in its URL; the `channel` of a payload is the topic.
      return { ...zulipBody(payload), ...(channel && { channel }) }
    case 'text':
      return { text: linesOf(payload).join('\n') }
    case 'workflow':
      return variablesOf(payload)
  }
}

// The title stands in the text itself, with its mention: not every receiver notifies those who are mentioned in an attachment.
function legacyBody({ head, attached }: Parts, fallback: string): { text: string; attachments?: object[] } {
  if (attached.length === 0) return { text: head.join('\n') }
  const [title = '', ...facts] = head
  const attachments = attached.map(({ color, texts }, index) => ({
    fallback,
    color,
    ...(index === 0 && facts.length > 0 && { pretext: facts.join('\n') }),
    text: texts.join('\n'),
    mrkdwn_in: ['pretext', 'text']
  }))
  return { text: title, attachments }
}

// docs.mattermost.com: 16,383 characters in a post. Rocket.Chat names no limit for webhooks.
const maxPost = 16_383

function markdownBody(payload: Payload, syntax: Syntax): object {
  return legacyBody(fittingParts(payload, syntax, maxPost), literal(payload.text))
}

// zulip.com/api/send-message: 10,000 characters; Zulip cuts a longer message. Bold text grows by two characters there.
const maxZulip = 9800

function zulipBody(payload: Payload): object {
  const { head, attached } = fittingParts(payload, syntaxes.zulip, maxZulip)
  if (payload.blocks === undefined) return { text: head.join('\n') }
  const sections = (texts: string[]) => texts.map((text) => ({ type: 'section', text: { type: 'mrkdwn', text } }))
  const attachments = attached.map(({ color, texts }) => ({ color, blocks: sections(texts) }))
  return { blocks: sections(head), ...(attachments.length > 0 && { attachments }) }
}

/** Returns the texts of `payload` without markup. The addresses of links stay if there is room for them. */
function linesOf(payload: Payload): string[] {
  const [full, short] = [true, false].map((hasLinks) => {
    const { head, attached } = partsOf(payload, (mrkdwn) => translateToText(mrkdwn, hasLinks))
    return [...head, ...attached.flatMap(({ texts }) => texts)]
  }) as [string[], string[]]
  return full.join('\n').length <= maxPlainText ? full : short
}

function variablesOf(payload: Payload): { summary: string; text: string; details: string } {
  const summary = literal(payload.text)
  const text = linesOf(payload).join('\n')
  const end = text.indexOf('\n')
  return { summary, text, details: (end < 0 ? '' : text.slice(end + 1)) || summary }
}
