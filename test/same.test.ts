// Same: a corpus of what controllers, clusters and clouds say, and which texts are the same failure.
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { causeFingerprint, failureFingerprint } from '../src/events/cause.ts'
import { withoutVariation } from '../src/events/fingerprint.ts'
import type { FluxEvent } from '../src/events/flux.ts'
import { hintsOf, look, mayHave } from '../src/events/hints.ts'
import { parseRevision } from '../src/events/revision.ts'
import { rows } from '../src/events/varying.ts'
import { event } from './fixtures/events.ts'
import { fc } from './fixtures/fc.ts'

interface Group {
  about: string
  reason?: string
  of?: string
  cluster?: string
  revision?: string
  same: string
  other: string[]
}

const folder = new URL('corpus/', import.meta.url)
const files = readdirSync(folder).filter((file) => /^same-.*\.yaml$/.test(file))
const groups = files.flatMap((file) => parse(readFileSync(new URL(file, folder), 'utf8')) as Group[])

/** The `n`-th form of a text with ‹a|b›, or the last one if it has fewer. */
function form(text: string, n: number): string {
  return text.replace(/‹([^›]*)›/g, (_, forms: string) => forms.split('|')[n] ?? forms.split('|').at(-1) ?? '')
}

function formsOf(text: string): number {
  return Math.max(1, ...[...text.matchAll(/‹([^›]*)›/g)].map(([, forms = '']) => forms.split('|').length))
}

/** The event with the `n`-th text of a group. */
function said(group: Group, text: string, n: number): FluxEvent {
  const [namespace = '', name = ''] = form(group.of ?? 'apps/shop', n).split('/')
  const revision = form(group.revision ?? `main@sha1:${'4f2c91d0'.repeat(5)}`, n)
  return event({
    object: { namespace, name, ...(group.cluster !== undefined && { cluster: form(group.cluster, n) }) },
    reason: group.reason ?? 'Failed',
    message: form(text, n),
    revision: parseRevision(revision),
    metadata: { revision }
  })
}

/** Pairs of each group: whether they are the same failure, and whether the relay says so. */
function pairs(group: Group): { isSame: boolean; isFound: boolean; texts: string }[] {
  const print = group.of === undefined ? failureFingerprint : causeFingerprint
  const first = said(group, group.same, 0)
  const others = [
    ...Array.from({ length: formsOf(group.same) - 1 }, (_, n) => ({
      isSame: true,
      other: said(group, group.same, n + 1)
    })),
    // Another cause of the same object.
    ...group.other.flatMap((text) =>
      Array.from({ length: formsOf(text) }, (_, n) => ({
        isSame: false,
        other: { ...first, message: form(text, n) }
      }))
    )
  ]
  return others.map(({ isSame, other }) => ({
    isSame,
    isFound: print(first) === print(other),
    texts: `${group.about}\n  ${first.message}\n  ${other.message}`
  }))
}

t.test('98 of 100 pairs of the corpus are judged rightly to be the same failure or not', async (t) => {
  for (const [kind, isKind] of [
    ['of one object', (group: Group) => group.of === undefined],
    ['of several objects', (group: Group) => group.of !== undefined]
  ] as const) {
    const all = groups.filter(isKind).flatMap(pairs)
    const found = all.filter(({ isFound }) => isFound)
    const right = found.filter(({ isSame }) => isSame).length
    const precision = right / found.length
    const recall = right / all.filter(({ isSame }) => isSame).length
    for (const { isSame, isFound, texts } of all) {
      if (isSame !== isFound) t.comment(`${isSame ? 'not found to be the same' : 'taken for the same'}: ${texts}`)
    }
    const share = `precision ${(100 * precision).toFixed(1)} %, recall ${(100 * recall).toFixed(1)} %`
    t.comment(`${kind}: ${all.length} pairs, ${share}`)
    t.ok(precision >= 0.98, `${kind}: precision`)
    t.ok(recall >= 0.98, `${kind}: recall`)
  }
})

