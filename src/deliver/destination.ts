// Destination: compiles a Slack webhook, or a preview that keeps its messages for people to look at.
import { hash } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { about } from '../about.ts'
import {
  type Dialect,
  dialectNames,
  endpointFor,
  guessDialect,
  heedsChannel,
  isOfSlack
} from '../render/receivers/dialect.ts'
import { type Receiver, receiverOf } from './answer.ts'
import { createPace, type Pace, PaceSchema } from './pace.ts'

const SlackSchema = Type.Object(
  {
    webhookUrl: about(
      Type.String({ minLength: 1 }),
      'Webhook URL',
      'The URL of an incoming webhook. Whoever has it can post, so write `${VARIABLE}` or `${file:/path}`. It has to be https; plain http is accepted for loopback only.',
      '${SLACK_PLATFORM_URL}',
      '${file:/run/secrets/team-a-webhook}'
    ),
    channel: Type.Optional(
      about(
        Type.String({ minLength: 1 }),
        'Channel',
        "Posts to another channel than the webhook's own. Only legacy webhooks, Mattermost and Rocket.Chat honour it; Slack apps post where they were installed.",
        '#team-a'
      )
    ),
    username: Type.Optional(
      about(
        Type.String({ minLength: 1 }),
        'User name',
        'The name under which messages appear. The same receivers honour it as `channel`.',
        'Flux'
      )
    ),
    dialect: Type.Optional(
      about(
        Type.Enum([...dialectNames]),
        'Dialect',
        'What the receiver understands. If left out, it is guessed from the URL; most receivers take what Slack takes.',
        'slack'
      )
    )
  },
  { additionalProperties: false }
)

export const DestinationSchema = Type.Object(
  {
    slack: Type.Optional(
      about(SlackSchema, 'Slack', 'An incoming webhook of Slack, or of a receiver that takes the same messages.', {
        webhookUrl: '${SLACK_PLATFORM_URL}'
      })
    ),
    preview: Type.Optional(
      about(
        Type.Literal(true),
        'Preview',
        'Instead of `slack`: keeps the messages for the log and `/api/preview/<name>` and posts them nowhere.',
        true
      )
    ),
    pace: Type.Optional(
      about(
        PaceSchema,
        'Pace',
        'How fast messages go. Destinations of one webhook and channel share a queue; the first of them in the file sets its pace.',
        { perSecond: 1, burst: 3 }
      )
    )
  },
  { additionalProperties: false }
)

export interface Destination {
  name: string
  /** The queue of its channel, shared with every other destination that posts there. Not the URL: that is a secret. */
  lane: string
  pace: Pace
  /** Absent for a preview. */
  slack?: Webhook
}

export interface Webhook {
  /** Where to post. */
  url: string
  dialect: Dialect
  /** Whose answers they are. */
  receiver: Receiver
  /** Honoured by legacy webhooks only. */
  sender: { channel?: string; username?: string }
}

/** `slack.webhookUrl` is the URL itself, secrets resolved. */
export function createDestination(name: string, { slack, pace }: Static<typeof DestinationSchema>): Destination {
  if (slack === undefined) return { name, lane: `preview:${name}`, pace: createPace(pace) }
  const { webhookUrl, dialect = guessDialect(webhookUrl), ...sender } = slack
  const receiver = receiverOf(webhookUrl, dialect)
  return {
    name,
    lane: laneOf(webhookUrl, heedsChannel(dialect) ? sender.channel : undefined),
    pace: createPace(pace),
    slack: { url: endpointFor(webhookUrl, dialect), dialect, receiver, sender }
  }
}

/** The lane of every destination, by its name. */
export function lanesByName(destinations: ReadonlyMap<string, Destination>): Map<string, string> {
  return new Map([...destinations].map(([name, { lane }]) => [name, lane]))
}

// A webhook's own channel is a lane of the webhook, as it always was; one named by `channel` is another, with a
// pace and faults of its own: `channel_not_found` says nothing of the channels beside it.
function laneOf(webhookUrl: string, channel: string | undefined): string {
  const place = channel === undefined ? webhookUrl : `${webhookUrl}\n${channel}`
  return `slack:${hash('sha256', place).slice(0, 16)}`
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

const makeOne =
  'make an incoming webhook at https://api.slack.com/apps (Incoming Webhooks) and take its URL, https://hooks.slack.com/services/…'

/** Why `url` cannot be a webhook URL; the text does not repeat it. */
export function webhookUrlFault(url: string): string | undefined {
  if (/^xox[a-z]-|^xapp-/.test(url)) return `is a Slack token, but the relay posts to webhooks: ${makeOne}`
  if (!URL.canParse(url)) return 'is not a URL; it should begin with https://'
  const { protocol, hostname, pathname, username, password } = new URL(url)
  if (/^https?$/.test(hostname)) return 'begins with https:// twice'
  if (/\s/.test(url.trim())) return 'has a space in it: is it two URLs, or a URL and a note?'
  if (username !== '' || password !== '')
    return 'has a user before its host, which would not be sent: the relay posts to addresses that need none'
  if (protocol !== 'https:' && !(protocol === 'http:' && loopback.test(hostname)))
    return 'must be https: whoever reads the URL can post to the channel (plain http is for loopback only)'
  if (isOfSlack(hostname)) return slackUrlFault(hostname, pathname)
  if (/(^|\.)discord(app)?\.com$/.test(hostname) && !/^\/api\/(v\d+\/)?webhooks\/[^/]+\/[^/]+/.test(pathname))
    return 'is not a Discord webhook: those begin with https://discord.com/api/webhooks/ (Server Settings, Integrations, Webhooks)'
  return undefined
}

// Slack's Web API answers 200 to whatever comes, and says in the body that it has no token; its pages answer with a page.
function slackUrlFault(hostname: string, pathname: string): string | undefined {
  if (/^\/api(\/|$)/.test(pathname))
    return `is Slack's Web API, which takes a token and no webhook messages: ${makeOne}; a bot token is not one`
  if (/^hooks\./.test(hostname)) {
    if (/^\/(triggers|workflows)\/./.test(pathname)) return undefined
    const parts = pathname.split('/').filter(Boolean)
    if (parts[0] === 'services' && parts.length === 4) return undefined
    if (parts[0] === 'services' && parts.length > 1)
      return `is not a complete Slack webhook: those end in three parts, as in https://hooks.slack.com/services/T…/B…/…`
  }
  return `is a Slack address but not a webhook: ${makeOne}`
}
