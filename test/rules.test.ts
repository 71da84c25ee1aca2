// Rules: match events, in their order.
import { deepStrictEqual } from 'node:assert/strict'
import t from 'tap'
import type { Fault } from '../src/errors.ts'
import { parseRevision } from '../src/events/revision.ts'
import { severityNames } from '../src/events/severity.ts'
import type { Transition } from '../src/objects.ts'
import type { RuleSet, Verdict } from '../src/rules/rule.ts'
import { compileFilter, compileRules, match, maxPassedOver } from '../src/rules/rules.ts'
import type { RuleText } from '../src/rules/schema.ts'
import { type EventOverrides, event } from './fixtures/events.ts'
import { fc } from './fixtures/fc.ts'

type MatchText = NonNullable<RuleText['match']>
type GroupText = NonNullable<RuleText['group']>

const subject = (overrides: EventOverrides = {}, transition: Transition = 'failed') => ({
  event: event(overrides),
  transition
})

const compile = (...texts: readonly Partial<RuleText>[]): RuleSet => {
  const { rules, faults } = compileRules(texts.map((text, at) => ({ name: `${at}`, send: 'platform', ...text })))
  deepStrictEqual(faults, [])
  return rules
}

/** The verdict of a rule with this `match` on the event. */
const verdict = (matchText: MatchText, overrides: EventOverrides = {}, transition: Transition = 'failed') =>
  match(subject(overrides, transition), compile({ match: matchText }), true).verdicts[0] as Verdict

const fired = (rules: RuleSet, overrides: EventOverrides = {}, wantsAll = false): string[] =>
  match(subject(overrides), rules, wantsAll).fired.map(({ name }) => name)

const judged = (rules: RuleSet, overrides: EventOverrides = {}, wantsAll = false): string[] =>
  match(subject(overrides), rules, wantsAll).verdicts.map(({ rule }) => rule)

type Row = readonly [asksFor: string, match: MatchText, of: EventOverrides[], because: string, notOf: EventOverrides[]]

const info: EventOverrides = { severity: 'info' }
const warn: EventOverrides = { severity: 'warn' }
const error: EventOverrides = { severity: 'error' }
const kind = (kind: string): EventOverrides => ({ object: { kind } })
const inside = (namespace: string): EventOverrides => ({ object: { namespace } })
const named = (name: string): EventOverrides => ({ object: { name } })
const cluster = (cluster: string): EventOverrides => ({ object: { cluster } })
const why = (reason: string): EventOverrides => ({ reason })
const says = (message: string): EventOverrides => ({ message })
const has = (metadata: Record<string, string>): EventOverrides => ({ metadata })

const doing = (action: string): EventOverrides => ({ action })
const about = (kind: string, namespace: string, name: string): EventOverrides => ({
  related: { cluster: 'prod-eu', kind, namespace, name }
})
const ofFleet: MatchText = { related: { kind: ['GitRepository', 'OCI*'], name: 'fleet' } }

const scope: MatchText = { severity: 'warn', kind: 'Kust*', not: { name: 'db' }, when: 'event.reason != ""' }
const teamInProd: MatchText = { metadata: { team: 'pay', env: ['prod', 'live'] } }
const unknownTimeout: MatchText = { message: { include: ['timeout'], exclude: ['known'] } }

