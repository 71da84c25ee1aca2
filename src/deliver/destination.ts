// A destination: a Slack webhook, or a preview that keeps its messages for people to look at.
import { hash } from 'node:crypto'
import { type Static, Type } from 'typebox'
import { type Dialect, dialectNames, endpointFor, guessDialect, isStrict } from '../render/dialect.ts'
import { createPace, type Pace, PaceSchema } from './pace.ts'

const SlackSchema = Type.Object(
  {
    webhookUrl: Type.String({ minLength: 1 }),
    channel: Type.Optional(Type.String({ minLength: 1 })),
    username: Type.Optional(Type.String({ minLength: 1 })),
    dialect: Type.Optional(Type.Enum([...dialectNames]))
  },
  { additionalProperties: false }
)

export const DestinationSchema = Type.Object(
  {
    slack: Type.Optional(SlackSchema),
    preview: Type.Optional(Type.Literal(true)),
    pace: Type.Optional(PaceSchema)
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
