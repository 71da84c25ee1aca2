// Faults of places: finds destinations that lack something or contradict themselves, and Slack apps that are missing, unused or
// there twice.
import type { Destination } from '../deliver/destination.ts'
import type { Fault } from '../errors.ts'
import { bodyFor } from '../render/receivers/dialect.ts'
import { createGuess } from '../spelling.ts'
import type { ConfigText } from './schema.ts'
import { standIn } from './secrets.ts'

/** Finds what each destination lacks, or has too much of. */
export function mixedDestinations({ destinations }: ConfigText): Fault[] {
  return Object.entries(destinations).flatMap(([name, { slack, preview }]): Fault[] => {
    const path = ['destinations', name]
    if ((slack === undefined) === (preview === undefined)) {
      const message = 'a destination is either `slack:` or `preview: true`'
      return [{ path, message }]
    }
    if (slack === undefined) return []
    const { webhookUrl, app, channel, style, username, dialect } = slack
    const at = (key: string, message: string): Fault => ({ path: [...path, 'slack', key], message })
    const lacks = (key: string, message: string): Fault => {
      const fault = at(key, message)
      return { ...fault, missing: fault.path }
    }
    if (app === undefined) {
      return [
        ...(webhookUrl === undefined
          ? [lacks('webhookUrl', '"webhookUrl" is missing, or else "app" with a "channel"')]
          : []),
        ...(style === undefined ? [] : [at('style', 'is for channels of an app: a webhook has messages only')])
      ]
    }
    return [
      ...(webhookUrl === undefined ? [] : [at('webhookUrl', 'stands beside `app`: a destination is one of both')]),
      ...(channel === undefined
        ? [lacks('channel', '"channel" is missing: write where the app posts, such as C0123ABCD or "#platform"')]
        : []),
      ...(username === undefined ? [] : [at('username', 'is for webhooks: an app posts under its own name')]),
      ...(dialect === undefined ? [] : [at('dialect', 'is for webhooks: an app posts to Slack alone')])
    ]
  })
}

/** Hosts of Power Automate, through which Microsoft Teams takes cards of its own. It answers 202 to everything. */
const teams = /(^|\.)(logic\.azure\.com|powerplatform\.com|powerautomate\.com)$/

/** Finds webhooks of receivers that say yes to messages which they cannot show, unless the file sets their dialect. */
export function deafReceivers({ destinations: texts }: ConfigText, destinations: readonly Destination[]): Fault[] {
  return destinations.flatMap(({ name, slack }): Fault[] => {
    const isTeams = slack?.app === undefined && teams.test(URL.parse(slack?.url ?? '')?.hostname ?? '')
    if (!isTeams || texts[name]?.slack?.dialect !== undefined) return []
    const message =
      'is Power Automate, which accepts every message, and in Microsoft Teams shows none of these: write `dialect: text`, and in the flow post the `text` of what comes'
    return [{ path: ['destinations', name, 'slack', 'webhookUrl'], message, isWarning: true }]
  })
}

const itsOwn = { channel: 'a channel of their own', username: 'a name of their own' }

/** Finds channels and names that a receiver does not get: its webhook decides where, and under which name, messages appear. */
export function idleSenders({ destinations: texts }: ConfigText, destinations: readonly Destination[]): Fault[] {
  return destinations.flatMap(({ name, slack }): Fault[] => {
    const text = texts[name]?.slack
    if (slack === undefined || slack.app !== undefined || text === undefined) return []
    const message = { text: name, unfurl_links: false, unfurl_media: false } as const
    const body = bodyFor(message, slack.dialect, { channel: name, username: name })
    return (['channel', 'username'] as const)
      .filter((key) => text[key] !== undefined && !(key in body))
      .map((key) => ({
        path: ['destinations', name, 'slack', key],
        message: `has no effect: webhooks of the dialect "${slack.dialect}" have ${itsOwn[key]}`,
        isWarning: true
      }))
  })
}

/** Says that no destination is called `name`. `hint` is what may be meant; if it is empty, the text says what to write. */
export function noDestination(name: string, hint: string): string {
  return `there is no destination "${name}"${hint || '; write the name of one of `destinations`'}`
}