const rows: readonly Row[] = [
  ['errors, where it names no severity', {}, [error], 'severity', [warn, info]],
  ['info and worse', { severity: 'info' }, [info, warn, error], '', []],
  ['warn and worse', { severity: 'warn' }, [warn, error], 'severity', [info]],
  ['error and nothing less', { severity: 'error' }, [error], 'severity', [warn, info]],
  ['exactly the severity in a list', { severity: ['info'] }, [info], 'severity', [warn, error]],
  ['exactly the severities in a list', { severity: ['info', 'error'] }, [info, error], 'severity', [warn]],
  ['an action', { action: 'Appl*' }, [doing('Applying'), doing('Applied')], 'action', [doing('apply'), {}]],
  [
    'a related object',
    ofFleet,
    [about('GitRepository', 'a', 'fleet'), about('OCIRepository', 'b', 'fleet')],
    'related.kind',
    [about('HelmChart', 'a', 'fleet'), {}]
  ],
  [
    'a related name',
    ofFleet,
    [about('OCIRepository', '', 'fleet')],
    'related.name',
    [about('GitRepository', 'a', 'x')]
  ],
  [
    'none of some related objects',
    { not: { related: { namespace: 'flux-*' } } },
    [about('Bucket', 'apps', 'a'), {}],
    'not.related.namespace',
    [about('Bucket', 'flux-system', 'a')]
  ],
  ['a kind', { kind: 'Bucket' }, [kind('Bucket')], 'kind', [kind('bucket'), kind('Buckets'), kind('')]],
  ['one of several kinds', { kind: ['Bucket', 'Helm*'] }, [kind('HelmChart'), kind('Bucket')], 'kind', [{}]],
  [
    'objects',
    { object: ['Kustomization/team-a/*', 'HelmRelease/team-b/shop'] },
    [{}],
    'object',
    [inside('team-b'), kind('HelmRelease')]
  ],
  ['a namespace', { namespace: 'team-*' }, [{}, inside('team-b')], 'namespace', [inside('a-team-b'), inside('')]],
  ['a name', { name: ['apps', 'db-?'] }, [{}, named('db-1')], 'name', [named('db-12'), named('')]],
  ['a cluster', { cluster: 'prod-*' }, [{}], 'cluster', [cluster('dev-eu')]],
  ['a source', { source: 'default' }, [{}], 'source', [{ source: 'prod' }]],
  ['a reason', { reason: ['*Failed'] }, [{}, why('PruneFailed')], 'reason', [why('Progressing'), why('')]],
  ['metadata', { metadata: { team: 'p*' } }, [has({ team: 'pay' })], 'metadata.team', [has({ team: 'x' }), {}]],
  ['all of the metadata', teamInProd, [has({ team: 'pay', env: 'live' })], 'metadata.env', [has({ team: 'pay' })]],
  [
    'an expression in the message',
    { message: { include: ['(?i)LATE', '^a'] } },
    [says('late'), says('a')],
    'message',
    [says('ba')]
  ],
  [
    'no such expression in it',
    { message: { exclude: ['^a', 'b$'] } },
    [says('ca')],
    'message',
    [says('ab'), says('cb')]
  ],
  ['one and not the other: exclude wins', unknownTimeout, [says('a timeout')], 'message', [says('known timeout')]],
  ['not a severity', { severity: 'info', not: { severity: 'error' } }, [info, warn], 'not.severity', [error]],
  ['not a kind', { not: { kind: ['Bucket', 'Helm*'] } }, [{}], 'not.kind', [kind('HelmRelease'), kind('Bucket')]],
  ['not a namespace', { not: { namespace: 'kube-*' } }, [{}], 'not.namespace', [inside('kube-system')]],
  ['not a name', { not: { name: ['a', 'b'] } }, [{}], 'not.name', [named('b')]],
  ['not a cluster', { not: { cluster: 'dev*' } }, [{}], 'not.cluster', [cluster('dev')]],
  ['not a source', { not: { source: 'lab' } }, [{}], 'not.source', [{ source: 'lab' }]],
  ['not a reason', { not: { reason: 'X' } }, [{}, why('')], 'not.reason', [why('X')]],
  ['not some metadata', { not: { metadata: { team: 'x' } } }, [{}], 'not.metadata.team', [has({ team: 'x' })]],
  ['not an expression', { not: { message: { include: ['a', 'b'] } } }, [says('x')], 'not.message', [says('b')]],
  ['neither of two', { not: { kind: 'Bucket', name: 'db' } }, [{}], 'not.name', [named('db')]],
  ['a condition in CEL', { when: 'object.name == "apps"' }, [{}], 'when', [named('db')]],
  ['everything at once', scope, [{}, warn], 'not.name', [named('db')]],
  ['everything at once, CEL last', scope, [], 'when', [why('')]]
]

for (const [asksFor, matchText, matching, because, others] of rows) {
  t.test(`a rule asks for ${asksFor}`, async (t) => {
    for (const overrides of matching) t.match(verdict(matchText, overrides), { fired: true }, JSON.stringify(overrides))
    for (const overrides of others) {
      t.match(verdict(matchText, overrides), { fired: false, because }, JSON.stringify(overrides))
    }
  })
}

type Why = readonly [match: MatchText, of: EventOverrides, because: string, wanted: string, got: RegExp]

const whys: readonly Why[] = [
  [{ namespace: 'lab', name: 'x' }, {}, 'namespace', 'lab', /^team-a$/],
  [{ kind: ['Bucket', 'Git*'] }, {}, 'kind', 'Bucket, Git*', /^Kustomization$/],
  [{ reason: 'X' }, why(''), 'reason', 'X', /^\(nothing\)$/],
  [{ metadata: { team: 'payments' } }, {}, 'metadata.team', 'payments', /^\(nothing\)$/],
  [{}, warn, 'severity', 'error', /^warn$/],
  [{ severity: 'warn' }, info, 'severity', 'warn or worse', /^info$/],
  [{ severity: ['info', 'warn'] }, {}, 'severity', 'only info or warn', /^error$/],
  [{ message: { include: ['a+', 'b'] } }, says('xyz'), 'message', 'a+ or b', /^xyz$/],
  [{ message: { include: ['a'] } }, says('x'.repeat(5000)), 'message', 'a', /^x{200}$/],
  [{ message: { exclude: ['a', 'x'] } }, says('xyz'), 'message', 'not a or x', /^xyz$/],
  [{ not: { kind: 'Kust*' } }, {}, 'not.kind', 'not Kust*', /^Kustomization$/],
  [{ when: 'object.name == "db"' }, {}, 'when', 'object.name == "db"', /^false$/]
]