t.test('every pair about nginx, registries and what Helm waits for is judged rightly', async (t) => {
  const asked = groups.filter(({ about }) =>
    /nginx refuses|a registry is asked for|a server that has an outage|in words of each cluster/.test(about)
  )
  const waited = parse(readFileSync(new URL('same-waited.yaml', folder), 'utf8')) as Group[]
  const all = [...asked, ...waited].flatMap(pairs)
  t.ok(all.length > 4)
  for (const { isSame, isFound, texts } of all) t.equal(isFound, isSame, texts)
})

const hex = (length: number) =>
  fc.string({ unit: fc.constantFrom(...'0123456789abcdef'), minLength: length, maxLength: length })
const of = (chars: string, min: number, max = min) =>
  fc.string({ unit: fc.constantFrom(...chars), minLength: min, maxLength: max })
const lower = 'abcdefghijklmnopqrstuvwxyz'
const token = of(`${lower}${lower.toUpperCase()}0123456789`, 24, 60)
const number = fc.integer({ min: 1, max: 99 })
const address = fc.ipV4()
const port = fc.integer({ min: 32_768, max: 65_535 })
const pod = of('bcdfghjklmnpqrstvwxz2456789', 5).filter((text) => /\d[a-z]/.test(text))
const podHash = fc
  .tuple(
    of('456789bcdf', 8, 10).filter((text) => /\d/.test(text) && /[a-z]/.test(text)),
    pod
  )
  .map((parts) => parts.join('-'))
const time = fc.date({ min: new Date('2001-10-10T10:10:10Z'), max: new Date('2037-12-31'), noInvalidDate: true })
const iso = time.map((date) => date.toISOString())
const part = (style: (date: Date) => string) => time.map(style)
const two = (value: number) => `${value}`.padStart(2, '0')
const semver = fc
  .tuple(number, number, number, fc.constantFrom('', '-rc.1', '+5cf11bd40c32', '-alpha.2+x'))
  .map(([a, b, c, rest]) => `${a}.${b}.${c}${rest}`)
const duration = fc.constantFrom('5m0.01s', '30s', '1h2m3s', '436.49ms', '744.1µs', '2m', '1h')
const months = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ')
const clock = (date: Date) => date.toISOString().slice(11, 19)

