// Counts: how often, how many, how much, and which version.
import { sixDigits } from '../hints.ts'
import { countedKinds } from '../vocabulary.ts'
import { endOfToken, noValue, type Row } from './row.ts'

const version = String.raw`v?\d{1,6}\.\d{1,6}(?:\.\d{1,9})?(?:[+-][\w.+-]{0,80}(?<!\.))?(?!\w|\.\d)`
// Words whose number tells failures apart: a code, a place, a bound. A number from 100 to 599 may be a status of HTTP.
const notCounted =
  '(?:code|status|exit|exited|returned|errno|error|signal|sqlstate|state|line|column|col|position|offset|index|item|rule|step|stage|phase|group|row|document|container|shard|partition|disk|port|zone|region|worker|member|broker|ordinal|level|priority|http|type|tag|version|value)s?|rc|exited with|least|most|than|equal to'

// Text between a word and its number.
const numbered = [' 0', ':0', '=0', '":0', '": 0', ': 0', '#0']

export const counts: readonly Row[] = [
  // Helm 4 waiting: resource Job/ns/migrate not ready. status: InProgress, message: Job in progress. success:0, active: 1
  [
    ['resource '],
    new RegExp(
      String.raw`\b(resource (?:${countedKinds.join('|')})/\S{1,300} (?:not ready|still exists)\.) status: [^\n]{0,1000}`,
      'g'
    ),
    '$1',
    [' status: ']
  ],
  // The controllers of other kinds say why, and another reason is another failure.
  [
    ['resource '],
    /\b(resource [A-Z]\w{0,62}\/\S{1,300} (?:not ready|still exists)\.) status: \w{1,20}, message: /g,
    '$1 ',
    [' status: ']
  ],
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
    /(?=\d)(?<![\w./:@<-])\d{1,6}(?:st|nd|rd|th)? (?:more |consecutive )?(attempt|retr|tr|time|restart|node|pod|replica|instance|resource instance|No preemption|Preemption|Insufficient|Too many|connection)(?:s|y|ies|\(s\))?(?!\w)/g,
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
      'connection'
    ]
  ],
  // Kubernetes: ResourceVersion: 12345, Deployment generation is 2, but latest observed generation is 1
  [['version'], /(?=\d)(?<=resource ?version["']?[ :=]{1,3}["']?)\d{1,20}\b/gi, '<n>'],
  [['generation'], /(?=\d)(?<=generation["']?(?: is |[ :=]{1,2})["']?)\d{1,10}\b/gi, '<n>'],
  // exceeded quota: compute, requested: limits.cpu=2,pods=1, used: limits.cpu=9, limited: limits.cpu=10
  [['used: '], /=\d[\w.]{0,20}(?=[,\s"')\]]|$)/g, '=<n>'],
  // Quota 'CPUS' exceeded. Limit: 24.0; Current Usage: 10, Additional Required: 4
  [
    ['limit', 'usage', 'used', 'in use', 'current', 'remain', 'require', 'request', 'available'],
    /(?=\d)(?<=\b(?:limit|usage|used|in use|current|remaining|required|requested|available)["']?[:=] ?)\d{1,15}(?:\.\d{1,6})?(?:[kKMGTPE]i?B?|m)?(?!\w|\.\d)/gi,
    '<n>',
    numbered
  ],
  // A measured value before its bound: error-rate 4.20 > 1
  [['0.0 <', '0.0 >'], /(?=\d)(?<![\w./:@-])\d{1,9}\.\d{1,9}(?= [<>]=? \d)/g, '<n>'],
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
  [
    ['from v0.0', 'from 0.0', 'to v0.0', 'to 0.0'],
    new RegExp(String.raw`(?=v?\d)(?<=\b(?:from|to) )${version}`, 'g'),
    '<version>'
  ],
  // 430Mi left
  [
    ['0ki ', '0mi ', '0gi ', '0ti '],
    /(?=\d)(?<![\w./:@-])\d{1,15}(?:\.\d{1,9})?[KMGT]i(?= (?:left|free|used|available|remaining)\b)/g,
    '<size>'
  ],
  // Any other number that stands alone
  [
    [' 0', '=0', '(0', ',0', 's:0'],
    new RegExp(
      String.raw`(?=\d{1,5}(?:[\s),;\]}]|[.:]?(?:\s|$)))(?<=[\s(,=]|^|success:)(?<!(?:${notCounted})["']?[ :=]{1,3}[("'#]?)(?![1-5]\d\d(?!\d))\d{1,5}`,
      'gi'
    ),
    '<n>'
  ],
  // Seconds since 1970, sizes, versions of resources: no code, port or line is so long
  [
    [sixDigits],
    new RegExp(
      // The text before it is checked behind its first digit, because V8 skips to a digit but not to what it must look ahead for.
      String.raw`\d(?<=${noValue}(?<![\w.@/-]|[\w:]:|account )\d)\d{5,19}(?:\.\d{1,9})?(?:[KMGTPE]i?B?|m)?${endOfToken}`,
      'g'
    ),
    '<n>'
  ]
]
