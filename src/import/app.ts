// Imported apps: turn a Provider that posts with the token of a Slack app into that app and its channel.
import { channelFault, isPerson, type SlackAppText } from '../slack-api/app.ts'
import type { Provider, Secret } from './flux.ts'

/** Where the Web API is; undefined for Slack's own. */
export interface ApiOfProvider {
  apiUrl: string | undefined
}

/**
 * Whether Flux posts by `provider` with a token: its `address`, or that of its Secret, is Slack's Web API, or there is none and
 * the Secret has a token.
 */
export function apiOf({ spec }: Provider, secret: Secret | undefined): ApiOfProvider | undefined {
  if (spec.type !== 'slack') return undefined
  const address = (secret?.spec['address'] ?? spec.address ?? '').trim()
  if (address === '') return secret !== undefined && 'token' in secret.spec ? { apiUrl: undefined } : undefined
  if (!URL.canParse(address)) return undefined
  const { hostname, pathname } = new URL(address)
  if (!/(^|\.)slack(-gov)?\.com$/.test(hostname) || !/^\/api(\/|$)/.test(pathname)) return undefined
  return { apiUrl: /(^|\.)slack-gov\.com$/.test(hostname) ? 'https://slack-gov.com/api' : undefined }
}

/** What keeps the relay from posting so, if something does. */
export function appFaultOf({ spec }: Provider, secret: Secret | undefined): string | undefined {
  if (spec.secretRef === undefined) return 'posts to the Web API of Slack, and names no Secret with a token'
  if (secret !== undefined && !('token' in secret.spec))
    return 'posts to the Web API of Slack, and its Secret has no token'
  return undefined
}

/** `acme: { token: "${SLACK_TOKEN}" }` */
export function appText(variable: string, { apiUrl }: ApiOfProvider): SlackAppText {
  return { token: `\${${variable}}`, ...(apiUrl !== undefined && { apiUrl }) }
}

/** `slack-bot-token` → `slack-bot`: what an app is called whose token is in a Secret of that name. */
export function appNameFor(secret: string): string {
  return secret.replace(/[-_.]?token$/i, '').replace(/[^A-Za-z0-9._-]+/g, '-') || 'slack'
}

/** A channel as Flux takes it, `general`, as the relay does: `#general`. An ID, a person and what Flux fills in stay. */
export function channelFor(channel: string): string {
  if (channelFault(channel) === undefined || isPerson(channel) || channel.includes('${')) return channel
  const name = `#${channel.replace(/^#/, '').toLowerCase()}`
  return channelFault(name) === undefined ? name : channel
}
