// Destination: compiles a webhook, a channel of a Slack app, or a preview that keeps its messages for people to look at.

import { hash } from 'node:crypto'
import { closedObject, option } from '../about.ts'
import { type Static, Type } from '../json-schema.ts'
import type { ButtonForm } from '../render/compose/buttons.ts'
import { type Dialect, dialectNames, endpointFor, guessDialect, heedsChannel } from '../render/receivers/dialect.ts'
import { isOfSlack, isThisMachine } from '../render/receivers/hosts.ts'
import { inQuotes, placeOf, quotesAreIn, type SlackApp, urlOf } from '../slack-api/app.ts'
import type { LanesByName } from '../store/kept-lanes.ts'
import { type Receiver, receiverOf } from './answer.ts'
import { createPace, type Pace, PaceSchema } from './pace.ts'

const SlackSchema = closedObject({
  webhookUrl: option(
    Type.String({ minLength: 1 }),
    'Webhook URL',
    'The URL of an incoming webhook. Use this, or `app` and `channel`. Whoever has the URL can post, so write `${VARIABLE}` or `${file:/path}`. It has to be https, except on loopback.',
    '${SLACK_PLATFORM_URL}',
    '${file:/run/secrets/team-a-webhook}'
  ),
  app: option(
    Type.String({
      pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$',
      patternErrorMessage: 'the name of one of `slackApps`'
    }),
    'App',
    'The name of the entry in `slackApps` that posts to `channel`. Use this, or `webhookUrl`.',
    'acme'
  ),
  channel: option(
    Type.String({ minLength: 1 }),
    'Channel',
    "With `app`: the ID of the channel, which stays the same when the channel is renamed, or its name. With `webhookUrl`: another channel than the webhook's own, which only legacy webhooks, Mattermost and Rocket.Chat honour; for Zulip it is the topic.",
    'C0123ABCD',
    '#team-a'
  ),
  style: option(
    Type.Enum(['cards', 'messages']),
    'Style',
    'With `app`: how the channel shows failures. `cards` (default): one message for each failure, which is updated until the failure is over and has its history in the thread. `messages`: one message after the other, as with a webhook.',
    'messages'
  ),
  username: option(
    Type.String({ minLength: 1 }),
    'User name',
    'With `webhookUrl`: the name under which messages appear. Only legacy webhooks, Mattermost, Rocket.Chat and Discord honour it.',
    'Flux'
  ),
  dialect: option(
    Type.Enum([...dialectNames]),
    'Dialect',
    'With `webhookUrl`: the form of message that the receiver understands. docs/configuration.md has a table of them. Without this option it is guessed from the URL. Most receivers take what Slack takes.',
    'slack'
  )
})

export const DestinationSchema = closedObject({
  slack: option(
    SlackSchema,
    'Slack',
    'Posts to a channel by a Slack app (`app` and `channel`), or to an incoming webhook (`webhookUrl`) of Slack or of a receiver that takes the same messages.',
    { webhookUrl: '${SLACK_PLATFORM_URL}' },
    { app: 'acme', channel: 'C0123ABCD' }
  ),
  preview: option(
    Type.Literal(true),
    'Preview',
    'Posts nothing: the messages appear in the log and at `/api/preview/<name>` only. Use this instead of `slack` to try a config.',
    true
  ),
  digest: option(
    Type.Literal('full'),
    'Digest',
    'Whether messages about several objects name every one of them. `full`: always, in as many messages as that takes. Without this option, all are named as long as that takes no further message; otherwise the rest of each cause is counted.',
    'full'
  ),
  pace: option(
    PaceSchema,
    'Pace',
    'How fast messages are posted. Destinations with the same channel share a queue, and the first of them in the file sets its pace.',
    { perSecond: 1, burst: 3 }
  )
})

export interface Destination {
  name: string
  /** The queue of its channel, shared with every other destination that posts there. It does not contain the URL, which is a secret. */
  lane: string
  pace: Pace
  /** True if its digests name every object. */
  hasFullDigests?: true
  /** Absent for a preview. */
  slack?: Place
}

/** Where messages are posted, and how to talk to the receiver there. */
export interface Place {
  /** The address to post to; that of a webhook is a secret. */
  url: string
  dialect: Dialect
  /** The receiver that answers. */
  receiver: Receiver
  /** Fields beside the message. An app needs the channel; of webhooks, legacy ones heed both. */
  sender: { channel?: string; username?: string }
  /** The app whose token is sent along, if this is a channel of an app. */
  app?: SlackApp
  /** What the channel shows; messages, if there is no app. */
  style?: Style
}

/** `cards` are messages that are updated. */
export type Style = 'messages' | 'cards'

type DestinationText = Static<typeof DestinationSchema>

/** The text of `slack` with its secrets resolved: `webhookUrl` is the URL itself, and `app` is an app that exists. */
export type PlaceText =
  | { webhookUrl: string; dialect?: Dialect; channel?: string; username?: string }
  | { app: SlackApp; channel: string; style?: Style }

