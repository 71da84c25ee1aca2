// A destination: a Slack webhook, or a preview that keeps its messages for people to look at.
import { hash } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { about } from '../about.ts'
import { type Dialect, dialectNames, endpointFor, guessDialect, isStrict } from '../render/dialect.ts'
import { createPace, type Pace, PaceSchema } from './pace.ts'

const SlackSchema = Type.Object(
  {
    webhookUrl: about(
      Type.String({ minLength: 1 }),
      'Webhook URL',
      'The URL of an incoming webhook. Whoever has it can post, so write `${VARIABLE}` or `${file:/path}`. It has to be https; plain http is taken for loopback only.',
      '${SLACK_PLATFORM_URL}',
      '${file:/run/secrets/team-a-webhook}'
    ),
    channel: Type.Optional(
      about(
        Type.String({ minLength: 1 }),
        'Channel',
        "Posts to another channel than the webhook's own. Only legacy webhooks, Mattermost and Rocket.Chat heed it; Slack apps post where they were installed.",
        '#team-a'
      )
    ),
    username: Type.Optional(
      about(
        Type.String({ minLength: 1 }),
        'User name',
        'The name under which messages appear. Heeded by the same receivers as `channel`.',
        'Flux'
      )
    ),
    dialect: Type.Optional(
      about(
        Type.Enum([...dialectNames]),
        'Dialect',
        'What the receiver understands. Left out, it is guessed from the URL; most others take what Slack does.',
        'slack'
      )
    )
  },
  { additionalProperties: false }
)

export const DestinationSchema = Type.Object(
  {
    slack: Type.Optional(
      about(SlackSchema, 'Slack', 'An incoming webhook of Slack, or of something that takes the same.', {
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
        'How fast messages go. Destinations of one webhook share a queue; the first of them in the file sets its pace.',
        { perSecond: 1, burst: 3 }
      )
    )
  },
  { additionalProperties: false }
)

export interface Destination {
  name: string
  /** The queue it shares with every other destination of the same webhook. Not the URL: that is a secret. */
  lane: string
  pace: Pace
  /** Absent for a preview. */
  slack?: Webhook
}

export interface Webhook {
  /** Where to post. */
  url: string
  dialect: Dialect
  /** Only the body `ok` means that a message was taken. */
  isStrict: boolean
  /** Honoured by legacy webhooks only. */
  sender: { channel?: string; username?: string }
}

/** `slack.webhookUrl` is the URL itself, secrets resolved. */
export function createDestination(name: string, { slack, pace }: Static<typeof DestinationSchema>): Destination {
  if (slack === undefined) return { name, lane: `preview:${name}`, pace: createPace(pace) }
  const { webhookUrl, dialect = guessDialect(webhookUrl), ...sender } = slack
  return {
    name,
    lane: `slack:${hash('sha256', webhookUrl).slice(0, 16)}`,
    pace: createPace(pace),
    slack: { url: endpointFor(webhookUrl, dialect), dialect, isStrict: isStrict(webhookUrl, dialect), sender }
  }
}

const loopback = /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/

/** Why `url` cannot be a webhook URL; the text does not repeat it. */
export function webhookUrlFault(url: string): string | undefined {
  if (!URL.canParse(url)) return 'is not a URL; it should begin with https://'
  const { protocol, hostname } = new URL(url)
  if (protocol === 'https:' || (protocol === 'http:' && loopback.test(hostname))) return undefined
  return 'must be https: whoever reads the URL can post to the channel (plain http is for loopback only)'
}
