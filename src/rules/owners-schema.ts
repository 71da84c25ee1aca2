// Owners schema: defines an entry of `owners` in the config file.

import { closedObject, option } from '../about.ts'
import { type Static, Type } from '../json-schema.ts'
import { Patterns } from '../patterns.ts'
import { MatchSchema, mentionPattern } from './schema.ts'

export const OwnerSchema = closedObject({
  match: option(
    MatchSchema,
    'Match',
    'Which events belong to this owner, by the matchers of a rule; of any severity, unless one is given. Leave it out in the last entry, which takes what is left.',
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
    'Who is pinged there when a failure begins, instead of the `mention` of the rule. An event can never choose this.',
    '<!subteam^S012PAYMT>'
  ),
  app: option(
    Type.String({ minLength: 1 }),
    'App',
    'The name of the entry in `slackApps` that posts to the channel which the event names. Use it with `channel` and `allow`, instead of `send`.',
    'acme'
  ),
  channel: option(
    Type.String({ minLength: 1 }),
    'Channel',
    'With `app`: which value of the metadata names the channel, by its name or its ID. An event goes to the entries after this one if it has no such value, or if its channel is not allowed, not taken by Slack, or one too many.',
    '{{ metadata.slack_channel }}',
    'team-{{ metadata.team }}'
  ),
  allow: option(
    Patterns,
    'Allowed channels',
    'With `channel`, and required there: the channels that events may name, as globs. Whoever can annotate an object in a cluster can name any of these.',
    ['team-*']
  )
})

export type OwnerText = Static<typeof OwnerSchema>
