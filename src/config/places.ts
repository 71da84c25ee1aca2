// Places: builds Slack apps and destinations (a webhook, a channel of an app, a preview) from the config file. A missing part gets a
// stand-in; crosscheck.ts reports it.
import { createDestination, type Destination, type PlaceText, webhookUrlFault } from '../deliver/destination.ts'
import type { Fault } from '../errors.ts'
import {
  apiUrlFault,
  appTokenFault,
  botTokenFault,
  channelFault,
  createSlackApp,
  type SlackApp,
  type SlackAppText
} from '../slack-api/app.ts'
import type { ConfigText } from './schema.ts'
import { type Secrets, standIn } from './secrets.ts'

type Path = Fault['path']
type DestinationText = ConfigText['destinations'][string]
type SlackText = NonNullable<DestinationText['slack']>

/** The secrets to fill in, and the faults to add to. */
interface Given {
  secrets: Secrets
  faults: Fault[]
}

export function buildApp(name: string, text: SlackAppText, { secrets, faults }: Given): SlackApp {
  const path = ['slackApps', name]
  const checked = (
    key: keyof SlackAppText,
    value: () => string,
    what: string,
    faultOf: typeof botTokenFault
  ): string => {
    const before = faults.length
    const found = value()
    // A missing secret was reported already.
    const fault = faults.length === before && found !== standIn ? faultOf(found) : undefined
    if (fault !== undefined) faults.push({ path: [...path, key], message: `the ${what} ${fault}` })
    return found
  }
  const secretOf = (key: 'token' | 'appToken', secret: string, faultOf: typeof botTokenFault) =>
    checked(key, () => secrets.secret(secret, [...path, key]), 'token', faultOf)

  const { token, appToken, operators, apiUrl, history } = text
  return createSlackApp(name, {
    token: secretOf('token', token, botTokenFault),
    ...(appToken !== undefined && { appToken: secretOf('appToken', appToken, appTokenFault) }),
    ...(operators && { operators }),
    ...(history && { history }),
    ...(apiUrl !== undefined && {
      apiUrl: checked('apiUrl', () => secrets.fill(apiUrl, [...path, 'apiUrl']), 'address', apiUrlFault)
    })
  })
}

export function buildDestination(
  name: string,
  { slack, pace, digest }: DestinationText,
  apps: ReadonlyMap<string, SlackApp>,
  given: Given
): Destination {
  const path = ['destinations', name, 'slack']
  const place =
    slack &&
    (slack.app === undefined ? webhookOf(slack, path, given) : channelOf(slack, slack.app, { path, apps, given }))
  return createDestination(name, { ...(place && { slack: place }), ...(pace && { pace }), ...(digest && { digest }) })
}

function webhookOf({ webhookUrl = standIn, dialect, ...text }: SlackText, path: Path, given: Given): PlaceText {
  const { secrets, faults } = given
  const urlPath = [...path, 'webhookUrl']
  const before = faults.length
  const url = secrets.secret(webhookUrl, urlPath)
  // A missing secret was reported already.
  const fault = faults.length === before ? webhookUrlFault(url) : undefined
  if (fault !== undefined) faults.push({ path: urlPath, message: `the webhook URL ${fault}` })
  const filled = (key: 'channel' | 'username') => {
    const value = text[key]
    return value === undefined ? {} : { [key]: secrets.fill(value, [...path, key]) }
  }
  return { webhookUrl: url, ...(dialect && { dialect }), ...filled('channel'), ...filled('username') }
}

function channelOf(
  { channel, style }: SlackText,
  name: string,
  { path, apps, given }: { path: Path; apps: ReadonlyMap<string, SlackApp>; given: Given }
): PlaceText {
  const { secrets, faults } = given
  const app = apps.get(name) ?? createSlackApp(name, { token: standIn })
  if (channel === undefined) return { app, channel: '' }
  const before = faults.length
  const filled = secrets.fill(channel, [...path, 'channel'])
  const fault = faults.length === before ? channelFault(filled) : undefined
  if (fault !== undefined) faults.push({ path: [...path, 'channel'], message: fault })
  return { app, channel: filled, ...(style && { style }) }
}
