// Rule schema: defines a rule in the config file, and its matchers.

import { about, closedObject, option } from '../about.ts'
import { Duration, DurationOrNever } from '../duration.ts'
import { type Severity, severityNames } from '../events/severity.ts'
import { type Static, Type } from '../json-schema.ts'
import { Patterns } from '../patterns.ts'
import { GroupSchema } from './group.ts'
import { RolloutBy } from './rollout.ts'

const SeverityName = Type.Enum([...severityNames])
const matchers = {
  severity: option(
    Type.Union([SeverityName, Type.Array(SeverityName, { minItems: 1 })]),
    'Severity',
    'The severity of the event. One severity means this and worse (`info`, `warn`, `error`); a list means exactly these. A rule without it matches `error`.',
    'warn',
    ['info']
  ),
  kind: option(
    Patterns,
    'Kinds',
    'The kind of the object, as globs: `*` is any number of characters, `?` is one. Case counts.',
    'HelmRelease',
    ['Kustomization', 'HelmRelease']
  ),
  namespace: option(Patterns, 'Namespaces', 'The namespace of the object, as globs.', 'team-*', [
    'flux-system',
    'infra-*'
  ]),
  name: option(Patterns, 'Names', 'The name of the object, as globs.', 'podinfo', ['*-canary']),
  object: option(
    Patterns,
    'Objects',
    'Single objects as `Kind/namespace/name`, as globs, for when lists of kinds, namespaces and names would match more than is meant.',
    'HelmRelease/db/redis',
    ['HelmRelease/db/redis', 'Kustomization/apps/*']
  ),
  cluster: option(
    Patterns,
    'Clusters',
    'The cluster of the object, as globs. It is the `cluster` of the source, or else `metadata.cluster` of the event, or else the `cluster` at the top of this file.',
    'prod-*'
  ),
  source: option(Patterns, 'Sources', 'The source of the event, as globs: its name under `sources`.', 'prod-eu'),
  reason: option(Patterns, 'Reasons', 'The `reason` of the event, as globs.', ['HealthCheckFailed', 'BuildFailed']),
  action: option(
    Patterns,
    'Actions',
    'What the controller was doing, as globs. Flux 2.10 and newer say it. It is not a state: a failure may come with any action.',
    'Applying',
    ['Fetching', 'Fetched']
  ),
  related: option(
    closedObject({
      kind: option(Patterns, 'Kinds', 'The kind of the related object, as globs.', 'OCIRepository'),
      namespace: option(Patterns, 'Namespaces', 'The namespace of the related object, as globs.', 'flux-system'),
      name: option(Patterns, 'Names', 'The name of the related object, as globs.', 'apps-podinfo')
    }),
    'Related object',
    'The other object that the event is about, such as the chart of a HelmRelease. Flux 2.10 and newer say it. If there is none, all of these are empty.',
    { kind: 'HelmChart', namespace: 'flux-system' }
  ),
  metadata: option(
    Type.Record(
      about(
        Patterns,
        'Value',
        'The value of this key, as globs. A key that the event does not have is empty.',
        'payments'
      )
    ),
    'Metadata',
    'Values in the metadata of the event, by key: the `eventMetadata` of the Alert, or the annotations `event.toolkit.fluxcd.io/<key>` of the object. All of them must match.',
    { team: 'payments' }
  ),
  message: option(
    closedObject({
      include: option(
        Type.Array(Type.String(), { minItems: 1 }),
        'Included',
        'At least one of these must be found in the message.',
        ['(?i)timeout']
      ),
      exclude: option(
        Type.Array(Type.String(), { minItems: 1 }),
        'Excluded',
        'None of these may be found in the message. This wins over `include`.',
        ['^Dependencies do not meet']
      )
    }),
    'Message',
    "Regular expressions (RE2) that are looked for anywhere in the message, as in Flux's `inclusionList` and `exclusionList`.",
    { include: ['(?i)timeout'], exclude: ['^Dependencies do not meet'] }
  )
}

export const MatchSchema = closedObject({
  ...matchers,
  not: option(closedObject(matchers), 'Not', 'Matchers that exclude events: none of these may match.', {
    reason: ['Progressing', 'DependencyNotReady']
  }),
  when: option(
    Type.String({ minLength: 1 }),
    'Expression',
    'A CEL expression that must be true. It may use `event` (severity, reason, message, controller, source, action), `object` (cluster, kind, namespace, name), `related` (kind, namespace, name; empty if the event names no other object), `revision` (text, pointer, sha, short), `metadata` and `transition` (failed, changed, repeated, recovered, updated, informed, heartbeat). `matches()` is RE2. A key of `metadata` that the event does not have is null in comparisons with `==`, `!=` and `in`. Anything else with such a key fails, and a rule whose expression fails does not fire, so ask `has()` first.',
    'object.cluster.startsWith("prod") && transition != "repeated"',
    'has(metadata.team) && metadata.team == object.namespace'
  )
})