export function unknownApps({ slackApps = {}, destinations }: ConfigText): Fault[] {
  const guess = createGuess()
  return Object.entries(destinations).flatMap(([name, { slack }]) => {
    const { app } = slack ?? {}
    if (app === undefined || Object.hasOwn(slackApps, app)) return []
    const message = `there is no Slack app "${app}" under \`slackApps\`${guess(app, Object.keys(slackApps))}`
    return [{ path: ['destinations', name, 'slack', 'app'], message }]
  })
}

export function unusedApps({ slackApps = {}, owners = [], destinations }: ConfigText): Fault[] {
  const entries = [...Object.values(destinations).map(({ slack }) => slack), ...owners]
  const used = new Set(entries.flatMap((entry) => entry?.app ?? []))
  return Object.keys(slackApps)
    .filter((name) => !used.has(name))
    .map((name) => ({ path: ['slackApps', name], message: `no destination is of the app "${name}"`, isWarning: true }))
}

/** Finds buttons that nobody gets, or nobody may press. */
export function idleButtons({ slackApps = {} }: ConfigText): Fault[] {
  const idle = (name: string, key: 'appToken' | 'operators', message: string): Fault => ({
    ...{ path: ['slackApps', name, key], message, isWarning: true }
  })
  return Object.entries(slackApps).flatMap(([name, { appToken, operators = [] }]) => {
    if (appToken === undefined && operators.length > 0)
      return [idle(name, 'operators', 'has no effect: without `appToken` no message has buttons')]
    if (appToken !== undefined && operators.length === 0)
      return [idle(name, 'appToken', 'nobody may press a button but Why: name users or user groups in `operators`')]
    return []
  })
}

/**
 * Finds tokens that several apps share. Under two names, a channel may have two lanes, each with a pace of its own. And Slack sends a
 * click to either of two connections of an app; a click on a card of another app reaches none.
 */
export function sharedTokens(destinations: readonly Destination[]): Fault[] {
  const apps = new Map(destinations.flatMap(({ slack }) => (slack?.app ? [[slack.app.name, slack.app]] : [])))
  const shared = (key: 'token' | 'appToken', messageOf: (other: string) => string): Fault[] => {
    const first = new Map<string, string>()
    return [...apps.values()].flatMap(({ name, apiUrl, token, socket }): Fault[] => {
      const secret = key === 'token' ? token : socket?.appToken
      // A missing secret was reported already.
      if (secret === undefined || secret === standIn || secret === '') return []
      const other = first.get(`${apiUrl} ${secret}`)
      if (other === undefined) first.set(`${apiUrl} ${secret}`, name)
      if (other === undefined) return []
      const path = ['slackApps', name, key]
      return [{ path, message: messageOf(other), beside: ['slackApps', other], isWarning: true }]
    })
  }
  return [
    ...shared('token', (other) => `one channel may have two lanes, because this is also the token of "${other}"`),
    ...shared(
      'appToken',
      (other) =>
        `whose \`operators\` may press a button is left to chance, or clicks are lost, because this is also the token of "${other}"`
    )
  ]
}

/** Finds lanes that destinations share. That is on purpose if each has a channel of its own, and none a pace, which would not count. */
export function sharedLanes({ destinations: texts }: ConfigText, destinations: readonly Destination[]): Fault[] {
  const first = new Map<string, Destination>()
  return destinations.flatMap((destination): Fault[] => {
    const { name, lane, slack } = destination
    // A malformed URL was reported already, and so was a missing secret.
    if (slack === undefined || !URL.canParse(slack.url) || slack.url === standIn || slack.sender.channel === '')
      return []
    const other = first.get(lane)
    if (other === undefined) {
      first.set(lane, destination)
      return []
    }
    const isSame = slack.app !== undefined || slack.sender.channel === other.slack?.sender.channel
    if (!isSame && texts[name]?.pace === undefined) return []
    const [what, key] = slack.app === undefined ? ['webhook', 'webhookUrl'] : ['channel', 'channel']
    const message = `is also the ${what} of "${other.name}": both share one lane, at the pace of "${other.name}"`
    return [
      { path: ['destinations', name, 'slack', key], message, beside: ['destinations', other.name], isWarning: true }
    ]
  })
}