// What comes before and after, and what varies in between.
const variations: [before: string, varying: fc.Arbitrary<string | number>, after: string][] = [
  [
    'Get "https://s3.acme.io/charts/index.yaml?X-Amz-Date=',
    fc.tuple(iso, token).map((parts) => parts.join('&X-Amz-Signature=')),
    '": 403 Forbidden'
  ],
  ['GET https://acme.blob.core.windows.net/x?sv=2021-08-06&sig=', token, ': 403'],
  ['unable to clone https://flux:', token, '@git.acme.io/fleet.git: denied'],
  ['refused token ', token.map((text) => `ghp_${text}`), ''],
  ['refused token ', token.map((text) => `eyJ${text}.${text}.${text}`), ' of a'],
  ['Signature=', token.map((text) => `${text}1`), ' does not match'],
  ['Encoded authorization failure message: ', token, ''],
  ['User: arn:aws:sts::123456789012:assumed-role/flux/', of(`${lower}0123456789-`, 4, 30), ' is not authorized'],
  [
    '',
    part((d) => `E${d.toISOString().slice(5, 10).replace('-', '')} ${clock(d)}.471959 ${d.getUTCDate()} `),
    'dispatcher.go:168] failed'
  ],
  ['expired at ', iso, ', renew it'],
  [
    'expired at ',
    part((d) => `${d.toISOString().slice(0, 10)} ${clock(d)}.471540102 +0000 UTC m=+5.125`),
    ', renew it'
  ],
  ['Signature expired: ', part((d) => d.toISOString().replace(/[-:]|\.\d+/g, '')), ' is now earlier'],
  ['since ', part((d) => `${d.toISOString().slice(0, 10).replaceAll('-', '/')} ${clock(d)}`), ' [ERROR]'],
  ['since ', part((d) => d.toUTCString()), ''],
  ['since ', part((d) => `${months[d.getUTCMonth()]} ${d.getUTCDate()} ${clock(d)}`), ' host'],
  [
    'since ',
    part((d) => `${two(d.getUTCDate())}/${months[d.getUTCMonth()]}/${d.getUTCFullYear()}:${clock(d)} +0000`),
    ''
  ],
  ['at ', part(clock), ' it failed'],
  ['issued at ', part((d) => `${Math.floor(d.getTime() / 1000)}`), ''],
  ['issued at ', part((d) => `${d.getTime()}`), ' is stale'],
  ['https response error StatusCode: 403, RequestID: ', token, ', api error Forbidden'],
  ['denied (request id "', token, '")'],
  ['Correlation ID: ', fc.uuid(), ' Timestamp'],
  ['stream error: stream ID ', fc.integer({ min: 1, max: 99_999 }), '; INTERNAL_ERROR'],
  ['session name ', of(lower, 5, 20).map((text) => `"${text}"`), ' is refused'],
  ['Reference #', hex(12).map((text) => `18.${text}.1`), ' of the page'],
  [
    'Get "https://reg/v2/": x509: unknown authority; Get "http://reg/v2/": ',
    fc.constantFrom('EOF', 'dial tcp 10.0.0.1:80: i/o timeout', 'context deadline exceeded'),
    ''
  ],
  ['* job shop-migrate-', fc.integer({ min: 1, max: 999 }), ' failed: BackoffLimitExceeded'],
  ['resource Job/shop/migrate-', fc.integer({ min: 1, max: 999 }), ' not ready. status: Failed, message: x'],
  ['state lock: Operation: OperationType', fc.constantFrom('Plan', 'Apply', 'Refresh'), ' Who: runner'],
  ['volume pvc-', fc.uuid(), ' is busy'],
  ['cannot verify app@sha256:', hex(64), ': no signature'],
  ['main@sha1:', hex(40), ' is gone'],
  ['GET http://source-controller/', hex(40), '.tar.gz: EOF'],
  ['GET http://source-controller/', hex(12), '.tar.gz: EOF'],
  ['failed to push commit ', hex(9).map((text) => `'1${text}'`), ' to it'],
  ['apps@', hex(9).map((text) => `1${text}`), ' is not applied'],
  ['nil pointer at 0x', hex(10), ''],
  ['panic in goroutine ', number, ' [running]'],
  ['stat /tmp/kustomization-', fc.integer({ min: 100, max: 4_000_000_000 }), '/apps: no such file'],
  ['stat /tmp/podinfo', fc.integer({ min: 100_000_000, max: 999_999_999 }), '/apps: no such file'],
  ['stat /tmp/tmp.', of(`${lower}0123456789`, 10), '/apps: no such file'],
  [
    'node ',
    fc.tuple(number, number, number, number).map((parts) => `ip-${parts.join('-')}`),
    '.ec2.internal is not ready'
  ],
  ['read udp ', fc.tuple(address, port).map((parts) => parts.join(':')), '->10.96.0.10:53: i/o timeout'],
  ['dial tcp ', address, ':443: i/o timeout'],
  [
    'dial tcp [',
    fc.tuple(hex(4), hex(4), number).map(([a, b, c]) => `2${a.slice(1)}:${b}::${c}`),
    ']:443: i/o timeout'
  ],
  ['no route to ', fc.tuple(hex(4), number).map(([a, b]) => `fd00:1${a.slice(1)}::${b}`), ' from here'],
  ['Get "http://localhost:', port, '/healthz": EOF'],
  ['tunnel on port ', port, ' closed'],
  ['failed after ', duration, ': denied'],
  [
    'asked to wait for ',
    fc.tuple(number, fc.constantFrom('second', 'minutes', 'hours', 'days')).map((parts) => parts.join(' ')),
    ' longer'
  ],
  ['pods "shop-', podHash, '" is forbidden'],
  ['ReplicaSet "shop-', of('456789bcdf', 6, 10), '" has timed out'],
  [
    'configmap "shop-',
    of('bcdfghkmt2456789', 10).filter((text) => /\d/.test(text) && /[a-z]/.test(text)),
    '" not found'
  ],
  ['Job/apps/backup-', fc.integer({ min: 26_000_000, max: 33_999_999 }), ' failed'],
  ['job apps/backup-', fc.integer({ min: 1_000_000_000, max: 2_000_000_000 }), ' failed'],
  ['pod apps/agent-', pod, ' failed'],
  [
    'pod apps/agent-',
    of('bcdfghjklmnpqrstvwxz', 5).filter((text) => !/pgsql|https|mssql|smtps|xhtml/.test(text)),
    ' failed'
  ],
  ['rejected (remote ', hex(6).map((text) => `1${text}`), ')'],
  ['operation-1700000000', fc.tuple(of('0123456789', 3), hex(13)).map((parts) => parts.join('-')), ' is in progress'],
  ['[level a, queue ', number, ']'],
  ['GET https://quay.io/v2/a?n=1&next_page=', token, ': 502'],
  ['order resource "web-1-', fc.integer({ min: 1_000_000_000, max: 4_000_000_000 }), '" failed'],
  ['write /data/a/.', hex(9).map((text) => `1${text}`), '.tar.gz: no space left'],
  ['write /data/a.tar.gz', fc.integer({ min: 100_000, max: 4_000_000_000 }), ': no space left'],
  ['pod apps/a-test-', of(`${lower}0123456789`, 5).filter((text) => /^.{0,3}\d[a-z]/.test(text)), ' failed'],
  ['Helm upgrade failed for release apps/shop.v', number, ' with chart shop: denied'],
  ['resource Job/apps/a not ready. status: ', fc.constantFrom('InProgress', 'Unknown', 'Failed, message: x'), ''],
  [
    'Last Helm logs: not ready (',
    fc.tuple(number).map(([n]) => `${n} duplicate line${n === 1 ? '' : 's'} omitted`),
    ')'
  ],
  ['with chart ledger@', semver, ': denied'],
  ["no chart with version '", semver, "' found"],
  ['no chart version found for podinfo-', semver, ''],
  ['GET http://source-controller/charts/podinfo-', semver, '.tgz: EOF'],
  ['giving up on attempt ', number, ' of it'],
  ['container restart count: ', number, ' in pod'],
  ['probe failed (x', number, ' over it)'],
  ['not ready: ', fc.tuple(number, number).map((parts) => parts.join(' of ')), ' updated replicas'],
  ['not ready: ', fc.tuple(number, number).map((parts) => parts.join('/')), ' nodes are available'],
  ['not ready: ', number.map((n) => n + 1), ' Insufficient cpu'],
  ['giving up after ', number, ' attempt(s)'],
  ['ResourceVersion: ', fc.integer({ min: 0, max: 99_999_999 }), ', gone'],
  ['Deployment generation is ', number, ', but latest'],
  ['updated replicas: ', number, ' so far'],
  ['exceeded quota: q, requested: cpu=', number, ', used: cpu=9, limited: cpu=10'],
  ["Quota 'CPUS' exceeded. Limit: ", number.map((n) => `${n}.0`), ' in region a'],
  ['too many requests, Retry-After: ', number, ', later'],
  ['disk of the node is ', number.map((n) => `${n}.5%`), ' full'],
  [
    'no space left, only ',
    fc.tuple(number, fc.constantFrom('MiB', ' GB', 'kB')).map((parts) => parts.join('')),
    ' remain'
  ],
  ['replicas: ', number, ' unavailable'],
  ['disk of the node has ', number.map((n) => `${n}Mi`), ' left'],
  ['found ', number, ' of them, in the end'],
  ['cannot upgrade from ', semver, ', aborted'],
  ['cannot reach /acme-challenge/', of(lower, 4).map((text) => `${text}1A2b3C4d5E6f7G8h9${text}`), ' of it'],
  ['span ', hex(14).map((text) => `a${text}1`), ' has failed'],
  ['Halt shop.apps advancement error-rate ', number.map((n) => `${n}.25`), ' > 1'],
  [
    'unknown directive in /tmp/nginx/nginx-cfg',
    fc.tuple(fc.integer({ min: 1_000_000, max: 4_000_000_000 }), number).map((parts) => parts.join(':')),
    ' of it'
  ],
  ['[emerg] ', fc.tuple(number, number).map((parts) => parts.join('#')), ': unknown directive'],
  ['larger than max (', fc.integer({ min: 1_000_000, max: 9_999_999 }), ' vs. 2097152)']
]

