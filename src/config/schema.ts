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
      'The cluster of events whose source names none and that have no `metadata.cluster`.',
      'prod-eu'
    ),
    sources: option(
      named(
        about(
          Type.Union([SourceSchema, Type.Null()]),
          'Source',
          'One for each Flux Provider or cluster. Without keys and tokens it accepts events from anyone who can reach it.',
          { hmacKeys: ['${FLUX_HMAC_KEY}'], cluster: 'prod-eu' }
        ),
        { minProperties: 1 }
      ),
      'Sources',
      'Who may post events. `default` is `POST /webhook`, any other name is `POST /webhook/<name>`. If left out, a `default` accepts events from anyone.',
      { 'prod-eu': { hmacKeys: ['${FLUX_HMAC_KEY}'] } }
    ),
    slackApps: option(
      named(
        about(
          SlackAppSchema,
          'Slack app',
          'An app of one workspace. It needs the scope `chat:write`, and nothing else.',
          {
            token: '${SLACK_BOT_TOKEN}'
          }
        ),
        { minProperties: 1 }
      ),
      'Slack apps',
      'Apps that post to any channel which they were invited to, by name, for destinations with `app`. docs/slack-app.md makes one.',
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
      'Where messages go, by name.',
      { platform: { slack: { webhookUrl: '${SLACK_PLATFORM_URL}' } } }
    ),
    operator: option(
      Patterns,
      'Operator',
      'Names of the destinations that are notified of the relay itself, such as of a webhook that no longer works, through the others.',
      'platform',
      ['platform', 'ops']
    ),
    severities: option(
      Type.Array(
        about(SeveritySchema, 'Severity', 'All matchers given must match.', {
          reason: 'TestFailed',
          severity: 'warn'
        })
      ),
      'Severities',
      'Flux knows `info` and `error`. The relay makes `warn` of waiting for a dependency, drift, rollbacks and write conflicts; this list comes first, and its first matching entry counts.',
      [{ kind: 'HelmRelease', reason: 'TestFailed', severity: 'warn' }]
    ),
    show: option(
      Type.Array(Type.String({ minLength: 1, maxLength: 100 }), { uniqueItems: true, maxItems: 10 }),
      'Shown',
      'Keys of the metadata of events that messages show in their last line; addresses become links. `summary` always is.',
      ['team', 'env', 'runbook']
    ),
    links: option(
      Type.Array(
        about(LinkSchema, 'Links', 'The links of the events that match.', {
          dashboard: 'https://flux.acme.dev/{{ object.namespace }}/{{ object.name }}'
        })
      ),
      'Links',
      'Pages of an object, a commit and a change: Liquid templates over `object` (cluster, kind, namespace, name), `revision` and `previous` (text, pointer, sha, short) and `metadata.<key>`. Values are percent-encoded, and a link of which a value is empty is left out. The first entry that matches and has the link counts.',
      [{ commit: 'https://github.com/acme/fleet/commit/{{ revision.sha }}' }]
    ),
    mute: option(
      Type.Array(
        about(MuteSchema, 'Mute', 'Ends once, at a time, or every week.', {
          name: 'db upgrade',
          match: { namespace: 'db' },
          until: '2036-12-01T06:00:00Z'
        })
      ),
      'Mutes',
      'Which notifications are withheld, until a time or every week. At the end, one message says what was withheld and what still fails.',
      [{ name: 'db upgrade', match: { namespace: 'db' }, until: '2036-12-01T06:00:00Z' }]
    ),
    templates: option(
      named(
        about(TemplateSchema, 'Template', 'Parts that are left out look as without a template.', {
          title: '{{ transition | state }} {{ object.namespace }}/{{ object.name }}'
        })
      ),
      'Templates',
      'How messages look, by name, for rules with `template: <name>`. Texts are Liquid; docs/templates.md says what they may use.',
      { detailed: { title: '{{ transition | state }} {{ object.kind }} {{ object.namespace }}/{{ object.name }}' } }
    ),
    owners: option(
      Type.Array(
        about(OwnerSchema, 'Owner', 'Either `send`, or `app`, `channel` and `allow`.', {
          match: { namespace: 'payments*' },
          send: 'payments',
          mention: '<!subteam^S012PAYMT>'
        }),
        { minItems: 1 }
      ),
      'Owners',
      'To whom events belong, for rules with `send: owner`: the first entry that matches. With it, no destination may be called `owner`. docs/owners.md says how fifty rules become one.',
      [{ match: { namespace: 'payments*' }, send: 'payments' }, { send: 'platform' }]
    ),
    rules: about(
      Type.Array(
        about(RuleSchema, 'Rule', 'Which events notify which destinations.', { name: 'failures', send: 'platform' })
      ),
      'Rules',
      'Every rule that matches sends, up to the first `final` one. A recovery goes to exactly those who were notified of the failure.',
      [{ name: 'failures', match: { severity: 'warn' }, send: 'platform' }]
    ),
    retention: option(
      closedObject({
        events: option(
          Duration,
          'Events',
          'How long events and their messages are kept; 7d by default, at least 1s.',
          '7d'
        ),
        deadLetters: option(
          Duration,
          'Dead letters',
          'How long dead letters are kept; 30d by default, at least 1s.',
          '30d'
        )
      }),
      'Retention',
      'How long things are kept.',
      { events: '7d', deadLetters: '30d' }
    )
  },
  {
    // As in a file of Docker Compose.
    patternProperties: {
      '^x-': {
        description: 'Anything: what YAML anchors repeat elsewhere in the file. The relay takes no notice of it.'
      }
    },
    additionalProperties: false,
    title: 'flux-relay',
    description: 'Which events of Flux notify whom.'
  }
)

/** The value of a file without its keys `x-…`, which are there for YAML anchors. */
export function withoutExtensions(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([key]) => !key.startsWith('x-')))
}

export type ConfigText = Static<typeof ConfigSchema>
