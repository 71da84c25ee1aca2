// Full database: fills either store like six days of a busy fleet: a million events with their notifications and messages, and
// 20,000 objects, half of which fail.

export const rows = 1_000_000
export const failing = 10_000

const objects = 2 * failing
/** The time span of the data, shorter than the retention of events. */
const spanMs = 6 * 24 * 60 * 60 * 1000
const hex = 'd2f1c0b7e84c6a9d35f1e20c7ab8d964e15f3a'

// Each `n` maps to one object: 200 clusters, 1,000 namespaces, 20,000 objects.
const cluster = "('c' || (n % 200))"
const kind = "(case when n % 4 = 0 then 'HelmRelease' else 'Kustomization' end)"
const namespace = "('n' || (n % 1000))"
const name = `('o' || (n % ${objects}))`
const key = `${cluster} || '/' || ${kind} || '/' || ${namespace} || '/' || ${name}`

/** Many objects fail for the same cause, some wait for others, and a tenth fail each in their own way. */
const text = `(case n % 10
  when 0 then 'Deployment/' || ${namespace} || '/' || ${name} || ' dry-run failed (Invalid): field spec.part' || n || ' is immutable'
  when 1 then 'dependency ''flux-system/infra-' || (n % 50) || ''' is not ready'
  when 2 then 'kustomize build failed: accumulating resources: read /tmp/kustomization-' || n || '/' || ${name} || ': is a directory'
  else 'Helm upgrade failed for release ' || ${namespace} || '/' || ${name} || ' with chart ' || ${name} || '@1.2.' || (n % 30) ||
    ': timed out waiting for the condition' end)`

/**
 * The SQL statements. `numbers(count)` is a table of 1 to `count` in a column `n`; `lane` is the lane of the destination
 * `team`; `now` is in ms.
 */
export function filling(numbers: (count: number) => string, lane: string, now: number): string[] {
  const at = `(${now} - (${rows} - n) * ${Math.floor(spanMs / rows)})`
  const since = `(${now} - n * 20000)`
  const seen = `(${now} - (n % 1800) * 1000)`
  const notified = `'[{"rule":"rule-' || (n % 20) || '","destination":"team","at":' || ${since} || ',"reminders":2}]'`
  const failure = `'{"severity":"error","reason":"ReconciliationFailed","revision":"main@sha1:${hex}","text":"' || ${text} || '","at":' ||
    ${seen} || ',"since":' || ${since} || ',"count":' || (n % 300 + 1) || ',"prints":["3:0123456789abcdef"]}'`
  const memory = (rest: string) =>
    `'{"since":' || ${since} || ',"decidedAt":' || ${seen} || ',"seenAt":' || ${seen} ||
     ',"longestGapMs":3600000,"revision":"main@sha1:${hex}","uid":"6c1f0b1e-5a53-4b7a-9d5e-' || n || '"' || ${rest} || '}'`
  return [
    `insert into events (id, received_at, source, cluster, kind, namespace, name, severity, reason, transition, object, body, trace)
     select n, ${at}, 'default', ${cluster}, ${kind}, ${namespace}, ${name}, case when n % 3 = 0 then 'info' else 'error' end,
       'ReconciliationFailed', case when n % 3 = 0 then 'recovered' else 'failed' end, ${key},
       '{"involvedObject":{"kind":"' || ${kind} || '","namespace":"' || ${namespace} || '","name":"' || ${name} || '"},"severity":"error",' ||
       '"reason":"ReconciliationFailed","message":"' || ${text} || ' ${'and so on '.repeat(40)}","metadata":{"revision":"main@sha1:${hex}"}}',
       '{"verdicts":[{"rule":"rule-' || (n % 20) || '","fired":true}],"quiet":[]}' from ${numbers(rows)}`,
    `insert into notifications (id, event_id, rule, destination, lane, object, says, state, reason, created_at, message_id, held_until, held_at)
     select n, n, 'rule-' || (n % 20), case when n % 5 = 0 then 'other' else 'team' end, '${lane}', ${key}, 'failed',
       case when n % 500 = 0 then 'dead' when n % 97 = 0 then 'muted' when n % 101 = 0 then 'pending' else 'sent' end,
       case when n % 500 = 0 then '400 invalid_blocks' when n % 97 = 0 then 'muted by nights' end, ${at},
       case when n % 500 = 0 or n % 97 <> 0 and n % 101 <> 0 then n / 20 + 1 end,
       case when n % 101 = 0 then ${now + 30 * 86_400_000} else 0 end, case when n % 101 = 0 then ${at} end from ${numbers(rows)}`,
    `insert into views select n, '{"says":"failed","severity":"error","object":{"cluster":"' || ${cluster} || '","kind":"' || ${kind} ||
       '","namespace":"' || ${namespace} || '","name":"' || ${name} || '"},"reason":"ReconciliationFailed","summary":"' || ${text} ||
       '","message":"' || ${text} || '","cause":"c","controller":"kustomize-controller","at":' || ${at} || '}' from ${numbers(rows)}`,
    `insert into messages (id, lane, destination, state, payload, newest_at, notifications, created_at, settled_at)
     select n, '${lane}', case when n % 5 = 0 then 'other' else 'team' end, 'sent', '{"text":"sent ' || n || '"}', ${now}, 20,
       ${now} - (${rows / 20 + 1} - n) * ${Math.floor((20 * spanMs) / rows)}, ${now} - (${rows / 20 + 1} - n) * ${Math.floor((20 * spanMs) / rows)} + 900
     from ${numbers(rows / 20 + 1)}`,
    `insert into attempts select n, ${now}, '200 ok' from ${numbers(rows / 20 + 1)}`,
    `insert into objects (key, memory, seen_at, failing_since, source)
     select ${key}, ${memory(`case when n <= ${failing} then ',"notified":' || ${notified} || ',"failure":' || ${failure} else ',"notified":[]' end`)},
       ${seen}, case when n <= ${failing} then ${since} end, 'default' from ${numbers(objects)}`,
    `insert into acts (at, name, via, did, about) select ${at}, 'ada', 'page', 'silence', '{"silence":"' || n || '"}' from ${numbers(20_000)}`,
    `insert into silences (match, comment, created_at, ends_at, author)
     select '{"namespace":"n' || n || '","name":"o*"}', 'upgrade ' || n, ${now} - 3600000, case when n <= 20 then ${now} + 86400000 else ${now} - n end, 'ada'
     from ${numbers(2000)}`
  ]
}
