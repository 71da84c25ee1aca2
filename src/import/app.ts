// Imported apps: turns a Provider that posts with the token of a Slack app into that app and its channel.
import { isOfSlack } from '../render/receivers/hosts.ts'
import { channelFault, isPerson, type SlackAppText } from '../slack-api/app.ts'
import type { Provider, Secret } from './flux.ts'

/** The address of the Web API; undefined for Slack's own. */
export interface ApiOfProvider {
  apiUrl: string | undefined
}

/**
 * The Web API, if Flux posts by `provider` with a token: the `address` of the Provider or of its Secret is Slack's Web API, or there is
 * no address and the Secret has a token. Otherwise undefined.
 */
export function apiOf({ spec }: Provider, secret: Secret | undefined): ApiOfProvider | undefined {
  if (spec.type !== 'slack') return undefined
  const address = (secret?.spec['address'] ?? spec.address ?? '').trim()
  if (address === '') return secret !== undefined && 'token' in secret.spec ? { apiUrl: undefined } : undefined
  if (!URL.canParse(address)) return undefined
  const { hostname, pathname } = new URL(address)
  if (!isOfSlack(hostname) || !/^\/api(\/|$)/.test(pathname)) return undefined
  return { apiUrl: /(^|\.)slack-gov\.com$/.test(hostname) ? 'https://slack-gov.com/api' : undefined }
}

/** What keeps the relay from posting with the token; undefined if nothing does. */
export function appFaultOf({ spec }: Provider, secret: Secret | undefined): string | undefined {
  if (spec.secretRef === undefined) return 'posts to the Web API of Slack, and names no Secret with a token'
  if (secret !== undefined && !('token' in secret.spec))
    return 'posts to the Web API of Slack, and its Secret has no token'
  return undefined
}

/** The text of an app of `slackApps`: `{ token: "${SLACK_TOKEN}" }`. */
export function appText(variable: string, { apiUrl }: ApiOfProvider): SlackAppText {
  return { token: `\${${variable}}`, ...(apiUrl !== undefined && { apiUrl }) }
}

/** The name of an app whose token is in the Secret `secret`: `slack-bot-token` → `slack-bot`. */
export function appNameFor(secret: string): string {
  return secret.replace(/[-_.]?token$/i, '').replace(/[^A-Za-z0-9._-]+/g, '-') || 'slack'
}

/** A channel as the relay takes it: Flux's `general` becomes `#general`. An ID, a person and what Flux fills in stay. */
export function channelFor(channel: string): string {
  if (channelFault(channel) === undefined || isPerson(channel) || channel.includes('${')) return channel
  const name = `#${channel.replace(/^#/, '').toLowerCase()}`
  return channelFault(name) === undefined ? name : channel
}
