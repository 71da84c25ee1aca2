// Expressions: decide `when:`, and explain their mistakes.
import t from 'tap'
import type { Transition } from '../src/objects.ts'
import { compileExpression } from '../src/rules/expression.ts'
import { cpuMs } from './fixtures/cpu.ts'
import { type EventOverrides, event } from './fixtures/events.ts'

const evaluate = (source: string, overrides: EventOverrides = {}, transition: Transition = 'failed') => {
  const compiled = compileExpression(source)
  if ('error' in compiled) throw new Error(`${source}: ${compiled.error}`)
  return compiled.matches({ event: event(overrides), transition })
}

const evil = '(a+)+$'
const letters = { message: `${'a'.repeat(30)}!` }
const payments = { metadata: { team: 'payments', env: 'prod' } }

const truths: readonly (readonly [source: string, overrides: EventOverrides, expected: boolean])[] = [
  ['object.cluster.startsWith("prod") && transition != "repeated"', {}, true],
  ['object.cluster.startsWith("prod") && transition != "failed"', {}, false],
  ['object.cluster.startsWith("prod")', { object: { cluster: 'dev' } }, false],
  ['object.kind + "/" + object.namespace + "/" + object.name == "Kustomization/team-a/apps"', {}, true],
  ['event.severity == "error" && event.reason == "BuildFailed" && event.source == "default"', {}, true],
  ['event.controller == "kustomize-controller" && event.message.contains("kustomize build")', {}, true],
  ['revision.pointer == "main" && revision.short == "main@4f1d2c3" && revision.sha.startsWith("4f1d")', {}, true],
  [
    'event.action == "upgrade" && related.kind + related.namespace + related.name == "HelmChartabc"',
    { action: 'upgrade', related: { cluster: 'x', kind: 'HelmChart', namespace: 'ab', name: 'c' } },
    true
  ],
  ['event.action == "" && related.kind == "" && related.name == ""', {}, true],
  ['revision.text == "" && revision.sha == ""', { revision: undefined }, true],
  ['event.reason in ["BuildFailed", "PruneFailed"]', {}, true],
  ['event.reason in ["PruneFailed"]', {}, false],
  ['"team" in metadata', payments, true],
  ['"team" in metadata', {}, false],
  ['has(metadata.team)', payments, true],
  ['has(metadata.team)', {}, false],
  ['has(metadata.constructor) || "toString" in metadata', {}, false],
  ['has(metadata.team) && metadata.team == "payments"', {}, false],
  ['metadata["team"] == "payments"', payments, true],
  ['metadata.exists(key, metadata[key].matches("^pay"))', payments, true],
  ['metadata.all(key, metadata[key].matches("^pay"))', payments, false],
  ['event.message.matches("(?i)KUSTOMIZE")', {}, true],
  ['event.message.matches("^build")', {}, false],
  ['event.message.matches(r"\\w+: no such")', {}, true]
]

for (const [source, overrides, expected] of truths) {
  t.test(`${source} is ${expected}`, async (t) => t.equal(evaluate(source, overrides), expected))
}

