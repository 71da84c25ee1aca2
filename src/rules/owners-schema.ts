// Owners schema: defines an entry of `owners` in the config file.

import { closedObject, option } from '../about.ts'
import { type Static, Type } from '../json-schema.ts'
import { Patterns } from '../patterns.ts'
import { MatchSchema, mentionPattern } from './schema.ts'

export const OwnerSchema = closedObject({
  match: option(
    MatchSchema,
    'Match',
    'Which events: the matchers of a rule, and any severity unless one is asked for. The last entry has none, and takes what is left.',
    { namespace: 'payments*' },
    { metadata: { team: 'payments' } }
  ),
  send: option(
    Type.Unsafe<string | string[]>({
      type: ['string', 'array'],
      items: { type: 'string', minLength: 1 },
      minLength: 1,
      minItems: 1,
      uniqueItems: true
    }),
    'Send to',
    'Names under `destinations`.',
    'payments',
    ['payments', 'platform']
  ),
  mention: option(
    Type.String({
      pattern: mentionPattern,
      patternErrorMessage: 'write <@U012AB3CD>, <!subteam^S012AB3CD>, <!here> or <!channel>'
    }),
    'Mention',
    'Who is pinged there when a failure begins, instead of the `mention` of the rule. Only this file says so, never an event.',
    '<!subteam^S012PAYMT>'
  ),
  app: option(
    Type.String({ minLength: 1 }),
    'App',
    'Instead of `send`, with `channel` and `allow`: the one of `slackApps` that posts to the channel which the event names.',
    'acme'
  ),
  channel: option(
    Type.String({ minLength: 1 }),
    'Channel',
    'With `app`: which value of the metadata names the channel, by its name or its ID. Events without that value, and channels that are not allowed, that Slack does not take or that are too many, go to the entries after this one.',
    '{{ metadata.slack_channel }}',
    'team-{{ metadata.team }}'
  ),
  allow: option(
    Patterns,
    'Allowed channels',
    'With `channel`, and required there: which channels events may name, as globs. Whoever can annotate an object in a cluster can name any of these.',
    ['team-*']
  )
})

export type OwnerText = Static<typeof OwnerSchema>
