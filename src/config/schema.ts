// Config schema: assembles the rooms' schemas. `npm run schema` writes config.schema.json from it.

import { about, closedObject, option } from '../about.ts'
import { DestinationSchema } from '../deliver/destination.ts'
import { Duration } from '../duration.ts'
import { SeveritySchema } from '../events/severity.ts'
import { SourceSchema } from '../events/source.ts'
import { type Keywords, type Schema, type Static, Type } from '../json-schema.ts'
import { MuteSchema } from '../mutes/mutes.ts'
import { Patterns } from '../patterns.ts'
import { LinkSchema } from '../render/links/links.ts'
import { TemplateSchema } from '../render/template/template.ts'
import { OwnerSchema } from '../rules/owners-schema.ts'
import { RuleSchema } from '../rules/schema.ts'
import { SlackAppSchema } from '../slack-api/app.ts'
import { isMap } from './narrow.ts'

/** Names appear in URLs, metrics and log lines. */
const namePattern = '^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$'

function named<T extends Schema>(schema: T, options: Keywords = {}) {
  return Type.Unsafe<Record<string, Static<T>>>({
    type: 'object',
    propertyNames: { pattern: namePattern },
    additionalProperties: schema,
    ...options
  })
}

export const ConfigSchema = Type.Object(
  {
    cluster: option(
      Type.String({ maxLength: 253 }),
      'Cluster',
      'The name of the cluster for events that come without one: their source has no `cluster`, and they have no `metadata.cluster`.',
      'prod-eu'
    ),
    sources: option(
      named(
        about(
          Type.Union([SourceSchema, Type.Null()]),
          'Source',
          'Who may post to one path of the webhook: one source for each Flux Provider or cluster. Without `hmacKeys` and `tokens` it accepts events from anyone who can reach it.',
          { hmacKeys: ['${FLUX_HMAC_KEY}'], cluster: 'prod-eu' }
        ),
        { minProperties: 1 }
      ),
      'Sources',
      'Who may post events, by name. `default` is `POST /webhook`, any other name is `POST /webhook/<name>`. Without this section, `default` accepts events from anyone.',
      { 'prod-eu': { hmacKeys: ['${FLUX_HMAC_KEY}'] } }
    ),
    slackApps: option(
      named(
        about(
          SlackAppSchema,
          'Slack app',
          'A Slack app of one workspace. It needs the scope `chat:write`, and no other.',
          {
            token: '${SLACK_BOT_TOKEN}'
          }
        ),
        { minProperties: 1 }
      ),
      'Slack apps',
      'Slack apps, by name, for destinations with `app`. An app posts to every channel that it was invited to. docs/slack-app.md shows how to make one.',
      { acme: { token: '${SLACK_BOT_TOKEN}' } }
    ),
    destinations: about(
      named(
        about(
          DestinationSchema,
          'Destination',
          'Either `slack` or `preview`.',
          { slack: { webhookUrl: '${SLACK_PLATFORM_URL}' } },
          { slack: { app: 'acme', channel: 'C0123ABCD' } },
          { preview: true }
        ),
        { minProperties: 1 }
      ),
      'Destinations',
      'The channels that messages go to, by the names that rules use in `send`.',
      { platform: { slack: { webhookUrl: '${SLACK_PLATFORM_URL}' } } }
    ),
    operator: option(
      Patterns,
      'Operator',
      'The destinations that are notified of trouble with the relay itself, such as a webhook that no longer works (through the others).',
      'platform',
      ['platform', 'ops']
    ),
    severities: option(
      Type.Array(
        about(SeveritySchema, 'Severity', 'The severity of certain events. All matchers that are given must match.', {
          reason: 'TestFailed',
          severity: 'warn'
        })
      ),
      'Severities',
      'Changes the severity of events. Flux knows only `info` and `error`; the relay makes `warn` of waiting for a dependency, drift, rollbacks and write conflicts. This list is asked first, and its first matching entry counts.',
      [{ kind: 'HelmRelease', reason: 'TestFailed', severity: 'warn' }]
    ),
    show: option(
      Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { uniqueItems: true, maxItems: 10 }),
      'Shown',
      "The keys of an event's metadata that messages show in their last line. Addresses become links. `summary` is always shown.",
      ['team', 'env', 'runbook']
    ),
    links: option(
      Type.Array(
        about(LinkSchema, 'Links', 'Links for the events that match.', {
          dashboard: 'https://flux.acme.dev/{{ object.namespace }}/{{ object.name }}'
        })
      ),
      'Links',
      'Links to the pages of an object, a commit and a change. The addresses are Liquid templates over `object` (cluster, kind, namespace, name), `revision` and `previous` (text, pointer, sha, short) and `metadata.<key>`. Values are percent-encoded, and a link is left out if one of its values is empty. For each link, the first entry that matches and has it counts.',
      [{ commit: 'https://github.com/acme/fleet/commit/{{ revision.sha }}' }]
    ),
    mute: option(
      Type.Array(
        about(MuteSchema, 'Mute', 'Withholds what matches, once (`until`) or every week (`weekly`).', {
          name: 'db upgrade',
          match: { namespace: 'db' },
          until: '2036-12-01T06:00:00Z'
        })
      ),
      'Mutes',
      'Withholds notifications, until a time or every week. At the end, one message says what was withheld and what still fails.',
      [{ name: 'db upgrade', match: { namespace: 'db' }, until: '2036-12-01T06:00:00Z' }]
    ),
    templates: option(
      named(
        about(
          TemplateSchema,
          'Template',
          'How messages look. Parts that are left out look as they do without a template.',
          {
            title: '{{ transition | state }} {{ object.namespace }}/{{ object.name }}'
          }
        )
      ),
      'Templates',
      'Templates for messages, by name, for rules with `template: <name>`. The texts are Liquid; docs/templates.md says what they may use.',
      { detailed: { title: '{{ transition | state }} {{ object.kind }} {{ object.namespace }}/{{ object.name }}' } }
    ),
    owners: option(
      Type.Array(
        about(
          OwnerSchema,
          'Owner',
          'Who gets the events that match: destinations (`send`), or a channel that the event names (`app`, `channel` and `allow`).',
          {
            match: { namespace: 'payments*' },
            send: 'payments',
            mention: '<!subteam^S012PAYMT>'
          }
        ),
        { minItems: 1 }
      ),
      'Owners',
      'Who is responsible for what, for rules with `send: owner`. The first entry that matches counts. With this section, no destination may be called `owner`. docs/owners.md says how fifty rules become one.',
      [{ match: { namespace: 'payments*' }, send: 'payments' }, { send: 'platform' }]
    ),
    rules: about(
      Type.Array(
        about(RuleSchema, 'Rule', 'Sends events that match to destinations.', { name: 'failures', send: 'platform' })
      ),
      'Rules',
      'Which events notify which destinations. Every rule that matches sends, up to the first `final` one. A recovery goes to exactly those who were notified of the failure.',
      [{ name: 'failures', match: { severity: 'warn' }, send: 'platform' }]
    ),
    retention: option(
      closedObject({
        events: option(
          Duration,
          'Events',
          'How long events and their messages are kept. `7d` by default, at least `1s`.',
          '7d'
        ),
        deadLetters: option(
          Duration,
          'Dead letters',
          'How long dead letters are kept. `30d` by default, at least `1s`.',
          '30d'
        )
      }),
      'Retention',
      'How long events and dead letters are kept.',
      { events: '7d', deadLetters: '30d' }
    )
  },
  {
    // Docker Compose takes no notice of such keys either.
    patternProperties: {
      '^x-': {
        description: 'Anything: what YAML anchors repeat elsewhere in the file. The relay takes no notice of it.'
      }
    },
    additionalProperties: false,
    title: 'flux-relay',
    description: 'The config file of flux-relay: which events of Flux notify whom.'
  }
)

/** Returns the value of a file without its keys `x-…`, which hold YAML anchors. */
export function withoutExtensions(value: unknown): unknown {
  if (!isMap(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith('x-')))
}

export type ConfigText = Static<typeof ConfigSchema>