const faults: readonly (readonly [what: string, source: string, error: RegExp, at: string])[] = [
  [
    'a text is compared with a number',
    'true && event.severity == 3',
    /"==" does not go between a text and a number/,
    'event.sev'
  ],
  [
    'a field of the event is misspelt',
    'event.mesage == "x"',
    /event has no field "mesage"; .*did you mean "message"/,
    'mesage'
  ],
  [
    'a field of the object is misspelt',
    'true || object.nam == "x"',
    /object has no field "nam"; .*did you mean "name"/,
    'nam'
  ],
  [
    'there is no such variable',
    'event.reason == "x" || foo',
    /no variable "foo"; there are event, object, related, revision, metadata, transition$/,
    'foo'
  ],
  ['there is no such function', 'true && event.reason.begins("x")', /no function "begins"/, 'event.reason'],
  ['the result is a text', 'event.severity', /gives a text; a condition must be true or false/, 'event'],
  ['the result is a number', '1 + 1', /gives a number; a condition must be true or false/, '1'],
  ['it ends too early', 'event.severity ==', /ends too early/, ''],
  ['it is empty', '', /is empty/, ''],
  ['a field stands in another variable', 'event.namespace == "x"', /did you mean "object.namespace"/, 'namespace'],
  ['a field is named alone', 'true || reason == "x"', /did you mean "event.reason"/, 'reason'],
  ['a field that nothing has is asked for', 'has(object.name) && has(object.nme)', /did you mean "name"/, 'nme'],
  ['a text stands without quotes', 'event.severity == error', /needs quotes: "error"/, 'error'],
  ['a function is misspelt', 'event.reason.startWith("x")', /did you mean "startsWith"/, 'event'],
  ['one = compares', 'event.reason = "x"', /write "=="/, '='],
  ['and stands for &&', 'event.reason == "x" and true', /there is no "and"; write &&/, 'and true'],
  ['not stands for !', 'not event.reason == "x"', /there is no "not"; write !/, 'event'],
  ['=~ stands for matches()', 'event.reason =~ "x"', /matches\("…"\)/, '=~'],
  ['a quotation mark is curly', 'event.reason == “x”', /“ is not a quotation mark/, '“'],
  ['a parenthesis is missing', '(event.reason == "x"', /a \) is missing before the end/, ''],
  ['a pattern is not RE2', 'true && event.message.matches("(?=a)")', /RE2 has no look-ahead/, '"(?='],
  ['a pattern inside a macro is not RE2', 'metadata.exists(k, k.matches("("))', /a "\(" is never closed/, '"("'],
  ['a pattern comes from the event', 'event.message.matches(event.reason)', /written out as a string/, 'event.reason'],
  ['a pattern is put together', 'event.message.matches("a" + "b")', /written out as a string/, '"a" + "b"'],
  ['a pattern is a variable', 'cel.bind(p, "a", event.reason.matches(p))', /written out as a string/, 'p'],
  [
    'matches() stands before its text',
    'true && matches(event.message, "x")',
    /matches\(\) stands behind the text that it is about: event\.message\.matches\(…\)/,
    'matches'
  ],
  [
    'there are two patterns',
    'event.message.matches("a", "b")',
    /^matches\(\) of a text does not take a text and a/,
    'event'
  ],
  ['a pattern is missing', 'event.message.matches()', /written out as a string/, 'event']
]

for (const [what, source, error, at] of faults) {
  t.test(`a mistake is explained with its place: ${what}`, async (t) => {
    const compiled = compileExpression(source)
    t.match(compiled, { error, offset: Number })
    const rest = 'offset' in compiled ? source.slice(compiled.offset) : undefined
    t.ok(at === '' ? rest === '' : rest?.startsWith(at), `${rest} starts with ${at}`)
  })
}

const slow = [
  `event.message.matches("${evil}")`,
  `!event.message.matches("${evil}") && false`,
  `[event.message].exists(text, text.matches("${evil}"))`,
  `metadata.exists(k, [event.message].exists(text, metadata.exists(j, text.matches("${evil}"))))`,
  `[event.message].filter(text, text.matches("${evil}")).size() == 1`,
  `[event.message].map(text, text.matches("${evil}"))[0]`,
  `{"a": [event.message.matches("${evil}")]}["a"][0]`,
  `true ? event.message.matches("${evil}") : false`,
  `cel.bind(text, event.message, text.matches("${evil}"))`,
  `dyn(event.message).matches("${evil}")`,
  `(event.message + "").matches("${evil}")`,
  `event["message"].matches("${evil}")`
]

for (const source of slow) {
  t.test(`no message slows it down: ${source}`, async (t) => {
    const started = cpuMs()
    t.equal(evaluate(source, { ...letters, ...payments }), false)
    t.ok(cpuMs() - started < 1000, 'is answered promptly')
  })
}

