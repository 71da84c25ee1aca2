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
    'One severity means it and worse (`info`, `warn`, `error`); a list means exactly these. A rule without one matches `error`.',
    'warn',
    ['info']
  ),
  kind: option(
    Patterns,
    'Kinds',
    'Kinds of Flux object, as globs: `*` is any run of characters, `?` is one. Case counts.',
    'HelmRelease',
    ['Kustomization', 'HelmRelease']
  ),
  namespace: option(Patterns, 'Namespaces', 'Namespaces of the object, as globs.', 'team-*', [
    'flux-system',
    'infra-*'
  ]),
  name: option(Patterns, 'Names', 'Names of the object, as globs.', 'podinfo', ['*-canary']),
  object: option(
    Patterns,
    'Objects',
    'Objects as `Kind/namespace/name`, as globs: where the three lists above would name more than is meant.',
    'HelmRelease/db/redis',
    ['HelmRelease/db/redis', 'Kustomization/apps/*']
  ),
  cluster: option(
    Patterns,
    'Clusters',
    'Clusters, as globs: the `cluster` of the source, else `metadata.cluster` of the event, else the one at the top of this file.',
    'prod-*'
  ),
  source: option(Patterns, 'Sources', 'Names under `sources`, as globs.', 'prod-eu'),
  reason: option(Patterns, 'Reasons', 'The `reason` of the event, as globs.', ['HealthCheckFailed', 'BuildFailed']),
  action: option(
    Patterns,
    'Actions',
    'What the controller was doing, in its own word, as globs; Flux says it since 2.10. It is no state: a failure may have any of them.',
    'Applying',
    ['Fetching', 'Fetched']
  ),
  related: option(
    closedObject({
      kind: option(Patterns, 'Kinds', 'Its kinds, as globs.', 'OCIRepository'),
      namespace: option(Patterns, 'Namespaces', 'Its namespaces, as globs.', 'flux-system'),
      name: option(Patterns, 'Names', 'Its names, as globs.', 'apps-podinfo')
    }),
    'Related object',
    'The other object that an event is about, such as the chart of a HelmRelease; Flux says it since 2.10. Without one, all of these are empty.',
    { kind: 'HelmChart', namespace: 'flux-system' }
  ),
  metadata: option(
    Type.Record(about(Patterns, 'Value', 'The value, as globs. A missing key has an empty value.', 'payments')),
    'Metadata',
    'Keys of the `eventMetadata` of the Alert, or of the annotations `event.toolkit.fluxcd.io/<key>` of the object. All of them must match.',
    { team: 'payments' }
  ),
  message: option(
    closedObject({
      include: option(
        Type.Array(Type.String(), { minItems: 1 }),
        'Included',
        'At least one of these is found in the message.',
        ['(?i)timeout']
      ),
      exclude: option(
        Type.Array(Type.String(), { minItems: 1 }),
        'Excluded',
        'None of these may be found in the message, whatever is included.',
        ['^Dependencies do not meet']
      )
    }),
    'Message',
    "Regular expressions (RE2) that are found anywhere in the message, as in Flux's `inclusionList` and `exclusionList`.",
    { include: ['(?i)timeout'], exclude: ['^Dependencies do not meet'] }
  )
}

export const MatchSchema = closedObject({
  ...matchers,
  not: option(closedObject(matchers), 'Not', 'The opposite of any matcher: none of these may match.', {
    reason: ['Progressing', 'DependencyNotReady']
  }),
  when: option(
    Type.String({ minLength: 1 }),
    'Expression',
    'A CEL expression over `event` (severity, reason, message, controller, source, action), `object` (cluster, kind, namespace, name), `related` (kind, namespace, name; empty where an event names no other object), `revision` (text, pointer, sha, short), `metadata` and `transition` (failed, changed, repeated, recovered, updated, informed, heartbeat). `matches()` is RE2. Compared with `==`, `!=` or `in`, a key of `metadata` that an event does not have is null; what else is done with it fails, and a rule whose expression fails for an event does not fire: ask `has()` first.',
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
    'The name of the rule in logs and explanations. Names are unique: by them the relay remembers what a destination was notified of.',
    'platform failures'
  ),
  match: option(MatchSchema, 'Match', 'Which events. All conditions must match. If left out: every `error`.', {
    severity: 'warn',
    namespace: 'team-*'
  }),
  notify: option(
    Type.Enum(['changes', 'every']),
    'Notify',
    '`changes` (default): the beginning, changes and end of a failure, reminders while it lasts, and what was applied. `every`: each event.',
    'every'
  ),
  remindEvery: option(
    DurationOrNever,
    'Reminders',
    'How long a failure lasts before a reminder; the wait doubles each time, up to a day. `4h` by default, at least `1s`, or `never`.',
    '4h',
    'never'
  ),
  for: option(
    Duration,
    'For',
    'How long a failure lasts before it is notified, as one that began when it began; what ends before that passes by itself, and nobody is notified of it or of its end. Of two rules that notify the same destination the one with the shorter `for` does. News is not held. Left out: at once.',
    '2m',
    '5m'
  ),
  group: option(
    GroupSchema,
    'Group',
    'Waits after the first event, so that one push that touches forty objects is one message. Without it, the first of a failure goes at once.',
    { by: ['cluster', 'revision'], wait: '10s' }
  ),
  as: option(
    Type.Enum(['rollout']),
    'As',
    '`rollout`: one message for each revision and cluster says how many objects applied it, which fail and how many come, instead of one for each event. A webhook gets it when the rollout fails, and when it has settled; a Slack app shows a card at its beginning, which fills. Needs events of severity `info`; failures are sent by rules of their own.',
    'rollout'
  ),
  by: option(
    RolloutBy,
    'By',
    'With `as: rollout`: `[cluster, revision]` (default), or `[revision]` for one message about all clusters, with a line for each.',
    ['revision']
  ),
  settle: option(
    Duration,
    'Settle',
    'With `as: rollout`: how long without news until it is over; `2m` by default, at most `1h`.',
    '2m',
    '10m'
  ),
  final: option(Type.Boolean(), 'Final', 'When this rule fires, the rules below it are skipped.', true),
  mention: option(
    Type.String({
      pattern: mentionPattern,
      patternErrorMessage: 'write <@U012AB3CD>, <!subteam^S012AB3CD>, <!here> or <!channel>'
    }),
    'Mention',
    'Who is pinged when a failure begins, and only then: a user, a user group, `<!here>` or `<!channel>`. Once an hour for one cause in one channel.',
    '<!subteam^S012AB3CD>',
    '<!here>'
  ),
  template: option(
    Type.String({ minLength: 1 }),
    'Template',
    'The entry of `templates` that shapes the message.',
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
    'Names under `destinations`. With `owners`, `owner` is whom the event belongs to.',
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
