// Times: when something happened and how long it took, in all the ways in which Go, clouds and people write it.
import { endOfToken, noValue, type Row } from './row.ts'

const month = '(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)'

export const times: readonly Row[] = [
  // klog header, from webhooks and hooks that relay their stderr: E0719 17:46:09.471959       1 dispatcher.go:168]
  [['0 0:0:0.0 0 '], /\b[IWEF]\d{4} \d\d:\d\d:\d\d\.\d{6} \d{1,7} /g, '<log> '],
  // RFC 3339 and time.Time.String(): Helm's log lines, certificates, 2020-07-19 17:45:39.47 +0000 UTC m=+5055.12
  [
    ['0-0-0t0:0', '0-0-0 0:0'],
    /(?<!\d)\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d)?(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d| [+-]\d{4}(?: [A-Z]{3,4}| [+-]\d\d)?| UTC| GMT)?(?: m=[+-]\d{1,12}\.\d{1,9})?/g,
    '<time>'
  ],
  // ISO 8601 without separators, as AWS writes it about signatures: 20220826T114812Z
  [['0t0'], /(?=\d{8}T)(?<![\w.-]|\w:)\d{8}T\d{4,6}(?:[.,]\d{1,9})?(?:Z|[+-]\d{4})?(?!\w)/g, '<time>'],
  // Go's log package: 2022/05/16 12:59:00; Windows: 5/16/2022 12:59:00 PM
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
  // time.Duration: 5m0.01s, 436.49ms, 1h2m, 30s. Not ttl.sh/app:1h (a tag), k3s, or a rejected value (the culprit).
  [
    ['0h', '0m', '0s', '0d', '0n', '0u', '0µ', '0μ'],
    new RegExp(
      String.raw`(?=\d)${noValue}(?<![\w.:/@-])(?:\d{1,6}d\d{1,2}h(?:\d{1,2}m)?|\d{1,6}h(?:\d{1,2}m)?(?:[\d.]{1,12}s)?|\d{1,6}m[\d.]{1,12}s|\d{1,6}(?:\.\d{1,9})?(?:[nuµμm]?s))${endOfToken}`,
      'g'
    ),
    '<duration>'
  ],
  // Whole minutes count only after a word of time: 500m is also half a CPU
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
  ]
]