t.test('whatever replaces the varying part, the failure is the same', async (t) => {
  const found = new Map(rows.map(([, pattern]) => [pattern, 0]))
  const around = fc.constantFrom('', 'apply failed: ', 'x (', 'Error: ')
  for (const [before, varying, after] of variations) {
    const same = fc.property(varying, varying, around, (one, other, head) => {
      const [a, b] = [one, other].map((value) => `${head}${before}${value}${after}`) as [string, string]
      for (const [hints, pattern, , others] of rows) {
        if (a.search(pattern) < 0) continue
        look(a)
        if (!mayHave(hintsOf(hints)) || (others && !mayHave(hintsOf(others)))) return false
        found.set(pattern, (found.get(pattern) ?? 0) + 1)
      }
      return withoutVariation(a) === withoutVariation(b)
    })
    const result = fc.check(same, { numRuns: 60, seed: 1 })
    t.notOk(result.failed, `${before}…${after}`, { counterexample: result.counterexample })
  }
  for (const [pattern, times] of found) t.ok(times > 5, `${pattern.source.slice(0, 60)} is tried, ${times} times`)
})

t.test('another word is another failure', async (t) => {
  const words =
    'denied forbidden missing expired refused broken unknown locked invalid empty full late Deployment Service apps shop'.split(
      ' '
    )
  const print = (message: string) => failureFingerprint(event({ message }))
  const frame = fc.constantFrom(...variations)
  fc.assert(
    fc.property(frame, fc.constantFrom(...words), fc.constantFrom(...words), fc.nat(), (frame, one, other, seed) => {
      const [before, varying, after] = frame
      const value = fc.sample(varying, { numRuns: 1, seed })[0]
      const [a, b] = [one, other].map((word) => print(`the ${word} thing: ${before}${value}${after}`))
      return (a === b) === (one === other)
    }),
    { numRuns: 2_000 }
  )
  t.pass('two thousand times')
})

t.test('no name and no text makes it fail, hang, or grow beyond its input', async (t) => {
  const names = ['', 'a', 'e', '-', '.', '<', 'n', 'name', 'error', 'apps', 'source', 'default', 'x'.repeat(253)]
  const pieces = [
    'a',
    'a-',
    'a/',
    '-a-a',
    'apps/apps/',
    "'a'",
    '<name>',
    ', ',
    '[',
    '[a, ',
    '(',
    '}',
    '. ',
    '; ',
    ': ',
    '://',
    '?',
    '?sig',
    '1',
    '::',
    '1:',
    'a=',
    '0x',
    '😀',
    '\ud83d',
    'id: ',
    'error ',
    'x'.repeat(253)
  ]
  for (const name of names) {
    for (const namespace of ['', 'a', 'apps', name]) {
      const prints = pieces.map((piece) => {
        const message = piece.repeat(Math.ceil(65_536 / piece.length))
        return causeFingerprint(event({ message, object: { namespace, name } }))
      })
      t.ok(
        prints.every((print) => /^5:[\da-f]{16}$/.test(print)),
        `${namespace}/${name}`
      )
    }
  }
})
