// Hostile text: what an attacker would write: orders to Slack and others, characters that hide or reorder text, and too much of
// anything.
import fc from 'fast-check'
import type { WireEvent } from '../../src/events/flux.ts'
import { fixture, fixtureNames } from '../../test/fixtures/events.ts'

/** No config or template of the targets contains these words: where one takes effect, an event made it. */
export const orders = [
  ...'<!channel> <!here> <!everyone> <!subteam^SEVIL0001> <@UEVIL0001> <#CEVIL0001> @everyone @channel @here'.split(
    ' '
  ),
  ...'<https://evil.example|login> <evil.example|login> [login](https://evil.example) [b]:https://evil.example'.split(
    ' '
  ),
  ...'<mailto:evil@evil.example|x> <javascript:evil()|x> <!date^1^{date}|evil> &lt;!here&gt; &amp;lt;!here&amp;gt;'.split(
    ' '
  )
]

const marks = [
  ...'< > & | ` `` ``` * _ ~ " \' \\ \\u003c # - + = : ; , . / ( ) [ ] { } {{ }} {% %} $ ${ ${A} %s %n ! ? ^ @'.split(
    ' '
  ),
  ...[
    ' ',
    '  ',
    '\n',
    '\n\n',
    '\r\n',
    '\r',
    '\t',
    '\u0000',
    '\u0007',
    '\u0008',
    '\u001b[31m',
    '\u001b]8;;https://evil.example\u0007'
  ],
  ...[
    '\u001b',
    '\u009b31m',
    '\u202e',
    '\u2066',
    '\u2069',
    '\u200b',
    '\u200f',
    '\ufeff',
    '\u2028',
    '\u2029',
    '\u0085',
    '\u00ad',
    '\ud83d',
    '\udc00'
  ],
  ...[
    '🔥',
    '日',
    '́',
    'İ',
    'ß',
    '１',
    '＜!here＞',
    'null',
    'true',
    '__proto__',
    'constructor',
    'toString',
    '-1',
    '0',
    '1e999',
    '9'.repeat(40)
  ]
]

// Texts that the relay searches for: its searches may take too long.
const wordsOfFlux = [
  ...[
    'timeout waiting for: [',
    "Deployment/a/b status: 'Failed'",
    ', ',
    "']",
    'Last Helm logs:',
    ' occurred:\n* ',
    '\n* '
  ],
  ...[
    '/tmp/kustomization-123/',
    '2026-03-04T05:06:07Z',
    'E0719 17:46:09.471959       1 ',
    '1h2m3.4s',
    'attempt 3',
    '10.0.0.1:43210->'
  ],
  ...[
    'Deployment/apps/web configured\n',
    'pod a-6bc5d5b96-j9lw6',
    'request id: ',
    'replicaset "',
    'sh.helm.release.v1.a.v4'
  ],
  ...[
    'main@sha1:8bd5de26c3f0a5cc5e1ab0e9b8c1a3dd1e6b7f3c',
    'sha256:',
    'team-a/apps',
    "dependency 'apps/db' is not ready",
    'resource a/b not ready.'
  ]
]

const part = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...orders) },
  { weight: 4, arbitrary: fc.constantFrom(...marks) },
  { weight: 2, arbitrary: fc.constantFrom(...wordsOfFlux) },
  { weight: 2, arbitrary: fc.string({ unit: 'binary', maxLength: 8 }) },
  { weight: 2, arbitrary: fc.string({ unit: 'grapheme-ascii', maxLength: 12 }) }
)

/** A few parts in a row. */
export const anyText = fc.array(part, { maxLength: 12 }).map((parts) => parts.join(''))

/** A prefix, many repetitions of one part, a suffix: the input on which slow code is slow. */
export function pumped(maxLength: number): fc.Arbitrary<string> {
  return fc
    .tuple(anyText, fc.array(part, { minLength: 1, maxLength: 3 }), fc.nat(maxLength), anyText)
    .map(([before, pump, length, after]) => {
      const unit = pump.join('')
      return (before + (unit === '' ? '' : unit.repeat(Math.ceil(length / unit.length))) + after).slice(0, maxLength)
    })
}

/** `texts`, each changed in a few places: nearly valid input gets deeper into the code than random input. */
export function mutated(texts: readonly string[], parts: fc.Arbitrary<string> = part): fc.Arbitrary<string> {
  const edit = fc.record({
    at: fc.nat(10_000),
    length: fc.nat(20),
    put: parts,
    times: fc.constantFrom(1, 1, 1, 0, 2, 50)
  })
  return fc.tuple(fc.constantFrom(...texts), fc.array(edit, { maxLength: 5 })).map(([text, edits]) => {
    let result = text
    for (const { at, length, put, times } of edits) {
      const start = at % (result.length + 1)
      result = result.slice(0, start) + put.repeat(times) + result.slice(start + (times === 0 ? length : length % 3))
    }
    return result
  })
}

/** Real bodies, as the controllers send them. */
export const bodies = fixtureNames.map((name) => JSON.stringify(fixture(name)))
const realMessages = fixtureNames.map((name) => fixture(name).message)

export const anyMessage = fc.oneof(
  { weight: 8, arbitrary: anyText },
  { weight: 8, arbitrary: mutated(realMessages) },
  { weight: 4, arbitrary: pumped(3000) },
  { weight: 2, arbitrary: pumped(40_000) }
)

const name = fc
  .oneof(anyText, mutated(['apps', 'podinfo-frontend', 'a', '']), pumped(253))
  .map((text) => text.slice(0, 253))

/** Any event that the schema accepts. */
export const anyEvent: fc.Arbitrary<WireEvent> = fc
  .record({
    involvedObject: fc.record({
      kind: fc.oneof(fc.constantFrom('Kustomization', 'HelmRelease', 'GitRepository'), name),
      namespace: name,
      name,
      uid: fc.constant('u'),
      apiVersion: fc.constantFrom('kustomize.toolkit.fluxcd.io/v1', 'evil.example/v1', '/')
    }),
    severity: fc.constantFrom<WireEvent['severity'][]>('error', 'info', 'warn', 'trace', ''),
    timestamp: fc.constantFrom('2026-09-21T14:00:00Z', '1969-01-01T00:00:00Z', '9999-12-31T23:59:59Z', null),
    message: anyMessage,
    reason: fc.oneof(
      fc.constantFrom('BuildFailed', 'DependencyNotReady', 'ReconciliationSucceeded'),
      anyText,
      pumped(1024)
    ),
    metadata: fc.dictionary(
      fc.oneof(
        fc.constantFrom('revision', 'commit', 'cluster', 'summary', 'commit_status', 'originRevision', 'team'),
        anyText
      ),
      fc.oneof(
        anyText,
        mutated(['main@sha1:8bd5de26c3f0a5cc5e1ab0e9b8c1a3dd1e6b7f3c', 'update', '6.5.3']),
        pumped(2000)
      ),
      { maxKeys: 6 }
    ),
    reportingController: fc.oneof(fc.constant('kustomize-controller'), name)
  })
  .map((event) => whole(event))

/** Lone surrogates are refused on receipt (routes/webhook.ts). */
function whole<T>(value: T): T {
  if (typeof value === 'string') return value.toWellFormed() as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key.toWellFormed(), whole(inner)])) as T
}
