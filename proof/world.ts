// World: the config files of a proof: destinations that move, share a webhook, disappear and return, rules that group, a mute
// that begins and ends, failures that have to last, owners, rollouts. In the end, everything has to be delivered under the last
// version.

import { appToken, botToken } from '../test/fixtures/slack-api.ts'
import { operators } from './people.ts'

/** The pace for one webhook: Slack's, four times as fast. */
export const pace = { perSecond: 4, burst: 3 }

/** The key of the source `signed`. */
export const hmacKey = 'a key for nothing but this proof'

const hook = (name: string) => `/services/T/B/${name}`

/** Paths of the destination `moving`, by version of the config file. */
const movesTo = [hook('moving-0'), hook('moving-1'), hook('team'), hook('moving-0')]

/** A webhook that answers like a removed one: whatever waits there has to move. */
export const goneHook = hook('moving-1')

export const versions = movesTo.length

/** Destinations and the paths of their webhooks. */
export function hooksOf(version: number): Map<string, string> {
  return new Map([
    ['all', hook('all')],
    ['team', hook('team')],
    ['grouped', hook('grouped')],
    ['shared-a', hook('shared')],
    ['shared-b', hook('shared')],
    ['operator', hook('operator')],
    ['lasting', hook('lasting')],
    ['owned', hook('owned')],
    ['rollouts', hook('rollouts')],
    ['moving', movesTo[version] ?? hook('moving-0')],
    ...(hasTemporary(version) ? ([['temporary', hook('temporary')]] as const) : [])
  ])
}

/**
 * The namespaces of a mute in the config file and of silences by the API. Objects elsewhere are silenced by clicks, one by one.
 */
export const mutedNamespace = 'quiet'
export const silencedNamespace = 'team-b'

/** Objects that may be silenced by a click: one in four of those that fail repeatedly. */
export const maySilence = (text: string) => /\bobj-\d-0-x\b/.test(text)

/** The second version has no destination `temporary`: what waits for it becomes a dead letter. */
function hasTemporary(version: number): boolean {
  return version !== 1
}

/** Addresses of Slack's webhooks and of its Web API. */
export interface Addresses {
  base: string
  apiUrl: string
}

/** The channels of the destinations `cards` and `notices`. */
export const cardChannel = 'C0000CARD'
export const noticeChannel = 'C000NOTES'

/** Destinations that post through the app instead of a webhook. */
export const ofApp: ReadonlySet<string> = new Set(['cards', 'notices'])

/**
 * The text of a config file. `mutedUntil` (ISO) begins a mute of {@link mutedNamespace}. Digests are `full`, so that every
 * object is named in the message that counts as sent for it; a mere count could mean any object.
 */
export function configOf(version: number, { base, apiUrl }: Addresses, mutedUntil?: string): string {
  const destinations = [...hooksOf(version)].map(
    ([name, path]) =>
      `  ${name}: { slack: { webhookUrl: "${base}${path}", username: ${name} }, digest: full, pace: { perSecond: ${pace.perSecond}, burst: ${pace.burst} } }`
  )
  return `
cluster: proof
sources:
  default: {}
  signed: { hmacKeys: ["${hmacKey}"], cluster: other }
slackApps: { acme: { token: "${botToken}", appToken: "${appToken}", operators: [${operators}], apiUrl: "${apiUrl}" } }
destinations:
${destinations.join('\n')}
  cards: { slack: { app: acme, channel: ${cardChannel} }, pace: { perSecond: 4, burst: 3 } }
  notices: { slack: { app: acme, channel: ${noticeChannel} }, pace: { perSecond: 4, burst: 3 } }
operator: [operator, notices]
owners:
  - { match: { namespace: team-a }, send: team }
  - { send: owned }
rules:
  - { name: everything, match: { severity: info }, notify: every, send: all }
  - { name: team, match: { namespace: "team-*" }, remindEvery: 1m, send: [team, shared-a] }
  - { name: shared, match: { severity: info, namespace: "team-b" }, send: shared-b }
  - { name: grouped, match: { severity: info }, group: { by: [namespace, revision], wait: 1s }, send: grouped }
  - { name: cards, match: { severity: error, namespace: team-a }, send: cards }
  - { name: lasting, match: { severity: error }, for: 2s, send: lasting }
  - { name: owned, match: { severity: error }, send: owner }
  - { name: rollouts, match: { severity: info }, as: rollout, settle: 2s, send: rollouts }
  - { name: moving, match: { severity: info }, send: moving }
${hasTemporary(version) ? '  - { name: temporary, match: { severity: info, namespace: team-a }, send: temporary }' : ''}
${mutedUntil === undefined ? '' : `mute: [{ name: quiet time, match: { namespace: ${mutedNamespace} }, until: "${mutedUntil}" }]`}
`
}
