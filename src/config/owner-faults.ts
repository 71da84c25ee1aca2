// Faults of owners: finds entries that lack something, contradict themselves or are never reached, and names that do not exist.
import type { Fault } from '../errors.ts'
import { type Known, neverFaults } from '../rules/never.ts'
import type { OwnerText } from '../rules/owners-schema.ts'
import { toOwner } from '../rules/rules.ts'
import { asksForAll, findShadowed } from '../rules/shadow.ts'
import { createGuess } from '../spelling.ts'
import { noDestination } from './place-faults.ts'
import type { ConfigText } from './schema.ts'

type Path = Fault['path']

/** Finds what each entry lacks, or has too much of, and an `owner` with two meanings. */
export function mixedOwners({ owners, rules, destinations }: ConfigText): Fault[] {
  const senders = rules.flatMap(({ send }, at) =>
    [send].flat().includes(toOwner)
      ? [['rules', at, 'send', ...(Array.isArray(send) ? [send.indexOf(toOwner)] : [])]]
      : []
  )
  const isDestination = Object.hasOwn(destinations, toOwner)
  if (owners === undefined) {
    const message = 'there is no `owners:` section that says who the owner is, and no destination of that name'
    return isDestination ? [] : senders.map((path) => ({ path, message }))
  }
  return [
    ...(isDestination
      ? [
          {
            path: ['destinations', toOwner],
            message: 'with `owners`, `send: owner` is the owner of an object: call it otherwise'
          }
        ]
      : []),
    ...(senders.length === 0
      ? [{ path: ['owners'], message: 'no rule sends to them: write `send: owner` in one', isWarning: true }]
      : []),
    ...owners.flatMap((entry, at) => mixed(entry, ['owners', at]))
  ]
}

function mixed({ send, app, channel, allow }: OwnerText, path: Path): Fault[] {
  const at = (key: string, message: string): Fault => ({ path: [...path, key], message })
  if (app === undefined && channel === undefined) {
    const message = '"send" is missing, or else "app" with "channel" and "allow"'
    return [
      ...(send === undefined ? [{ path, message, missing: [...path, 'send'] }] : []),
      ...(allow === undefined ? [] : [at('allow', 'is for a `channel` that events name')])
    ]
  }
  return [
    ...(send === undefined
      ? []
      : [at('send', 'stands beside `channel`: what cannot go there goes to the next entry that matches')]),
    ...(app === undefined ? [at('channel', 'needs `app` beside it: the one of `slackApps` that posts there')] : []),
    ...(channel === undefined ? [at('app', 'needs `channel` beside it, such as "{{ metadata.slack_channel }}"')] : []),
    ...(channel !== undefined && allow === undefined
      ? [at('channel', 'needs `allow` beside it, such as ["team-*"]: whoever can annotate an object names the channel')]
      : [])
  ]
}

/** Finds names of destinations and apps that do not exist. */
export function unknownOfOwners({ owners = [], slackApps = {}, destinations }: ConfigText): {
  destinations: Fault[]
  apps: Fault[]
} {
  const known = new Set(Object.keys(destinations))
  const guess = createGuess()
  const places = owners.flatMap(({ send = [] }, at) =>
    [send]
      .flat()
      .map((name, index) => ({ name, path: ['owners', at, 'send', ...(Array.isArray(send) ? [index] : [])] }))
  )
  return {
    destinations:
      known.size === 0
        ? []
        : places.flatMap(({ name, path }) => {
            if (known.has(name)) return []
            const hint = name === toOwner ? '; an owner is the end of it' : guess(name, known)
            return [{ path, message: noDestination(name, hint) }]
          }),
    apps: owners.flatMap(({ app }, at) => {
      if (app === undefined || Object.hasOwn(slackApps, app)) return []
      const message = `there is no Slack app "${app}" under \`slackApps\`${guess(app, Object.keys(slackApps))}`
      return [{ path: ['owners', at, 'app'], message }]
    })
  }
}

/** Finds entries that no event reaches or matches, and events that no entry takes. */
export function idleOwners({ owners = [] }: ConfigText, known: Known): Fault[] {
  const asRules = owners.map(({ match = {}, channel }, at) => ({
    ...{ name: `${at}`, send: [] },
    match: { severity: 'info' as const, ...match },
    // An event that may not go to the channel goes on to the entries after it.
    final: channel === undefined
  }))
  const last = owners.length - 1
  const all = owners.findIndex((entry) => takesAll(entry))
  const beyond = all < 0 ? [] : Array.from({ length: last - all }, (_, index) => ({ rule: all + 1 + index, by: all }))
  const within = findShadowed(all < 0 ? asRules : asRules.slice(0, all))
  return [
    ...owners.flatMap(({ match = {} }, at) => neverFaults(match, ['owners', at, 'match'], known)),
    ...[...within, ...beyond].map(({ rule, by }) => ({
      path: ['owners', rule],
      message: `is never reached: every event that it asks for is taken by entry ${by + 1}`,
      beside: ['owners', by],
      isWarning: true
    })),
    ...(last >= 0 && all < 0
      ? [
          {
            path: ['owners', last],
            message:
              'is the last entry, and events that none matches have no owner: end with one that has `send` alone',
            isWarning: true
          }
        ]
      : []),
    ...owners.flatMap(({ channel, allow = [] }, at) =>
      channel !== undefined && [allow].flat().some((glob) => /^#?\*+$/.test(glob))
        ? [
            {
              path: ['owners', at, 'allow'],
              message: 'allows every channel that the app may post to, to whoever can annotate an object',
              isWarning: true
            }
          ]
        : []
    )
  ]
}

function takesAll({ match = {}, channel }: OwnerText): boolean {
  const anything = { name: '', send: [], match: { severity: 'info' as const } }
  return channel === undefined && asksForAll({ ...anything, match: { ...anything.match, ...match } }, anything)
}
