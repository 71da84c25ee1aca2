// Drill: posts one marked test message to each destination, and reports the answers.
import { setTimeout as sleep } from 'node:timers/promises'
import { bodyFor } from '../render/receivers/dialect.ts'
import { context, section } from '../render/slack/blocks.ts'
import type { Payload } from '../render/slack/payload.ts'
import { kindOf } from './answer.ts'
import type { Destination } from './destination.ts'
import { adviceOn, quoteReply } from './saying.ts'
import type { Slack } from './slack.ts'

export interface DrillResult {
  destination: string
  isTaken: boolean
  /** The status and the receiver's word, or the first words of whoever answered instead; or why there is no answer. */
  answer: string
  /** What to make of it; empty where it was taken. */
  because: string
}

/** Slack allows one message a second for each webhook, and destinations may share one. */
const apartMs = 1100

/** Posts to every destination that is not a preview. Webhooks are tried side by side, each at its pace. */
export async function drill(
  destinations: readonly Destination[],
  slack: Slack,
  now: number,
  waitMs = apartMs
): Promise<DrillResult[]> {
  const webhooks = Map.groupBy(
    destinations.filter((destination) => destination.slack !== undefined),
    ({ slack }) => slack?.url
  )
  const results = await Promise.all(
    [...webhooks.values()].map(async (sharing) => {
      const results: DrillResult[] = []
      for (const destination of sharing) {
        if (results.length > 0) await sleep(waitMs)
        results.push(await tryOne(destination, slack, now))
      }
      return results
    })
  )
  const order = destinations.map(({ name }) => name)
  return results.flat().sort((a, b) => order.indexOf(a.destination) - order.indexOf(b.destination))
}

async function tryOne({ name, slack: webhook }: Destination, slack: Slack, now: number): Promise<DrillResult> {
  if (webhook === undefined) return { destination: name, isTaken: true, answer: '', because: '' }
  const body = JSON.stringify(bodyFor(testMessage(name, now), webhook.dialect, webhook.sender))
  const reply = await slack.post(webhook.url, body, new AbortController().signal)
  const kind = kindOf(reply, webhook.receiver)
  const answer = quoteReply(reply, webhook.url)
  return { destination: name, answer, isTaken: kind === 'taken', because: adviceOn(kind, reply) }
}

function testMessage(destination: string, now: number): Payload {
  const text = `This is a test of flux-relay. The destination "${destination}" works; nothing has happened.`
  const sent = `\`flux-relay check --drill\` · ${new Date(now).toISOString()}`
  return { text, blocks: [section(`🧪 ${text}`), context(sent)], unfurl_links: false, unfurl_media: false }
}
