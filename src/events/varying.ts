// Varying: says what differs between two tries of one failure, as a table: times, addresses, ids, counts, versions.

import { hintsOf, longWord, look, mayHave, sevenHex, sixDigits } from './hints.ts'

// k8s.io/apimachinery/pkg/util/rand: a pod suffix has 27 characters to choose from; a pod-template-hash, decimal digits
// through SafeEncodeString, only these ten. Narrow on purpose: a git short SHA must not look like a pod.
const podSuffix = '[bcdfghjklmnpqrstvwxz2456789]{5}'
const templateHash = '[456789bcdf]{6,10}'
// A digit directly before a letter: true of j9lw6 and a0tew, false of words such as https, pgsql, http2 and app01.
const looksRandom = String.raw`(?=[a-z\d]{0,3}\d[a-z])`
// Words without a vowel, which a pod suffix could be and names of pods are.
const noWord = '(?!https|http2|pgsql|mssql|smtps|xhtml)'
// What follows the colon of an image is its tag: another image is another failure.
const notInTag = String.raw`(?<!:[\w.-]{0,128})`
const endOfName = String.raw`(?![a-zA-Z\d-])`
// 32768 and up: net.ipv4.ip_local_port_range on Linux. NodePorts end at 32767.
const ephemeralPort = String.raw`(?:3276[89]|32(?:7[7-9]|[89]\d)\d|(?:3[3-9]|[45]\d|6[0-5])\d{3})(?!\w)`
const fluxTempDir =
  'kustomization|kustomize|gitrepository|ocirepository|bucket|helmrepository|helmchart|helmrelease|externalartifact'
const endOfTempDir = String.raw`(?![\w-]|\.(?!tgz|tar|ya?ml|json)\w)`
const endOfToken = String.raw`(?![\w-]|\.\w)`
const version = String.raw`v?\d{1,6}\.\d{1,6}(?:\.\d{1,9})?(?:[+-][\w.+-]{0,80}(?<!\.))?(?!\w|\.\d)`
const month = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)'
const idsOf =
  'request|host|correlation|trace|span|tracking|activity|operation|session|transaction|invocation|instance|stream|client|message|error|event|job|run|build|task|ray|process'
// A value that was refused is the culprit.
const noValue = '(?<!value: "?)'

// Between a word and its number.
const numbered = [' 0', ':0', '=0', '":0', '": 0', ': 0', '#0']

type Row = readonly [hints: readonly string[], pattern: RegExp, placeholder: string, others?: readonly string[]]

/**
 * Each row: hints, of which one is in every text that has what varies (see hints.ts); what varies; the placeholder in its
 * place; and other hints, of which one is in it too. Applied top to bottom, to lines separated by one newline and words separated by one space. Repetitions are
 * bounded, or end where the next could begin, and none is nested, so each row is linear. A digit is looked for before what
 * is before it, which is cheaper.
 */
