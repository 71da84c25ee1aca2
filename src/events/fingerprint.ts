// Fingerprint: hashes a failure's message without what varies between attempts, so that equal failures are recognised.
import { hash } from 'node:crypto'

// The message is untrusted and may be 3 MiB, so only its two ends are read: errors lead, apply logs put them last.
const headChars = 8_192
const tailChars = 2_048
// What is kept of each end once normalised. Smaller, because a longer duration moves the raw cut but not this one.
const keptHeadChars = 6_144
const keptTailChars = 1_536
// A list of culprits comes in map order, so it is read whole before anything is cut (Flux documents 39,000 characters).
const listChars = 65_536
const keptListChars = 4_096

// k8s.io/apimachinery/pkg/util/rand: a pod suffix has 27 characters to choose from; a pod-template-hash, decimal digits
// through SafeEncodeString, only these ten. Narrow on purpose: a git short SHA must not look like a pod.
const podSuffix = '[bcdfghjklmnpqrstvwxz2456789]{5}'
const templateHash = '[456789bcdf]{6,10}'
// A digit directly before a letter: true of j9lw6 and a0tew, false of words such as https, pgsql, http2 and app01.
const looksRandom = String.raw`(?=[a-z\d]{0,3}\d[a-z])`
// 32768 and up: net.ipv4.ip_local_port_range on Linux. NodePorts end at 32767.
const ephemeralPort = String.raw`(?:3276[89]|32(?:7[7-9]|[89]\d)\d|(?:3[3-9]|[45]\d|6[0-5])\d{3})(?!\w)`
const fluxTempDir =
  'kustomization|kustomize|gitrepository|ocirepository|bucket|helmrepository|helmchart|helmrelease|externalartifact'
const endOfTempDir = String.raw`(?![\w-]|\.(?!tgz|tar|ya?ml|json)\w)`
const endOfToken = String.raw`(?![\w-]|\.\w)`

/**
 * Each row: a hint, which is in the small letters of every text that has what varies and costs little to look for; what
 * varies; and the placeholder in its place. Applied top to bottom, to lines separated by one newline and words separated by one space.
 * Every repetition is bounded and none is nested, so each row is linear.
 */
