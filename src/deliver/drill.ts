// Drill: posts one marked test message to each destination, and reports the answers.
import { setTimeout as sleep } from 'node:timers/promises'
import { bodyFor } from '../render/receivers/dialect.ts'
import { context, section } from '../render/slack/blocks.ts'
import type { Payload } from '../render/slack/payload.ts'
import { readApiAnswer } from '../slack-api/answer.ts'
import { type SlackApp, urlOf } from '../slack-api/app.ts'
import { adviceOnGroup, adviceOnSocket } from '../slack-api/words.ts'
import { kindOf, type Reply } from './answer.ts'
import type { Destination, Place } from './destination.ts'
import { adviceOn, detailsOf, quoteReply } from './saying.ts'
import type { Slack } from './slack.ts'

export interface DrillResult {
  destination: string
  isTaken: boolean
  /** What was tried, if that was no message. */
  tried?: string
  /** The status and the receiver's word, or the first words of whoever answered instead; or why there is no answer. */
  answer: string
  /** Advice on the answer; empty if the message was taken. */
  because: string
}

/** Pause between two messages to one channel: Slack allows one a second, and destinations may share a channel. */
const apartMs = 1100
/** Pause between channels of one app, which together may take several hundred messages a minute. */
const channelsApartMs = 250

/**
 * Posts to every destination that is not a preview. For an app, it first asks whose token it has. Webhooks and apps are tried side
 * by side, each at its own pace.
 */
export async function drill(
  destinations: readonly Destination[],
  slack: Slack,
  now: number,
  waitMs = apartMs
): Promise<DrillResult[]> {
  const places = destinations.flatMap(({ name, lane, slack }) =>
    slack === undefined ? [] : [{ name, lane, place: slack }]
  )
  const results = await Promise.all(
    [...Map.groupBy(places, ({ place }) => place.app ?? place.url).values()].map(async (sharing) => {
      const results: DrillResult[] = []
      const app = sharing[0]?.place.app
      const identity = app === undefined ? undefined : await identify(app, slack)
      const used = new Set<string>()
      for (const { name, lane, place } of sharing) {
        const isShared = app === undefined || used.has(lane)
        if (results.length > 0 && identity?.fault === undefined) await sleep(isShared ? waitMs : channelsApartMs)
        used.add(lane)
        results.push(identity?.fault?.(name) ?? (await tryOne(name, place, slack, now, identity?.user)))
      }
      return results
    })
  )
  const order = destinations.map(({ name }) => name)
  return results.flat().sort((a, b) => order.indexOf(a.destination) - order.indexOf(b.destination))
}

/** Asks Slack, for each app that has buttons, to give out a socket and to name the members of its operators' user groups. */
export async function drillButtons(apps: readonly SlackApp[], slack: Slack): Promise<DrillResult[]> {
  const results = apps.map(async (app) => {
    const { appToken, operators } = app.socket ?? {}
    if (appToken === undefined) return []
    const groups = (operators ?? []).filter((id) => id.startsWith('S'))
    const of = { destination: `app ${app.name}` }
    const ask = { app, slack }
    return Promise.all([
      askApi('apps.connections.open', 'url', {
        ...ask,
        app: { ...app, token: appToken },
        adviceOnWord: adviceOnSocket
      }).then((answered) => ({ ...of, tried: 'gives out a socket for buttons', ...answered })),
      ...groups.map(async (group) => {
        const adviceOnWord = (word: string) => adviceOnGroup(word, group)
        const asked = new URLSearchParams({ usergroup: group })
        const answered = await askApi('usergroups.users.list', 'users', { ...ask, asked, adviceOnWord })
        return { ...of, tried: `says who is in ${group}`, ...answered }
      })
    ])
  })
  return (await Promise.all(results)).flat()
}

interface Asking {
  app: SlackApp
  slack: Slack
  /** Arguments of the method; none by default. */
  asked?: string | URLSearchParams
  adviceOnWord: (word: string) => string
}

/** Asks Slack a question. The answer has to contain what was `wanted`: a gateway says `{"ok":true}`, too. */
async function askApi(
  method: 'apps.connections.open' | 'usergroups.users.list',
  wanted: 'url' | 'users',
  { app, slack, asked = '{}', adviceOnWord }: Asking
): Promise<Pick<DrillResult, 'answer' | 'isTaken' | 'because'>> {
  const reply = await slack.post(urlOf(app, method), asked, new AbortController().signal, app.token)
  const said = reply.is === 'answer' ? readApiAnswer(reply.body) : undefined
  const isTaken = said?.isOk === true && said[wanted] !== undefined
  const answer = `${method}: ${quoteReply(reply)}`
  const advice = (said?.word && adviceOnWord(said.word)) || adviceOnAnswer(reply, app)
  return { answer, isTaken, because: isTaken ? '' : advice }
}

/** Advice on an answer to a question that is not Slack's yes. */
function adviceOnAnswer(reply: Reply, app: SlackApp): string {
  const kind = kindOf(reply, 'web-api')
  return adviceOn(kind === 'unclear' || kind === 'taken' ? 'doubtful' : kind, reply, { app })
}

/** Finds the name by which people invite an app, or why the app cannot post at all. */
async function identify(
  app: SlackApp,
  slack: Slack
): Promise<{ user: string | undefined; fault?: (destination: string) => DrillResult }> {
  const url = urlOf(app, 'auth.test')
  const reply = await slack.post(url, '{}', new AbortController().signal, app.token)
  const said = reply.is === 'answer' ? readApiAnswer(reply.body) : undefined
  if (said?.isOk) return { user: said.user }
  const answer = `auth.test: ${quoteReply(reply)}`
  const because = adviceOnAnswer(reply, app)
  return { user: undefined, fault: (destination) => ({ destination, answer, isTaken: false, because }) }
}

async function tryOne(
  name: string,
  place: Place,
  slack: Slack,
  now: number,
  user: string | undefined
): Promise<DrillResult> {
  const { url, dialect, sender, app } = place
  const body = JSON.stringify(bodyFor(testMessage(name, now), dialect, sender))
  const reply = await slack.post(url, body, new AbortController().signal, app?.token)
  const kind = kindOf(reply, place.receiver)
  const isTaken = kind === 'taken'
  const details = detailsOf(reply).map((detail) => `; ${detail}`)
  // Reported for a channel that is given by name: its ID stays the same when it is renamed.
  const { posted } = (isTaken && app && reply.is === 'answer' && readApiAnswer(reply.body)) || {}
  const where = posted === undefined || posted.channel === sender.channel ? '' : `, channel ${posted.channel}`
  const answer = `${quoteReply(reply)}${details.join('')}${where}`
  return { destination: name, answer, isTaken, because: adviceOn(kind, reply, place, user) }
}

function testMessage(destination: string, now: number): Payload {
  const text = `This is a test of flux-relay. The destination "${destination}" works; nothing has happened.`
  const sent = `\`flux-relay check --drill\` · ${new Date(now).toISOString()}`
  return { text, blocks: [section(`🧪 ${text}`), context(sent)], unfurl_links: false, unfurl_media: false }
}
