// A Slack app: defines its options, and explains what is wrong with a token, an address or a channel. Pure.

import { about, closedObject, option } from '../about.ts'
import { type Static, Type } from '../json-schema.ts'
import { isOfSlack, isThisMachine } from '../render/receivers/hosts.ts'

export const SlackAppSchema = closedObject({
  token: about(
    Type.String({ minLength: 1 }),
    'Bot token',
    'The Bot User OAuth Token of the app. It begins with `xoxb-`. Whoever has it can post in all channels of the app, so write `${VARIABLE}` or `${file:/path}`.',
    '${SLACK_BOT_TOKEN}',
    '${file:/run/secrets/slack-bot-token}'
  ),
  appToken: option(
    Type.String({ minLength: 1 }),
    'App-level token',
    'The app-level token, for buttons below messages. It begins with `xapp-` and needs the scope `connections:write`. Clicks come by Socket Mode, which needs no public address. Write `${VARIABLE}` or `${file:/path}`.',
    '${SLACK_APP_TOKEN}'
  ),
  operators: option(
    Type.Array(
      Type.String({
        pattern: '^[UWS][A-Z0-9]{6,}$',
        patternErrorMessage: 'the ID of a user (U012AB3CD) or of a user group (S012AB3CD)'
      })
    ),
    'Operators',
    'The IDs of the users and user groups who may press the buttons that change something: acknowledge, silence, send again. User groups need the scope `usergroups:read`. Without this option nobody may.',
    ['U012AB3CD', 'S012AB3CD']
  ),
  history: option(
    Type.Literal(true),
    'History',
    "Whether the relay looks for a message in its channel if Slack's answer to the post was lost, so that it is not posted twice. The app needs the scope `channels:history`, and `groups:history` for private channels. Without this option the message is posted again.",
    true
  ),
  apiUrl: option(
    Type.String({ minLength: 1 }),
    'Web API',
    "The address of Slack's Web API, `https://slack.com/api` by default. GovSlack has its own. It has to be https, except on loopback.",
    'https://slack-gov.com/api'
  )
})

export type SlackAppText = Static<typeof SlackAppSchema>

export interface SlackApp {
  name: string
  /** The bot token, which is a secret. */
  token: string
  /** Has no slash at its end. */
  apiUrl: string
  /** True if the app may read its channels. */
  hasHistory?: true
  /** Set if the messages of the app have buttons. */
  socket?: Socket
}

/** The way that clicks come, and who may press buttons. */
export interface Socket {
  /** The app-level token, which is a secret. */
  appToken: string
  /** The IDs of users and of user groups. */
  operators: readonly string[]
}

const slackApiUrl = 'https://slack.com/api'

/** Creates an app from its text, with secrets filled in. */
export function createSlackApp(
  name: string,
  { token, appToken, operators = [], apiUrl = slackApiUrl, history }: SlackAppText
): SlackApp {
  const socket = appToken === undefined ? {} : { socket: { appToken, operators } }
  return { name, token, apiUrl: apiUrl.replace(/\/+$/, ''), ...(history && { hasHistory: history }), ...socket }
}

/** The address of a method: docs.slack.dev/reference/methods. */
export function urlOf(
  { apiUrl }: Pick<SlackApp, 'apiUrl'>,
  method:
    | 'apps.connections.open'
    | 'auth.test'
    | 'chat.getPermalink'
    | 'chat.postMessage'
    | 'chat.update'
    | 'conversations.history'
    | 'conversations.replies'
    | 'usergroups.users.list'
): string {
  return `${apiUrl}/${method}`
}

const where = 'OAuth & Permissions of the app at https://api.slack.com/apps has it'

/** Why `token` is no bot token; undefined if it is one. The text does not repeat it. */
export function botTokenFault(token: string): string | undefined {
  if (/^xoxb-[\x21-\x7e]+$/.test(token)) return undefined
  if (inQuotes.test(token)) return quotesAreIn
  // docs.slack.dev/authentication/using-token-rotation: such a token is over after twelve hours.
  if (/^xoxe\.?/.test(token))
    return 'is one that Slack replaces every twelve hours, which the relay cannot do: make an app without token rotation'
  if (token.startsWith('xapp-'))
    return `is the app-level token, which cannot post: it belongs in \`appToken\`; ${where}`
  if (/^xox[a-z]-/.test(token))
    return `is the token of a person or a legacy one: take the Bot User OAuth Token (xoxb-…); ${where}`
  if (URL.canParse(token)) return 'is an address: write a webhook as `webhookUrl` of a destination, which needs no app'
  return `is none of Slack's, which begin with xoxb-; ${where}`
}