export function createDestination(
  name: string,
  text: { slack?: PlaceText } & Pick<DestinationText, 'pace' | 'digest'>
): Destination {
  const form = { pace: createPace(text.pace), ...(text.digest === 'full' && { hasFullDigests: true as const }) }
  if (text.slack === undefined) return { name, lane: `preview:${name}`, ...form }
  if ('app' in text.slack) {
    const { app, channel, style = 'cards' } = text.slack
    const slack: Place = {
      ...{ url: urlOf(app, 'chat.postMessage'), dialect: 'slack', receiver: 'web-api' },
      ...{ sender: { channel }, app, style }
    }
    return { name, lane: laneOf(app, channel), ...form, slack }
  }
  const { webhookUrl, dialect = guessDialect(webhookUrl), ...sender } = text.slack
  const receiver = receiverOf(webhookUrl, dialect)
  return {
    name,
    lane: webhookLane(webhookUrl, heedsChannel(dialect) ? sender.channel : undefined),
    ...form,
    slack: { url: endpointFor(webhookUrl, dialect), dialect, receiver, sender }
  }
}

/** The buttons of messages that `app` posts in `style`, if it has any. Times of day in them are in `timeZone`. */
export function buttonsOf({ app, style }: Pick<Place, 'app' | 'style'>, timeZone: string): ButtonForm | undefined {
  if (app?.socket === undefined) return undefined
  const hasOperators = app.socket.operators.length > 0
  return { hasCards: style === 'cards', hasOperators, timeZone }
}

/** The lane of each destination, by name. */
export function lanesByName(destinations: ReadonlyMap<string, Destination>): LanesByName {
  return { get: (name) => destinations.get(name)?.lane, has: (name) => destinations.has(name) }
}

/** The lane of a channel of an app; with an empty channel, the beginning of the lanes of all its channels. */
export function laneOf(app: Pick<SlackApp, 'name'>, channel: string): string {
  return `slack:${placeOf(app, channel)}`
}

// A webhook without `channel` has the lane of its URL, as it always had. One with `channel` has a lane, a pace and faults of its
// own: `channel_not_found` says nothing of the other channels of the webhook.
function webhookLane(webhookUrl: string, channel: string | undefined): string {
  const place = channel === undefined ? webhookUrl : `${webhookUrl}\n${channel}`
  return `slack:${hash('sha256', place).slice(0, 16)}`
}

const makeOne = 'make an incoming webhook at https://api.slack.com/apps (Incoming Webhooks) and take its Webhook URL'

/** Advice to somebody who wrote a token, or an address that takes one. */
const useApp =
  'write it as an app: `slackApps: { slack: { token: "${SLACK_BOT_TOKEN}" } }`, and here `slack: { app: slack, channel: C0123ABCD }`'

/** Why `url` cannot be a webhook URL; undefined if it can. The text does not repeat the URL. */
export function webhookUrlFault(url: string): string | undefined {
  if (/^xox[a-z]-|^xapp-/.test(url)) return `is a Slack token, and not a webhook: ${useApp}`
  if (inQuotes.test(url)) return quotesAreIn
  if (!URL.canParse(url)) return 'is not a URL; it should begin with https://'
  const { protocol, hostname, pathname, username, password } = new URL(url)
  if (/^https?$/.test(hostname)) return 'begins with https:// twice'
  if (/\s/.test(url.trim())) return 'has a space in it: is it two URLs, or a URL and a note?'
  if (username !== '' || password !== '')
    return 'has a user before its host, which would not be sent: the relay posts to addresses that need none'
  if (protocol !== 'https:' && !(protocol === 'http:' && isThisMachine(hostname)))
    return 'must be https: whoever reads the URL can post to the channel (plain http is for loopback only)'
  if (isOfSlack(hostname)) return slackUrlFault(hostname, pathname)
  if (/(^|\.)discord(app)?\.com$/.test(hostname) && !/^\/api\/(v\d+\/)?webhooks\/[^/]+\/[^/]+/.test(pathname))
    return 'is not a Discord webhook: behind /api/webhooks/ those have two parts, a number and a token (Server Settings, Integrations, Webhooks)'
  return undefined
}

// Slack's Web API answers 200 to everything, and says only in the body that there is no token; Slack's pages answer with a page.
function slackUrlFault(hostname: string, pathname: string): string | undefined {
  if (/^\/api(\/|$)/.test(pathname)) return `is Slack's Web API, which takes the token of an app: ${useApp}`
  if (/^hooks\./.test(hostname)) {
    if (/^\/(triggers|workflows)\/./.test(pathname)) return undefined
    const parts = pathname.split('/').filter(Boolean)
    if (parts[0] === 'services' && parts.length === 4) return undefined
    if (parts[0] === 'services' && parts.length > 1)
      return 'is not a complete Slack webhook: behind /services/ those have three parts, T…/B…/…'
  }
  return `is a Slack address but not a webhook: ${makeOne}`
}
