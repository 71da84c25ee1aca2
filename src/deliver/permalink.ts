// Permalink: asks Slack for the address of a message in its workspace, when somebody wants to open it.
import { urlOf } from '../slack-api/app.ts'
import type { CardRecord } from '../store/records.ts'
import { read } from './answer.ts'
import type { Destinations } from './channels.ts'
import { laneOf } from './destination.ts'
import { sayReply } from './saying.ts'
import type { Slack } from './slack.ts'

/** Finds the address of a message in Slack, or why there is none. */
export type Permalink = (
  card: Pick<CardRecord, 'lane' | 'channel' | 'ts'>
) => Promise<{ url: string } | { because: string }>

/** Asks docs.slack.dev/reference/methods/chat.getPermalink, which needs no scope. */
export function createPermalink(slack: Slack, destinations: () => Destinations): Permalink {
  return async ({ lane, channel, ts }) => {
    const app = [...destinations().apps].find((known) => lane.startsWith(laneOf(known, '')))
    if (app === undefined) return { because: 'the app that posted it is no longer in the config file' }
    const asked = new URLSearchParams({ channel, message_ts: ts })
    const reply = await slack.post(urlOf(app, 'chat.getPermalink'), asked, new AbortController().signal, app.token)
    const { permalink } = reply.is === 'answer' ? read(reply.body).fields : {}
    if (typeof permalink === 'string' && /^https:\/\//.test(permalink)) return { url: permalink }
    return { because: `Slack answers ${sayReply(reply)}` }
  }
}