for (const [matchText, overrides, because, wanted, got] of whys) {
  t.test(`a rule that does not fire says what it wanted and what it got: ${because} ${wanted}`, async (t) => {
    const said = verdict(matchText, overrides)
    t.match(said, { got })
    t.strictSame({ ...said, got }, { rule: '0', fired: false, because, wanted, got })
  })
}

t.test('a condition that CEL cannot evaluate counts as no match, and not as false', async (t) => {
  const when = 'metadata.team.startsWith("pay")'
  t.match(verdict({ when }), { fired: false, because: 'when', wanted: when, isError: true, got: /^No such key: team$/ })
  t.strictSame(fired(compile({ match: { when } }, {})), ['1'])
})

t.test('a condition in CEL may use the transition', async (t) => {
  const when = 'transition != "repeated"'
  t.ok(verdict({ when }, {}, 'failed').fired)
  t.notOk(verdict({ when }, {}, 'repeated').fired)
})

t.test('every rule that matches fires, in the order of the file', async (t) => {
  const rules = compile({ name: 'a' }, { name: 'b', match: { kind: 'Bucket' } }, { name: 'c', match: { kind: '*t*' } })
  t.strictSame(fired(rules), ['a', 'c'])
  t.strictSame(fired(rules, kind('Bucket')), ['a', 'b', 'c'])
})

t.test('a final rule is the last one to fire, and only if it fires', async (t) => {
  const rules = compile({ name: 'a' }, { name: 'b', final: true, match: { namespace: 'team-a' } }, { name: 'c' })
  t.strictSame(fired(rules), ['a', 'b'])
  t.strictSame(judged(rules), ['a', 'b'])
  t.strictSame(fired(rules, inside('lab')), ['a', 'c'])
  const stopped = { rule: 'c', fired: false, because: 'final', got: 'stopped by b' }
  t.match(match(subject(), rules, true).verdicts[2], stopped, 'as `explain` says')
})

t.test('rules for other kinds are skipped, and `explain` shows them all the same', async (t) => {
  const rules = compile(
    { match: { kind: 'Bucket' } },
    { match: { kind: ['Alert', 'Kustomization'] } },
    { match: { kind: 'G*' } }
  )
  t.strictSame(judged(rules), ['1'])
  t.strictSame(judged(rules, kind('Alien')), [])
  t.strictSame(judged(rules, {}, true), ['0', '1', '2'])
})

t.test('of a thousand rules an event shows the fired ones and a limited number of others', async (t) => {
  const others = Array.from({ length: 1000 }, (_, n) => ({ match: { name: `app-${n}` } }))
  const rules = compile(...others, { match: { name: 'shop' } }, { match: { namespace: 'elsewhere' } })
  const verdicts = judged(rules, named('shop'))
  t.ok(verdicts.includes('1000'), 'the one that fired')
  t.equal(verdicts.length, maxPassedOver + 1)
  t.equal(judged(rules, named('shop'), true).length, 1002)
})

t.test('a group has the events of one rule that agree in the fields that it groups by', async (t) => {
  const chart = { object: { kind: 'HelmRelease' } }
  const of = (text: string): EventOverrides => ({ revision: parseRevision(text) })
  const [a, b] = [of(`main@sha1:${'a'.repeat(40)}`), of(`main@sha1:${'b'.repeat(40)}`)]
  const table: [what: string, by: GroupText['by'], EventOverrides, EventOverrides, isOne: boolean][] = [
    ['other namespaces', ['namespace'], inside('a'), inside('b'), false],
    ['other names in one namespace', ['namespace'], named('a'), named('b'), true],
    ['other clusters', ['cluster'], cluster('a'), cluster('b'), false],
    ['other kinds', ['kind'], kind('Kustomization'), kind('Bucket'), false],
    ['other names', ['name'], named('a'), named('b'), false],
    ['other reasons', ['reason'], why('a'), why('b'), false],
    ['other severities', ['severity'], warn, error, false],
    ['one of two', ['cluster', 'name'], named('a'), named('b'), false],
    ['commits', ['revision'], a, b, false],
    ['one commit', ['revision'], { ...a, ...named('a') }, { ...a, ...named('b') }, true],
    ['charts of two versions', ['revision'], { ...chart, ...of('6.5.3') }, { ...chart, ...of('7.0.0') }, true],
    ['charts from two commits', ['revision'], { ...chart, ...a }, { ...chart, ...b }, true],
    ['what has only a version', ['revision'], of('6.5.3'), of('7.0.0'), true]
  ]
  for (const [what, by, one, other, isOne] of table) {
    const { all } = compile({ group: { by } }, { group: { by } })
    const [key, again] = [one, other].map((overrides) => all[0]?.group?.keyOf(event(overrides)))
    t.equal(key === again, isOne, what)
    t.not(key, all[1]?.group?.keyOf(event(one)), 'another rule has groups of its own')
  }
})