t.test('a condition on a field that an event does not have is an error, not an exception', async (t) => {
  t.match(evaluate('metadata.team.startsWith("pay")'), { message: /^No such key: team/ })
  t.match(evaluate('metadata["toString"].size() == 1'), { message: /^No such key: toString/ })
  t.match(evaluate('metadata.team + "" == ""'), { message: /^No such key: team/ }, 'never the text "null"')
  t.match(evaluate('"x".contains(metadata.team)'), { message: /^No such key: team/ })
  t.match(evaluate('1 / 0 == 1'), { message: /^division by zero/ })
  t.match(evaluate('metadata.team.startsWith("pay") && event.severity == "error"'), Error)
  t.equal(evaluate('metadata.team.startsWith("pay") && event.severity == "info"'), false, 'false decides')
  t.equal(evaluate('metadata.team.startsWith("pay")', payments), true)
})

const ofAbsent: readonly (readonly [source: string, withoutTeam: boolean, withTeam: boolean])[] = [
  ['metadata.team != "sandbox"', true, true],
  ['metadata.team == "payments"', false, true],
  ['"payments" == metadata.team', false, true],
  ['metadata["team"] == "payments"', false, true],
  ['metadata["te" + "am"] != "sandbox"', true, true],
  ['metadata.team in ["payments", "shop"]', false, true],
  ['!(metadata.team in ["payments", "shop"])', true, false],
  ['metadata.team == null', true, false],
  ['null != metadata.team', false, true],
  ['metadata.team == metadata.squad', true, false],
  ['metadata.team == object.namespace', false, false],
  ['metadata["toString"] == null && metadata["__proto__"] == null', true, true],
  ['has(metadata.team) && metadata.team != "sandbox"', false, true],
  ['!has(metadata.team) || metadata.team == "payments"', true, true],
  ['"team" in metadata', false, true],
  ['["payments"].exists(team, metadata.team == team)', false, true],
  ['["sandbox"].all(team, metadata.team != team)', true, true],
  ['(metadata.team != "sandbox" ? object.kind : "") == "Kustomization"', true, true],
  ['cel.bind(mine, metadata.team == "payments", mine)', false, true]
]

for (const [source, without, withTeam] of ofAbsent) {
  t.test(`a key that an event does not have differs from whatever it is compared with: ${source}`, async (t) => {
    t.equal(evaluate(source), without, 'without the key')
    t.equal(evaluate(source, payments), withTeam, 'with it')
  })
}

t.test('a metadata key is still a text, and compared with texts', async (t) => {
  t.match(compileExpression('metadata.team == 3'), { error: /"==" does not go between a text and a number/ })
  t.match(compileExpression('metadata.team in [3]'), { error: /"in" does not go between/ })
  t.match(compileExpression('metadata.team && true'), { error: /&& and \|\| go between conditions/ })
})

t.test('a rule fires only if its condition is true, and nothing else', async (t) => {
  t.not(evaluate('dyn(1)'), true)
  t.not(evaluate('dyn("true")'), true)
  t.equal(evaluate('dyn(true)'), true)
})

t.test('an expression of any size or depth gives an error, not a crash', async (t) => {
  const deep = (depth: number): string => '('.repeat(depth) + 'true'.padEnd(depth + 4, ')')
  for (const depth of [300, 100_000]) t.match(compileExpression(deep(depth)), { error: /maxDepth/, offset: Number })
  t.match(compileExpression('!'.repeat(5000).concat('true')), { error: String })
  t.match(compileExpression(Array(2000).fill('true').join(' || ')), { error: /maxAstNodes/ })
  t.equal(evaluate(deep(20)), true, 'and one that a person might write is fine')
})

t.test('two expressions with the same pattern, or one compiled twice, do not disturb each other', async (t) => {
  const source = 'event.message.matches("no such file")'
  const [first, second] = [compileExpression(source), compileExpression(`!${source}`)]
  if ('error' in first || 'error' in second) return t.fail()
  const subject = { event: event(), transition: 'failed' } as const
  t.strictSame([first.matches(subject), second.matches(subject), first.matches(subject)], [true, false, true])
})