/** Fields of the related object that a rule may ask for. */
export const relatedFields = ['kind', 'namespace', 'name'] as const

/** Only these four forms make Slack notify someone (Slack's "Formatting text for app surfaces"). */
export const mentionPattern = '^(<@[UW][A-Z0-9]+>|<!subteam\\^S[A-Z0-9]+>|<!here>|<!channel>)$'

export const RuleSchema = closedObject({
  name: about(
    Type.String({ minLength: 1, maxLength: 100 }),
    'Name',
    'The name of the rule in logs and explanations. It has to be unique, because the relay remembers by it what a destination was notified of.',
    'platform failures'
  ),
  match: option(
    MatchSchema,
    'Match',
    'Which events the rule sends. All conditions must match. If left out, every `error` matches.',
    {
      severity: 'warn',
      namespace: 'team-*'
    }
  ),
  notify: option(
    Type.Enum(['changes', 'every']),
    'Notify',
    'How much is sent. `changes` (default): the beginning, changes and end of a failure, reminders while it lasts, and what was applied. `every`: each event.',
    'every'
  ),
  remindEvery: option(
    DurationOrNever,
    'Reminders',
    'How long a failure lasts before the first reminder. The wait doubles each time, up to a day. `4h` by default, at least `1s`, or `never`.',
    '4h',
    'never'
  ),
  for: option(
    Duration,
    'For',
    'How long a failure must last before anybody is notified of it. A failure that ends sooner passes by itself: nobody is notified of it or of its end. Everything else, such as what was applied, is sent at once. If two rules notify the same destination, the one with the shorter `for` does. If left out, failures are sent at once.',
    '2m',
    '5m'
  ),
  group: option(
    GroupSchema,
    'Group',
    'Waits after the first event, so that one push that touches forty objects is one message. Without it, the first event of a failure is sent at once.',
    { by: ['cluster', 'revision'], wait: '10s' }
  ),
  as: option(
    Type.Enum(['rollout']),
    'As',
    '`rollout`: instead of a message for each event, one message for each revision and cluster says how many objects applied it, which fail, and how many are still to come. A webhook gets it when the rollout fails and when it has settled; a Slack app shows a card from the beginning. The rule has to match events of severity `info`. Failures are sent by rules of their own.',
    'rollout'
  ),
  by: option(
    RolloutBy,
    'By',
    'With `as: rollout`: what gets a message of its own. `[cluster, revision]` (default), or `[revision]` for one message about all clusters, with a line for each.',
    ['revision']
  ),
  settle: option(
    Duration,
    'Settle',
    'With `as: rollout`: how long nothing new may come before the rollout counts as settled. `2m` by default, at most `1h`.',
    '2m',
    '10m'
  ),
  final: option(Type.Boolean(), 'Final', 'Whether the rules below are skipped when this one matches.', true),
  mention: option(
    Type.String({
      pattern: mentionPattern,
      patternErrorMessage: 'write <@U012AB3CD>, <!subteam^S012AB3CD>, <!here> or <!channel>'
    }),
    'Mention',
    'Who is pinged when a failure begins: a user, a user group, `<!here>` or `<!channel>`. At most once an hour for one cause in one channel.',
    '<!subteam^S012AB3CD>',
    '<!here>'
  ),
  template: option(
    Type.String({ minLength: 1 }),
    'Template',
    'The name of the entry in `templates` that shapes the messages of this rule.',
    'detailed'
  ),
  send: about(
    Type.Unsafe<string | string[]>({
      type: ['string', 'array'],
      items: { type: 'string', minLength: 1 },
      minItems: 1,
      uniqueItems: true
    }),
    'Send to',
    'Who is notified: names under `destinations`. With `owners`, `owner` is whoever the event belongs to.',
    'platform',
    ['platform', 'team-a'],
    'owner',
    ['owner', 'feed']
  )
})

export type RuleText = Static<typeof RuleSchema>
export type MatchText = Static<typeof MatchSchema>
export type Matchers = Omit<MatchText, 'not' | 'when'>

/** Returns the severities that are meant: one means it and worse, a list exactly these. */
export function severitiesOf(severity: Severity | Severity[]): Set<Severity> {
  return new Set(Array.isArray(severity) ? severity : severityNames.slice(severityNames.indexOf(severity)))
}
