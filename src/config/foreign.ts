// Foreign: gives advice on keys of other tools' files, such as Alertmanager's and Flux's, in a config file.

/** What to write instead, and the keys that are meant, which then do not count as missing. */
type Advice = readonly [advice: string, ...meant: string[]]

const destinations: Advice = ['write `destinations`, by name', 'destinations']
const rules: Advice = ['write `rules`, one list: every rule that matches sends', 'rules']
const mute: Advice = ['write `mute`, with `weekly:` or `until:`', 'mute']
const send: Advice = ['write `send`, with the name of one of `destinations`', 'send']
const match: Advice = ['write `match`']
const group: Advice = ['write `group: { by: [cluster], wait: 10s }`']
const when: Advice = ["write `match: { when: '…' }`"]
const muted: Advice = ['write `mute` at the top of the file']
const off: Advice = ['comment the rule out, or `mute` its events for a while']
const recovered: Advice = ['whoever was notified of a failure is notified of its end; leave it out']
const remark: Advice = ['write it as a comment, after #']
const given = 'which annotations event.toolkit.fluxcd.io/<key> of an object give'
const metadata: Advice = [`write \`metadata\`, ${given}`]
const ofMetadata: Advice = [`write \`match: { metadata: { team: payments } }\`, ${given}`]
const either: Advice = ['a list of values is "one of"; for more, write several rules, or `when`']
const webhook: Advice = ['write `slack: { webhookUrl: "${VARIABLE}" }`']
const webhookUrl: Advice = ['write `webhookUrl: "${VARIABLE}"`', 'webhookUrl']
const hmacKeys: Advice = ['write `hmacKeys: ["${VARIABLE}"]`, and give the relay the Secret as a variable or a file']
const begins: Advice = ['a mute of this file begins when the file is read; write `until`, or `weekly`']
const weekly: Advice = ['write `weekly: { days: [mon-fri], from: "20:00", to: "07:00", timeZone: UTC }`']
const anchors: Advice = ['what YAML anchors (&) repeat stands under a key that begins with `x-`']
const dialect = (name: string): Advice => [`write \`slack: { webhookUrl: "\${VARIABLE}", dialect: ${name} }\``]

/** By the section or the map in which the keys stand; `''` is the top of the file. */
const words: Record<string, Record<string, Advice>> = {
  '': {
    ...{ receivers: destinations, providers: destinations, channels: destinations },
    ...{ route: rules, routes: rules, alerts: rules, subscriptions: rules },
    ...{ mute_time_intervals: mute, time_intervals: mute, silences: mute },
    ...{ anchors, aliases: anchors, definitions: anchors, defaults: anchors, common: anchors, shared: anchors },
    inhibit_rules: ['what fails because of another failure is gathered with it; leave it out'],
    config: ['these are values of the chart; a config file is what stands under this key', 'destinations', 'rules'],
    ...{ global: ['leave it out; each of `destinations` says how it is reached'], version: ['leave it out'] }
  },
  rules: {
    ...{ receiver: send, receivers: send, providerRef: send, to: send, destination: send, destinations: send },
    ...{ channel: send, channels: send, recipients: send },
    continue: ['every rule that matches sends; `final: true` stops after one'],
    ...{ group_by: group, groupBy: group, group_wait: group, groupWait: group, group_interval: group },
    ...{ repeat_interval: ['write `remindEvery`'], repeatInterval: ['write `remindEvery`'] },
    ...{ matchers: match, filter: match, filters: match, selector: match },
    match_re: ['write `match`, whose `message` takes regular expressions, and all else globs'],
    eventSeverity: ['write `match: { severity: error }`'],
    eventSources: ['write `match: { kind: […], namespace: […], name: […] }`'],
    inclusionList: ['write `match: { message: { include: […] } }`'],
    exclusionList: ['write `match: { message: { exclude: […] } }`'],
    ...{ if: when, condition: when, expr: when },
    ...{ labels: ofMetadata, matchLabels: ofMetadata, annotations: ofMetadata, eventMetadata: ofMetadata },
    routes: ['rules are one flat list; write each as a rule of its own'],
    ...{ mute_time_intervals: muted, active_time_intervals: muted },
    ...{ suspend: off, enabled: off, disabled: off },
    ...{ resolved: recovered, send_resolved: recovered, sendResolved: recovered },
    ...{ description: remark, comment: remark }
  },
  match: {
    ...{ labels: metadata, matchLabels: metadata, annotations: metadata, eventMetadata: metadata },
    ns: ['write `namespace`'],
    eventSeverity: ['write `severity`'],
    transition: ['write `when: \'transition == "recovered"\'`'],
    ...{ any: either, or: either }
  },
  sources: { secretRef: hmacKeys, secret: hmacKeys },
  destinations: {
    ...{ url: webhook, address: webhook, webhook, type: webhook, secretRef: webhook },
    ...{ discord: dialect('discord'), mattermost: dialect('mattermost'), rocket: dialect('rocketchat') },
    ...{ zulip: dialect('zulip'), googlechat: dialect('text') }
  },
  slack: { url: webhookUrl, address: webhookUrl, webhook: webhookUrl, secretRef: webhookUrl },
  mute: {
    ...{ for: begins, start: begins, starts: begins, from: begins, to: begins, end: begins, ends: begins },
    ...{ cron: weekly, schedule: weekly, days: weekly },
    ...{ comment: remark, description: remark }
  },
  weekly: {
    ...{ start: ['write `from`', 'from'], end: ['write `to`', 'to'] },
    ...{ tz: ['write `timeZone`', 'timeZone'], location: ['write `timeZone`', 'timeZone'] }
  }
}

/** Advice on what to write instead of `key`, which the map at `path` of a config file does not have. */
export function adviceOn(key: string, path: readonly (string | number)[]): Advice | undefined {
  if (/^x-/.test(key)) return ['keys that begin with `x-` stand at the top of the file']
  // Other tools mark such keys with `.` or `_`; `x_` and `X-` are near misses of `x-`.
  if (path.length === 0 && /^([._]|x[-_])/i.test(key)) return anchors
  const place = path.findLast((name) => Object.hasOwn(words, String(name))) ?? ''
  const known = words[String(place)] ?? {}
  return Object.hasOwn(known, key) ? known[key] : undefined
}

/** All keys that there is advice on. To show them gives no secret away. */
export const foreignKeys: ReadonlySet<string> = new Set(Object.values(words).flatMap((known) => Object.keys(known)))