export const rows: readonly Row[] = [
  // Queries of signed URLs: S3, GCS, Azure SAS, CloudFront; and tokens in any URL
  [
    ['?'],
    /\?(?=[^\s"'<>?]{0,2000}?(?:sig|signature|token|expires|credential|algorithm|key-pair-id|x-(?:amz|goog|ms)-[a-z-]{1,40}|googleaccessid|awsaccesskeyid|jwt|nonce|ts)=)[^\s"'<>?]{1,4000}/gi,
    '?<query>'
  ],
  [['@'], /(:\/\/)[^\s/@:"']*:[^\s/@"']+@/g, '$1<user>@'],
  [
    ['signature', 'credential', 'token', 'nonce'],
    /((?:signature|credential|token|nonce)["']?[=:] ?["']?)(?=[\w+/=%.~-]{0,40}[\d=+])[\w+/=%.~-]{8,2000}/gi,
    '$1<secret>',
    ['=', ':']
  ],
  // JWT, GitHub, GitLab, Slack, Google, Vault; access keys of AWS
  [
    ['eyj', 'ghp_', 'gho_', 'ghu_', 'ghs_', 'ghr_', 'github_pat_', 'glpat-', 'xox', 'ya0.', 'hvs.', 'akia', 'asia'],
    /\b(?:eyJ[\w-]{8,2000}(?:\.[\w-]{4,2000}){0,3}|gh[pousr]_\w{16,255}|github_pat_\w{16,255}|glpat-[\w-]{16,64}|xox[abprs]-[\w-]{10,255}|ya29\.[\w-]{10,2000}|hvs\.[\w-]{16,255}|A[KS]IA[A-Z\d]{12,28})(?![\w-])/g,
    '<token>'
  ],
  [['failure message: '], /\b(failure message: )[\w+/=-]{20,6000}/g, '$1<secret>'],
  // sts: arn:aws:sts::123456789012:assumed-role/flux/1663302174123456789
  [['assumed-role/'], /(:assumed-role\/[\w+=,.@-]{1,64}\/)[\w+=.@-]{2,64}/g, '$1<session>'],
  // klog header, from webhooks and hooks that relay their stderr: E0719 17:46:09.471959       1 dispatcher.go:168]
  [['0 0:0:0.0 0 '], /\b[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6} \d{1,7} /g, '<log> '],
  // RFC 3339 and time.Time.String(): Helm's log lines, certificates, 2020-07-19 17:45:39.47 +0000 UTC m=+5055.12
  [
    ['0-0-0t0:0', '0-0-0 0:0'],
    /(?<!\d)\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d| [+-]\d{4}(?: [A-Z]{3,4}| [+-]\d\d)?| UTC| GMT)?(?: m=[+-]\d{1,12}\.\d{1,9})?/g,
    '<time>'
  ],
  // ISO 8601 without separators, in what AWS says of signatures: 20220826T114812Z
  [['0t0'], /(?=\d{8}T)(?<![\w.-]|\w:)\d{8}T\d{4,6}(?:[.,]\d{1,9})?(?:Z|[+-]\d{4})?(?!\w)/g, '<time>'],
  // Go's log package: 2022/05/16 12:59:00; and as Windows has it: 5/16/2022 12:59:00 PM
  [
    ['0/0/0 0:0:0', '0/0/0, 0:0:0'],
    /\b\d{1,4}\/\d{1,2}\/\d{1,4},? \d{1,2}:\d\d:\d\d(?:\.\d{1,9})?(?: ?[AP]M\b)?/g,
    '<time>'
  ],
  // RFC 1123 and ctime: HTTP dates, helm history; syslog; access logs
  [
    [' 0:0:0', '0:0:0:0'],
    new RegExp(
      String.raw`\b(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)(?:, \d\d? [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d(?: [A-Z]{3,4}| [+-]\d{4})?| [A-Z][a-z]{2} \d\d? \d\d:\d\d:\d\d(?: [A-Z]{3,4})? \d{4})|${month} \d\d? \d\d:\d\d:\d\d(?:\.\d{1,9})?(?: \d{4}\b)?|\d\d/${month}/\d{4}:\d\d:\d\d:\d\d(?: [+-]\d{4})?)`,
      'g'
    ),
    '<time>'
  ],
  [['0:0:0'], /(?=\d)(?<![\w.:/-])\d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?(?: UTC|Z)?(?![\w:])/g, '<time>'],
  // AWS "RequestID: 0K34…, HostID: ZrTV…", Azure "Correlation ID: …", GitHub "request ID: D0A4:1F2B:…", "stream ID 5"
  [
    ['id=', 'id:', 'id>', 'id"', "id'", 'id 0', 'id "', "id '"],
    new RegExp(
      String.raw`(id["']?(?:[:=>] ?| (?=["'\d]))["']?(?<=(?:${idsOf})[-_ ]?id["':=> ]{1,4}))(?:[\dA-F]{4}:[\dA-F:]{6,80}|[\w+/=.-]{1,200}(?<!\.))`,
      'gi'
    ),
    '$1<id>'
  ],
  [['session'], /(session[-_ ]?name["']?(?:[:=] ?| (?=["'\d]))["']?)[\w+=.@-]{1,200}(?<!\.)/gi, '$1<session>'],
  // Akamai's pages: Reference #18.5f1e2d3c.1663302174.1a2b3c4d
  [['reference #'], /\b(reference #)[\da-f.]{6,80}/gi, '$1<id>'],
  // UIDs in StorageError, volume names, kustomize-controller's 7e114434-c5ab-….yaml of 2021
  [
    [sevenHex],
    /(?=[\da-f]{8}-)(?<![a-z\d])[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}(?![a-z\d])/gi,
    '<uuid>'
  ],
  // Digests; then commits and hashes in full, which no image tag is; then short ones, where they are called so
  [['sha0:'], /\b(sha(?:1|224|256|384|512):)[\da-f]{7,128}(?!\w)/gi, '$1<digest>'],
  [[sevenHex], /(?=[\da-f]{12})(?<![\w:+-])(?=[a-f]{0,127}\d)(?=\d{0,127}[a-f])[\da-f]{12,128}(?![\w-])/gi, '<hash>'],
  [
    [sevenHex],
    /(?=[\da-f]{7})(?<=\b(?:commit|revision|rev|sha|head)s?["']?[ :=(]{1,2}["'(]?)(?=[a-f]{0,39}\d)[\da-f]{7,40}(?![\w-]|\.\w)/gi,
    '<hash>',
    ['commit', 'rev', 'sha', 'head']
  ],
  [[sevenHex], /(?<=\w)@(?=[a-f]{0,39}\d)[\da-f]{7,40}(?![\w-]|\.\w)/g, '@<hash>', ['@']],
  [['.tar.gz'], /\/[\da-f]{7,64}(?=\.tar\.gz)/g, '/<hash>'],
  // Go pointers, panics and processes
  [['0x'], /\b0x[\da-f]{6,16}\b/gi, '<address>'],
  [
    ['goroutine 0', 'pid 0', 'pid:', 'pid=', 'thread 0', 'thread:', 'thread='],
    /\b(goroutine |pid[ :=]{1,2}|thread[ :=]{1,2})\d{1,9}\b/gi,
    '$1<n>'
  ],
  // os.MkdirTemp: /tmp/kustomization-644156964/apps; source-controller adds the object: /tmp/gitrepository-ns-name-123/
  [
    ['/tmp/'],
    new RegExp(String.raw`(/tmp/(?:${fluxTempDir})-(?:[\w.-]{1,200}?-)?)\d{1,12}${endOfTempDir}`, 'g'),
    '$1<tmp>'
  ],
  // os.MkdirTemp after any other name (/tmp/podinfo637577731/kustomize); mktemp's /tmp/tmp.0MBb4aUOQk, Python's /tmp/tmpab12cd_4
  [['/tmp/'], new RegExp(String.raw`(/tmp/[A-Za-z][\w.-]{0,200}?)\d{6,12}${endOfTempDir}`, 'g'), '$1<tmp>'],
  [['/tmp/tmp'], /\/tmp\/tmp(?:\.\w{6,12}|(?=[a-z_]{0,7}\d)[a-z\d_]{8})\b/g, '/tmp/<tmp>'],
  // Nodes are replaced, and their disks: ip-10-0-12-34.ec2.internal, i-0abc…, gke-prod-pool-1-3f2a9b1c-x7k2, aks-pool-12345678-vmss00000a
  [
    ['ip-0', '0-0-0-0.', 'i-', 'vol-', 'snap-', 'gke-', 'aks-'],
    /\b(?:ip(?:-\d{1,3}){4}|\d{1,3}(?:-\d{1,3}){3}(?=\.)|(?:i|vol|eni|snap)-(?=[a-f]{0,16}\d)[\da-f]{8,17}|gke-[\w-]{1,80}-[\da-f]{8}-[a-z\d]{4}|aks-[\w-]{1,40}-\d{8}-vmss[\da-z]{6})(?![\w-])/g,
    '<node>'
  ],
  // Go net.OpError, "read udp 10.0.0.1:43210->10.96.0.10:53": the left side is this pod and its port of the moment
  [['->'], /(?:\[[\da-z:.%]{2,60}\]|\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}):\d{1,5}->/gi, '<local>->'],
  // Names of many addresses, which come in turn, and pods that move. Not a range, nor a version such as app:1.2.3.4
  [
    ['0.0.0.0'],
    new RegExp(String.raw`(?=\d)${noValue}(?<![\w.-]|\w:)\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![\w-]|\.\w|/\d)`, 'g'),
    '<ip>'
  ],
  [
    ['::', ']:0', ']/', ':0:'],
    new RegExp(
      String.raw`(?=\[?[\da-f]{0,4}:)${noValue}(?<![\w.:])(?:\[(?=[\da-f]{0,4}:)[\da-f:.]{2,45}(?:%\w{1,15})?\](?=:\d|/)|(?:(?=[\da-f:]{0,34}:\d{1,4}:)(?:[\da-f]{1,4}:){7}[\da-f]{1,4}|(?:[\da-f]{1,4}:){1,6}(?::[\da-f]{1,4}){1,6}|::[\da-f]{1,4})(?:%\w{1,15})?(?![\w:/]|\.\d))`,
      'gi'
    ),
    '<ip>'
  ],
  // Other ephemeral ports. Only after an address or in a URL: app:45123 is an image tag.
  [
    [':0'],
    new RegExp(String.raw`:${ephemeralPort}(?<=(?:<ip>|\]|\blocalhost|://[\w.-]{1,253}):\d{5})`, 'g'),
    ':<port>'
  ],
  [['port 0'], new RegExp(String.raw`\bport ${ephemeralPort}`, 'g'), 'port <port>'],
  // time.Duration: 5m0.01s, 436.49ms, 1h2m, 30s. Not ttl.sh/app:1h (a tag), k3s, or a rejected value (the culprit).
  [
    ['0h', '0m', '0s', '0d', '0n', '0u', '0µ', '0μ'],
    new RegExp(
      String.raw`(?=\d)${noValue}(?<![\w.:/@-])(?:\d{1,6}d\d{1,2}h(?:\d{1,2}m)?|\d{1,6}h(?:\d{1,2}m)?(?:[\d.]{1,12}s)?|\d{1,6}m[\d.]{1,12}s|\d{1,6}(?:\.\d{1,9})?(?:[nuµμm]?s))${endOfToken}`,
      'g'
    ),
    '<duration>'
  ],
  // Whole minutes only after a word of time: 500m is also half a CPU
  [
    [' 0h', ' 0m', ' 0d'],
    new RegExp(
      String.raw`(?=\d{1,4}[mhd])(?<=\b(?:in|after|for|every|within|timeout(?: of|:)?|over|last|waited|exceeded|age:?) )\d{1,4}[mhd]${endOfToken}|(?<![\w./:@-])\d{1,4}[mhd](?= (?:ago|old|left|remaining)\b)`,
      'g'
    ),
    '<duration>',
    [
      'in 0',
      'after 0',
      'for 0',
      'every 0',
      'timeout',
      'over 0',
      'last 0',
      'waited 0',
      'exceeded 0',
      'age',
      'ago',
      'old',
      'left',
      'remaining'
    ]
  ],
  [
    ['0 sec', '0 milli', '0 min', '0 hour', '0 day'],
    new RegExp(
      String.raw`(?=\d)${noValue}(?<![\w.:/@-])\d{1,9}(?:\.\d{1,9})? (?:(?:milli)?seconds?|minutes?|hours?|days?|secs?|mins?)(?!\w)`,
      'g'
    ),
    '<duration>'
  ],
  // A ReplicaSet alone: short ones only where they are called one: ReplicaSet "podinfo-6bc5d5b96" has timed out progressing.
  [
    ['replicaset'],
    new RegExp(
      String.raw`\b(replicasets?(?:\.apps)?[ /"']{1,3}(?:[a-z\d.-]{1,63}/)?[a-z\d.-]{1,100}?)-${templateHash}${endOfName}`,
      'gi'
    ),
    '$1-<hash>'
  ],
  // Pods of a Deployment: podinfo-6bc5d5b96-j9lw6; ReplicaSets; generators of kustomize (api/hasher): settings-79bt28cg56;
  // Jobs of a CronJob (minutes since 1970) and their pods: backup-29471230-x7k2p; names that end in a time; other pods
  [
    ['-'],
    new RegExp(
      String.raw`-(?:${templateHash}-(?=\d{0,4}[a-z])${podSuffix}|(?=\d{0,9}[bcdf])(?=[bcdf]{0,9}\d)[4-9bcdf]{8,10}(?:-[a-z\d]{5})?|(?=[a-z]{0,9}\d)(?=\d{0,9}[a-z])[bcdfghkmt2456789]{10}|(?:(?:2[6-9]|3[0-3])\d{6}|\d{9,20})(?:-${podSuffix})?|${looksRandom}${podSuffix})${endOfName}${notInTag}`,
      'g'
    ),
    '-<hash>'
  ],
  // Pods of a DaemonSet or Job, Jobs with generateName: of any letters where they are called so
  [
    ['pod', 'job'],
    new RegExp(
      String.raw`\b((?:pods?|jobs?(?:\.batch)?)[ /"'=:]{1,3}(?:[a-z\d.-]{1,63}/)?[a-z\d.-]{1,100}?)-${noWord}(?=[\d]{0,4}[a-z])${podSuffix}${endOfName}`,
      'gi'
    ),
    '$1-<hash>'
  ],
  // Helm test pods named with randAlphaNum, as podinfo does: pod podinfo-fault-test-a0tew failed
  [['-test-'], new RegExp(String.raw`-test-${looksRandom}[a-z\d]{5}${endOfName}`, 'g'), '-test-<hash>'],
  // Helm's release counter, one higher on every try: release apps/redis.v4, secrets "sh.helm.release.v1.redis.v4"
  [
    ['.v0'],
    new RegExp(
      String.raw`((?:\brelease [a-z\d.-]{1,63}/|\bsh\.helm\.release\.v1\.)[a-z\d.-]{1,63}?\.v)\d{1,6}${endOfToken}`,
      'g'
    ),
    '$1<n>'
  ],
  // Helm 4 waiting: resource Job/ns/migrate not ready. status: InProgress, message: Job in progress. success:0, active: 1
  [['resource '], /\b(resource [\w.-]{1,63}\/\S{1,300} (?:not ready|still exists)\.) status: [^\n]{0,1000}/g, '$1'],
  // helm-controller's log buffer (internal/action/log.go)
  [[' duplicate line'], /\(\d{1,9} duplicate lines? omitted\)/g, '(<n> duplicate lines omitted)'],
  // Versions of charts: podinfo@6.5.3, version '6.5.3', chart version found for podinfo-6.5.3, podinfo-6.5.3.tgz
  [['@0.0', '@v0.0'], new RegExp(String.raw`(?<=\w@)${version}`, 'g'), '<version>'],
  [
    ['version', 'kubernetes '],
    new RegExp(
      String.raw`(?=v?\d)(?<=\bkubernetes |\bversions?["']?(?: matching| constraint| for)?[ :=]{1,2}["'(\x60]?)${version}`,
      'gi'
    ),
    '<version>',
    ['0.0']
  ],
  [
    ['chart'],
    new RegExp(
      String.raw`\b(charts? (?:version found for )?["'\x60]?[a-z][\w./-]{0,100}?["'\x60]?[ :-])${version}`,
      'gi'
    ),
    '$1<version>',
    ['0.0']
  ],
  [['.tgz'], /(?<=[\w]-)v?\d{1,6}\.\d{1,6}(?:\.\d{1,9})?(?:[+-][\w.+-]{0,80})?(?=\.tgz)/g, '<version>'],
  // Counters: attempt 3, retry 2/5, restart count: 7, revision 12 of a release, (x12 over 5m). After 3 attempts: 503 is a status.
  [
    ['attempt', 'retr', 'try', 'tries', 'restart', 'revision'],
    /(?=\d)(?<=number of attempts, |\b(?:attempts?|retry|retries|try|tries|restarts?|restart[-_ ]?count|revision)["']?(?: number | #|[ :=#]{1,2}))(?![1-5]\d\d(?!\d))\d{1,6}(?:\/\d{1,6}| of \d{1,6})?(?!\w|\.\d)/gi,
    '<n>',
    [...numbered, 'attempts, 0']
  ],
  [['(x0'], /\(x\d{1,9}(?!\w)/g, '(x<n>'],
  // 0 of 2 updated replicas, 1 out of 3 expected pods, 0/5 nodes are available
  [['0/0', '0 of 0', '0 out of 0'], /(?=\d)(?<![\w./:-])\d{1,6}(?:\/| of | out of )\d{1,6}(?![\w/]|\.\d)/g, '<n>/<n>'],
  // 10 attempt(s), 3 times, 2 Insufficient cpu, 3 node(s) had untolerated taint
  [
    ['0 ', '0th ', '0st ', '0nd ', '0rd '],
    /(?=\d)(?<![\w./:@<-])\d{1,6}(?:st|nd|rd|th)? (?:more |consecutive )?(attempt|retr|tr|time|restart|node|pod|replica|instance|resource instance|No preemption|Preemption|Insufficient|Too many|byte|connection)(?:s|y|ies|\(s\))?(?!\w)/g,
    '<n> $1',
    [
      'attempt',
      'retr',
      ' tr',
      ' time',
      'restart',
      ' node',
      ' pod',
      'replica',
      'instance',
      'reemption',
      'insuff',
      'too many',
      ' byte',
      'connection'
    ]
  ],
  // Kubernetes: ResourceVersion: 12345, Deployment generation is 2, but latest observed generation is 1
  [['version'], /(?=\d)(?<=resource ?version["']?[ :=]{1,3}["']?)\d{1,20}\b/gi, '<n>'],
  [['generation'], /(?=\d)(?<=generation["']?(?: is |[ :=]{1,2})["']?)\d{1,10}\b/gi, '<n>'],
  // ready: 1, replicas=2, active: 1, failed: 2
  [
    ['replicas', 'active', 'succ', 'failed', 'ready', 'available', 'updated', 'desired'],
    /(?=\d)(?<=(?:replicas|active|succeeded|success|failed|ready|available|updated|desired)["']?[:=] ?)(?![1-5]\d\d(?!\d))\d{1,6}(?!\w|\.\d)/gi,
    '<n>',
    numbered
  ],
  // exceeded quota: compute, requested: limits.cpu=2,pods=1, used: limits.cpu=9, limited: limits.cpu=10
  [['used: '], /=\d[\w.]{0,20}(?=[,\s"')\]]|$)/g, '=<n>'],
  // Quota 'CPUS' exceeded. Limit: 24.0; Current Usage: 10, Additional Required: 4
  [
    ['limit', 'usage', 'used', 'in use', 'current', 'remain', 'require', 'request', 'available'],
    /(?=\d)(?<=\b(?:limit|usage|used|in use|current|remaining|required|requested|available)["']?[:=] ?)\d{1,15}(?:\.\d{1,6})?(?:[kKMGTPE]i?B?|m)?(?!\w|\.\d)/gi,
    '<n>',
    numbered
  ],
  // Challenges of ACME, and whatever else has letters of both cases between its digits
  [
    [longWord],
    /(?<![\w-])(?=[\w-]{0,80}[A-Z]|[a-z\d]{20})(?=[\w-]{0,80}?[a-zA-Z\d]{18})(?=(?:[A-Za-z_-]{0,12}\d{1,4}[A-Za-z_-]){4})[\w-]{20,400}(?![\w-])/g,
    '<token>'
  ],
  // Retry-After without its unit; percentages; sizes
  [['retry'], /(?=\d)(?<=\bretry[- ]after["']?[:=]? ?["']?)\d{1,9}(?![\w.])/gi, '<n>'],
  [['0%'], /(?=\d)(?<![\w.-])\d{1,9}(?:\.\d{1,9})?%(?![\w%])/g, '<n>%'],
  [
    [
      '0kb',
      '0ki',
      '0mb',
      '0mi',
      '0gb',
      '0gi',
      '0tb',
      '0ti',
      '0by',
      '0 kb',
      '0 ki',
      '0 mb',
      '0 mi',
      '0 gb',
      '0 gi',
      '0 tb',
      '0 ti',
      '0 by'
    ],
    new RegExp(String.raw`(?=\d)${noValue}(?<![\w./:@-])\d{1,15}(?:\.\d{1,9})? ?(?:[kKMGT]i?B|bytes)(?!\w)`, 'g'),
    '<size>'
  ],
  // 2 ready, 1 unavailable replica, 3 pods pending
  [
    ['ready', 'available', 'updated', 'pending', 'in use', 'running', 'healthy', 'currently'],
    /(?=\d)(?<![\w./:@<-])\d{1,6} (?=(?:ready|(?:un)?available|updated|pending|in use|running|(?:un)?healthy|currently)\b)/g,
    '<n> ',
    ['0 ']
  ],
  [
    ['from v0.0', 'from 0.0', 'to v0.0', 'to 0.0'],
    new RegExp(String.raw`(?=v?\d)(?<=\b(?:from|to) )${version}`, 'g'),
    '<version>'
  ],
  // Seconds since 1970, sizes, versions of resources: no code, no port and no line is so long
  [
    [sixDigits],
    new RegExp(
      String.raw`(?=\d{6})${noValue}(?<![\w.@/-]|[\w:]:|account )\d{6,20}(?:\.\d{1,9})?(?:[KMGTPE]i?B?|m)?${endOfToken}`,
      'g'
    ),
    '<n>'
  ]
]

const hinted = rows.map(([hints, pattern, placeholder, others]) => ({
  ...{ hints: hintsOf(hints), pattern, placeholder },
  others: others && hintsOf(others)
}))

/** `text` with placeholders for all that varies. */
export function withPlaceholders(text: string): string {
  look(text)
  let result = text
  for (const { hints, others, pattern, placeholder } of hinted) {
    if (mayHave(hints) && (others === undefined || mayHave(others))) result = result.replace(pattern, placeholder)
  }
  return result
}