export const rows: readonly (readonly [hint: string | RegExp, pattern: RegExp, placeholder: string])[] = [
  // klog header, from webhooks and hooks that relay their stderr: E0719 17:46:09.471959       1 dispatcher.go:168]
  [/[\d:]{8}/, /\b[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6} \d{1,7} /g, '<log> '],
  // RFC 3339 and time.Time.String(): Helm's log lines, certificates, 2020-07-19 17:45:39.47 +0000 UTC m=+5055.12
  [
    /[\d:]{8}/,
    /(?<!\d)\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d| [+-]\d{4}(?: [A-Z]{3,4}| [+-]\d\d)?| UTC| GMT)?(?: m=[+-]\d{1,12}\.\d{1,9})?/g,
    '<time>'
  ],
  // Go's log package: 2022/05/16 12:59:00
  [/[\d:]{8}/, /\b\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?/g, '<time>'],
  // RFC 1123 and ctime: HTTP dates, helm history
  [
    /[\d:]{8}/,
    /\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)(?:, \d\d? [A-Z][a-z]{2} \d{4} [\d:]{8}(?: [A-Z]{3,4}| [+-]\d{4})?| [A-Z][a-z]{2} \d\d? [\d:]{8}(?: [A-Z]{3,4})? \d{4})/g,
    '<time>'
  ],
  // UIDs in StorageError, volume names, kustomize-controller's 7e114434-c5ab-….yaml of 2021
  ['-', /\b[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}\b/gi, '<uuid>'],
  // AWS "RequestID: 0K34…, HostID: ZrTV…", Azure "Correlation ID: …", GitHub "request ID: D0A4:1F2B:…"
  [
    /id["']?[:=]/,
    /((?:request|host|correlation|trace|tracking|activity|operation)[-_ ]?id["']?[:=] ?["']?)(?:[\dA-F]{4}:[\dA-F:]{6,80}|[\w+/=.-]{6,200})/gi,
    '$1<id>'
  ],
  // Go pointers and panics
  ['0x', /\b0x[\da-f]{6,16}\b/gi, '<address>'],
  ['goroutine ', /\bgoroutine \d{1,9}\b/g, 'goroutine <n>'],
  // os.MkdirTemp: /tmp/kustomization-644156964/apps; source-controller adds the object: /tmp/gitrepository-ns-name-123/
  [
    '/tmp/',
    new RegExp(String.raw`(/tmp/(?:${fluxTempDir})-(?:[\w.-]{1,200}?-)?)\d{1,12}${endOfTempDir}`, 'g'),
    '$1<tmp>'
  ],
  // os.MkdirTemp after any other name (/tmp/podinfo637577731/kustomize), and mktemp's /tmp/tmp.0MBb4aUOQk
  ['/tmp/', new RegExp(String.raw`(/tmp/[A-Za-z][\w.-]{0,200}?)\d{6,12}${endOfTempDir}`, 'g'), '$1<tmp>'],
  ['/tmp/tmp.', /\/tmp\/tmp\.\w{6,12}\b/g, '/tmp/<tmp>'],
  // Go net.OpError, "read udp 10.0.0.1:43210->10.96.0.10:53": the left side is this pod and its port of the moment
  ['->', /(?:\[[\da-z:.%]{2,60}\]|\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}):\d{1,5}->/gi, '<local>->'],
  // Other ephemeral ports. Only after an address or in a URL: app:45123 is an image tag.
  [
    /:\d{5}/,
    new RegExp(
      String.raw`:${ephemeralPort}(?<=(?:\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}|\]|\blocalhost|://[\w.-]{1,253}):\d{5})`,
      'g'
    ),
    ':<port>'
  ],
  ['port ', new RegExp(String.raw`\bport ${ephemeralPort}`, 'g'), 'port <port>'],
  // time.Duration: 5m0.01s, 436.49ms, 1h2m, 30s. Not ttl.sh/app:1h (a tag), k3s, or a rejected value (the culprit).
  [
    /\d[hmnsuµμ]/,
    new RegExp(
      String.raw`(?<![\w.:/@-]|value: ")(?:\d{1,6}h(?:\d{1,2}m)?(?:[\d.]{1,12}s)?|\d{1,6}m[\d.]{1,12}s|\d{1,6}(?:\.\d{1,9})?(?:[nuµμm]?s))${endOfToken}`,
      'g'
    ),
    '<duration>'
  ],
  // Whole minutes only after a word of time: 500m is also half a CPU
  [
    /\d[hmnsuµμ]/,
    new RegExp(String.raw`\b(in|after|for|every|within|timeout of) \d{1,4}m${endOfToken}`, 'g'),
    '$1 <duration>'
  ],
  // Pods of a Deployment: podinfo-6bc5d5b96-j9lw6
  [
    /-[456789bcdf]{6,10}-/,
    new RegExp(String.raw`-${templateHash}-(?=\d{0,4}[a-z])${podSuffix}(?![\w-])`, 'g'),
    '-<hash>'
  ],
  // A ReplicaSet alone, only where it is called one: ReplicaSet "podinfo-6bc5d5b96" has timed out progressing.
  [
    'replicaset',
    new RegExp(
      String.raw`\b(replicasets?(?:\.apps)?[ /"']{1,3}(?:[a-z\d.-]{1,63}/)?[a-z\d.-]{1,100}?)-${templateHash}(?![\w-])`,
      'gi'
    ),
    '$1-<hash>'
  ],
  // Pods of a DaemonSet or Job, Jobs with generateName, Jobs of a CronJob (minutes since 1970): Job/ns/backup-29471230
  [
    /pod|job/,
    new RegExp(
      String.raw`\b((?:pods?|jobs?(?:\.batch)?)[ /"']{1,3}(?:[a-z\d.-]{1,63}/)?[a-z\d.-]{1,100}?)-(?:(?:2[6-9]|3[0-3])\d{6}(?:-${podSuffix})?|${looksRandom}${podSuffix})(?![\w-])`,
      'gi'
    ),
    '$1-<hash>'
  ],
  // Helm test pods named with randAlphaNum, as podinfo does: pod podinfo-fault-test-a0tew failed
  ['-test-', new RegExp(String.raw`-test-${looksRandom}[a-z\d]{5}(?![\w-])`, 'g'), '-test-<hash>'],
  // Helm's release counter, one higher on every try: release apps/redis.v4, secrets "sh.helm.release.v1.redis.v4"
  [
    '.v',
    new RegExp(
      String.raw`((?:\brelease [a-z\d.-]{1,63}/|\bsh\.helm\.release\.v1\.)[a-z\d.-]{1,63}?\.v)\d{1,6}${endOfToken}`,
      'g'
    ),
    '$1<n>'
  ],
  // Helm 4 waiting: resource Job/ns/migrate not ready. status: InProgress, message: Job in progress. success:0, active: 1
  ['resource ', /\b(resource [\w.-]{1,63}\/\S{1,300} (?:not ready|still exists)\.) status: [^\n]{0,1000}/g, '$1'],
  // helm-controller's log buffer (internal/action/log.go)
  [' duplicate line', /\(\d{1,9} duplicate lines? omitted\)/g, '(<n> duplicate lines omitted)'],
  // Helm 3 waiting: 0 out of 1 expected pods are ready
  [' out of ', /\b\d{1,6} out of \d{1,6}\b/g, '<n> out of <n>'],
  // Counters: attempt 3, retry 2/5, giving up after 10 attempt(s), failed 3 times
  [/attempt|retr[yi]/, /\b((?:attempts?|retry|retries)[ :=#]{1,2})\d{1,6}(?:\/\d{1,6}| of \d{1,6})?\b/gi, '$1<n>'],
  [/attempt|retries|tries|times/, /\b\d{1,6}(?= (?:attempts?|retries|tries|times)\b)/gi, '<n>'],
  // Kubernetes: ResourceVersion: 12345, Deployment generation is 2, but latest observed generation is 1
  ['version', /\b(resource ?version["']?[ :=]{1,3}["']?)\d{1,20}\b/gi, '$1<n>'],
  ['generation', /(generation["']?(?: is |[ :=]{1,2})["']?)\d{1,10}\b/gi, '$1<n>']
]

/** The last message, because the same one is asked for several times in a row, and this is most of an event's cost. */
let latest = { message: '', text: '' }

/**
 * Sixteen hex digits that two events share exactly when they report the same failure. `change` may take more out of the
 * normalised message.
 */
export function fingerprint(
  reason: string,
  message: string,
  change: (text: string) => string = (text) => text
): string {
  if (latest.message !== message) latest = { message, text: withoutVariation(message).replaceAll('\n', ' ') }
  const text = change(latest.text)
  // As JSON, no reason can end where a message begins, and lone surrogates stay themselves. What is remembered was made with
  // a revision's place, and stays what it is where that was empty.
  return hash('sha256', JSON.stringify([reason, '', text])).slice(0, 16)
}

/** The message with its varying parts replaced by placeholders: equal texts are why two failures are the same. */
export function withoutVariation(message: string): string {
  const ends = bothEnds(withSortedCulprits(withoutHelmLogs(message.trim()))).map(withPlainSpaces)
  const [head = '', tail] = withoutChangeLog(ends).map(withPlaceholders)
  return withSortedErrors(tail === undefined ? head : `${first(head, keptHeadChars)}\n…\n${last(tail, keptTailChars)}`)
}

// Helm's log lines repeat in varying order. They stay when there is nothing else to know a failure by.
function withoutHelmLogs(text: string): string {
  const at = text.indexOf('Last Helm logs:', 1)
  return at === -1 ? text : text.slice(0, at).trimEnd()
}

// fluxcd/pkg ssa/manager_wait.go prints a Go map: another order every time, and a status that moves while we wait.
// "timed out for" is the wording of 2021.
const culprits = /(?:timeout waiting for|stalled resources|timed out for):? \[/

function withSortedCulprits(text: string): string {
  const list = culprits.exec(first(text, headChars))
  if (list === null) return text
  const start = list.index + list[0].length
  const end = text.lastIndexOf(']', start + listChars)
  if (end < start) return text

  const names: string[] = []
  let insideError = false
  for (const entry of text.slice(start, end).split(', ')) {
    const status = entry.indexOf(" status: '")
    if (status === -1 && insideError) continue
    const culprit = withPlainSpaces(status === -1 ? entry : entry.slice(0, status))
      .trim()
      .replaceAll('\n', ' ')
    names.push(culprit.replace(/^can't determine status for | \(unknown status\)$/, ''))
    insideError = status !== -1 && entry.includes("': ", status)
  }
  // Placeholders first: two pods of one ReplicaSet are one culprit, and a random name must not decide the order.
  const sorted = [...new Set(withPlaceholders(names.join('\n')).split('\n'))].sort().join(', ')
  return `${text.slice(0, start)}${shortened(sorted)}${text.slice(end)}`
}

// Past the limit the names are no longer shown, only hashed: another culprit is still another failure.
function shortened(list: string): string {
  return list.length <= keptListChars ? list : `${first(list, keptListChars)}… ${hash('sha256', list).slice(0, 16)}`
}

function bothEnds(text: string): string[] {
  if (text.length <= headChars + tailChars) return [text]
  const head = first(text, headChars)
  const tail = last(text, tailChars)
  const headEnd = head.lastIndexOf('\n')
  const tailStart = tail.indexOf('\n')
  // Whole lines where possible: half a line of an apply log would not be recognised as one.
  return [
    headEnd >= keptHeadChars ? head.slice(0, headEnd) : head,
    tailStart <= tailChars - keptTailChars ? tail.slice(tailStart + 1) : tail
  ]
}

function withPlainSpaces(text: string): string {
  if (!/\s\s|[^\S ]/.test(text)) return text
  return text.trim().replace(/\s+/g, (run) => (run.includes('\n') ? '\n' : ' '))
}

// kustomize-controller lists what it applied around the error (notification-controller#81). The list changes between
// two tries, the error does not.
function withoutChangeLog(ends: string[]): string[] {
  if (!ends.some((text) => text.includes('\n'))) return ends
  let hasMore = false
  const rest = ends.map((text) =>
    text
      .split('\n')
      .map((line) => {
        const introduction = beforeChange(line)
        hasMore ||= introduction === undefined
        return introduction ?? line
      })
      .filter((line) => line !== '')
      .join('\n')
  )
  return hasMore ? rest : ends
}

const actions = new Set(['unchanged', 'configured', 'created', 'deleted'])

// '' for a line that only reports a change, 'apply failed:' for the first such line, undefined for any other line.
function beforeChange(line: string): string | undefined {
  const change = line.endsWith(' (dry run)') ? line.slice(0, -10) : line
  const action = change.lastIndexOf(' ')
  if (!actions.has(change.slice(action + 1))) return undefined
  const object = change.lastIndexOf(' ', action - 1)
  const introduction = change.slice(0, Math.max(object, 0))
  const isChange = change.slice(object + 1, action).includes('/') && (introduction === '' || introduction.endsWith(':'))
  return isChange ? introduction : undefined
}

function withPlaceholders(text: string): string {
  let result = text
  let small = text.toLowerCase()
  for (const [hint, pattern, placeholder] of rows) {
    const mayVary = typeof hint === 'string' ? small.includes(hint) : hint.test(small)
    if (!mayVary) continue
    result = result.replace(pattern, placeholder)
    small = result.toLowerCase()
  }
  return result
}

// hashicorp/go-multierror: "2 errors occurred:\n\t* a\n\t* b". Lines are sorted, not items: an item may have several.
function withSortedErrors(text: string): string {
  const at = text.indexOf(' occurred:\n* ')
  if (at === -1) return text
  const start = at + ' occurred:\n'.length
  return text.slice(0, start) + text.slice(start).split('\n').sort().join('\n')
}

// At most so many UTF-16 units, without half a character at the cut.
function first(text: string, chars: number): string {
  if (text.length <= chars) return text
  return text.slice(0, isHighSurrogate(text.charCodeAt(chars - 1)) ? chars - 1 : chars)
}

function last(text: string, chars: number): string {
  if (text.length <= chars) return text
  const start = text.length - chars
  return text.slice(isHighSurrogate(text.charCodeAt(start - 1)) ? start + 1 : start)
}

function isHighSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff
}