t.test('what a rule omits has the documented default', async (t) => {
  const { all } = compile(
    {},
    { send: ['a', 'b'], notify: 'every', remindEvery: '1h30m', mention: '<!here>', final: true }
  )
  const defaults = {
    send: ['platform'],
    notify: 'changes',
    remindEveryMs: 14_400_000,
    mention: undefined,
    isFinal: false
  }
  t.match(all[0], defaults)
  t.match(all[1], { send: ['a', 'b'], notify: 'every', remindEveryMs: 5_400_000, mention: '<!here>', isFinal: true })
  t.equal(compile({ remindEvery: 'never' }).all[0]?.remindEveryMs, undefined)
})

t.test('every fault of every rule is found at once, each with its place in the file', async (t) => {
  const { faults } = compileRules([
    { name: 'a', send: 'x', match: { message: { include: ['ok', '('], exclude: ['(?=a)'] } } },
    { name: 'b', send: 'x', match: { not: { message: { include: ['['] } }, when: 'true && event.severity == 3' } }
  ])
  t.strictSame(faults.map(({ path, offset }) => [path.join('.'), offset]).sort(), [
    ['rules.0.match.message.exclude.0', 0],
    ['rules.0.match.message.include.1', 0],
    ['rules.1.match.not.message.include.0', 0],
    ['rules.1.match.when', 8]
  ])
})

t.test('a filter outside the rules matches any severity unless it names one', async (t) => {
  const faults: Fault[] = []
  const filter = (text: MatchText) => compileFilter(text, ['links', 0, 'match'], faults)
  t.ok(filter({ namespace: 'team-a' })(subject(info)))
  t.notOk(filter({ namespace: 'team-a' })(subject(inside('lab'))))
  t.notOk(filter({ severity: 'warn', namespace: 'team-a' })(subject(info)))
  filter({ when: 'nope' })
  t.match(faults, [{ path: ['links', 0, 'match', 'when'], message: /nope/ }])
})

t.test('the indexes by kind and namespace change no decision', async (t) => {
  const oneOf = <T>(...values: T[]) => fc.constantFrom(...values)
  const patterns = (...values: string[]) => fc.oneof(oneOf(...values), fc.array(oneOf(...values), { minLength: 1 }))
  const severity = fc.oneof(oneOf(...severityNames), fc.uniqueArray(oneOf(...severityNames), { minLength: 1 }))
  const kinds = patterns('Kustomization', 'HelmRelease', 'Bucket', 'Helm*', '*', '?ucket')
  const matchers = { severity, kind: kinds, namespace: patterns('a', 'b', 'a*'), reason: patterns('X', 'Y', '?') }
  const optional = { requiredKeys: [] }
  const matchText = fc.record({ ...matchers, not: fc.record(matchers, optional) }, optional)
  const texts = fc.array(fc.record({ match: matchText, final: fc.boolean() }, optional), { maxLength: 12 })
  const object = fc.record({ kind: oneOf('Kustomization', 'HelmRelease', 'Bucket', ''), namespace: oneOf('a', 'ab') })
  const events = fc.array(fc.record({ severity: oneOf(...severityNames), reason: oneOf('X', ''), object }))

  const oneByOne = (texts: readonly Partial<RuleText>[], overrides: EventOverrides): string[] => {
    const firing = [...texts.entries()].filter(([, { match = {} }]) => verdict(match, overrides).fired)
    const last = firing.findIndex(([, { final }]) => final)
    return firing.slice(0, last < 0 ? undefined : last + 1).map(([at]) => `${at}`)
  }
  // So many that the index by namespace is used too.
  const many = Array.from({ length: maxPassedOver }, () => ({ match: { reason: 'never' } }))
  fc.assert(
    fc.property(texts, events, fc.boolean(), (texts, events, isMany) => {
      const rules = compile(...texts, ...(isMany ? many : []))
      for (const overrides of events) {
        const expected = oneByOne(texts, overrides)
        deepStrictEqual(fired(rules, overrides), expected)
        deepStrictEqual(fired(rules, overrides, true), expected)
      }
    }),
    { numRuns: 300 }
  )
  t.pass()
})