/** Why `token` is no app-level token; undefined if it is one. The text does not repeat it. */
export function appTokenFault(token: string): string | undefined {
  if (/^xapp-[\x21-\x7e]+$/.test(token)) return undefined
  if (inQuotes.test(token)) return quotesAreIn
  if (token.startsWith('xoxb-')) return 'is the bot token, which belongs in `token`'
  return "is none of Slack's, which begin with xapp-; Basic Information of the app at https://api.slack.com/apps makes one"
}

/** Quotes around a value, as `docker --env-file` passes them on. */
export const inQuotes = /^["'].*["']$/
export const quotesAreIn = 'has quotes around it: take them out of the variable or the file that it comes from'

/** Reports whether `url` leads to this machine only. */
export function isLoopback(url: string): boolean {
  return URL.canParse(url) && isThisMachine(new URL(url).hostname)
}

/** Why `url` cannot be the address of the Web API; undefined if it can. */
export function apiUrlFault(url: string): string | undefined {
  if (!URL.canParse(url)) return "is not a URL; Slack's is https://slack.com/api"
  const { protocol, hostname, pathname, search, hash, username, password } = new URL(url)
  if (username !== '' || password !== '' || search !== '' || hash !== '')
    return 'should be an address alone, as in https://slack.com/api'
  if (protocol !== 'https:' && !(protocol === 'http:' && isLoopback(url)))
    return 'must be https: whoever reads what is sent there has the token (plain http is for loopback only)'
  if (/^hooks\./.test(hostname)) return 'is a webhook: write it as `webhookUrl` of a destination, which needs no app'
  if (/\/[a-z]+(\.[a-zA-Z]+)+\/?$/.test(pathname))
    return 'ends in a method: leave that out, as in https://slack.com/api'
  if (isOfSlack(hostname) && !/^\/api\/?$/.test(pathname))
    return `is not the Web API of Slack, which is https://${hostname}/api`
  return undefined
}

/** Why the address that Slack gives out for a socket cannot be used. The text does not repeat it, because it is a secret. */
export function socketUrlFault(url: string, { apiUrl }: Pick<SlackApp, 'apiUrl'>): string | undefined {
  if (!URL.canParse(url)) return 'the address for a socket is none'
  const { protocol } = new URL(url)
  const isPlain = protocol === 'ws:' && isLoopback(url) && isLoopback(apiUrl)
  return protocol === 'wss:' || isPlain ? undefined : 'the address for a socket is not encrypted'
}

/** Reports whether a click may be answered at the `url` that came with it: what is said there is encrypted, or stays on this machine. */
export function isAnswerUrl(url: string, { apiUrl }: Pick<SlackApp, 'apiUrl'>): boolean {
  if (!URL.canParse(url)) return false
  return new URL(url).protocol === 'https:' || (isLoopback(url) && isLoopback(apiUrl))
}

/** Reports whether `channel` is the ID of a channel, and not its name. */
export function isChannelId(channel: string): boolean {
  return /^[CGD][A-Z0-9]{7,}$/.test(channel)
}

// Lower case, digits and letters of any script, "-", "_" and ".": at most 80 (slack.com/help/articles/201402297). An event may name a
// channel, and notices have the name in a command to paste: no other ASCII characters are allowed.
const namePattern = /^#[^\s\p{Lu}\p{Cc}\p{Bidi_C}!-,/:-@[-^`{-~]{1,80}$/u

/** Why `channel` names no channel; undefined if it does. The text does not repeat it. */
export function channelFault(channel: string): string | undefined {
  if (isChannelId(channel) || namePattern.test(channel)) return undefined
  const forms = 'write its ID, such as C0123ABCD, or its name in quotes and with a "#" before it, such as "#platform"'
  if (isPerson(channel)) return `the channel is a person, and an app posts to channels: ${forms}`
  return `this is neither the ID of a channel nor a name with a "#" before it: ${forms}`
}

/** Reports whether `channel` stands for a person: their ID, or a name with "@". */
export function isPerson(channel: string): boolean {
  return /^[UW][A-Z0-9]{7,}$/.test(channel) || channel.startsWith('@')
}

/** Tells a channel from the others of its app. One channel may have two of these: by its ID and by its name. */
export function placeOf(app: Pick<SlackApp, 'name'>, channel: string): string {
  return `${app.name}:${channel.replace(/^#/, '')}`
}
