// Patterns: match as documented, and never slowly.
import t from 'tap'
import { compileGlobs, compileRegex, isGlob } from '../src/patterns.ts'
import { cpuMs } from './fixtures/cpu.ts'
import { fc } from './fixtures/fc.ts'

const matches = (patterns: string | string[], text: string): boolean => compileGlobs(patterns).matches(text)

/** Longer than any of this should take, and far shorter than backtracking takes. */
const promptMs = 1000
const timed = (run: () => boolean): { result: boolean; isPrompt: boolean } => {
  const started = cpuMs()
  const result = run()
  return { result, isPrompt: cpuMs() - started < promptMs }
}

const globs: readonly (readonly [pattern: string | string[], matches: string[], fails: string[]])[] = [
  ['team-a', ['team-a'], ['team-ab', 'xteam-a', 'Team-A', '']],
  ['team-*', ['team-', 'team-a', 'team-a-b'], ['team', 'xteam-a', 'TEAM-A']],
  ['*-prod', ['-prod', 'eu-prod'], ['prod', 'eu-prod2']],
  ['*', ['', 'x', 'any\nthing'], []],
  ['**', ['', 'x'], []],
  ['a*b*c', ['abc', 'aXbXc', 'abbcc', 'abcbc'], ['ab', 'acb', 'abcd']],
  ['*aab', ['aab', 'aaab', 'aabaab'], ['aaba']],
  ['dev-?', ['dev-1'], ['dev-', 'dev-12']],
  ['?*', ['x', 'xy'], ['']],
  ['?', ['é', '🚀'], ['🚀🚀', 'e\u0301x']],
  ['*?-?', ['🚀-🚀', 'x🚀-é'], ['-🚀', '🚀-']],
  ['??', ['🚀🚀', 'a🚀'], ['🚀']],
  [
    ['flux-system', 'kube-*'],
    ['flux-system', 'kube-public'],
    ['flux', 'default']
  ],
  ['a.c', ['a.c'], ['abc']],
  ['[ab]', ['[ab]'], ['a']],
  ['a|b', ['a|b'], ['a', 'b']],
  ['!a', ['!a'], ['b']],
  ['{a,b}', ['{a,b}'], ['a']],
  ['a\\*', ['a\\x'], ['a*']]
]

for (const [pattern, matching, others] of globs) {
  t.test(`the glob ${JSON.stringify(pattern)} matches whole texts, and nothing else`, async (t) => {
    for (const text of matching) t.ok(matches(pattern, text), JSON.stringify(text))
    for (const text of others) t.notOk(matches(pattern, text), JSON.stringify(text))
  })
}

t.test('a glob matches the same as its equivalent regular expression', async (t) => {
  const oracle = (glob: string): RegExp => {
    const parts = glob
      .split('')
      .map((char) => (char === '*' ? '[^]*' : char === '?' ? '[^]' : `\\u{${char.charCodeAt(0).toString(16)}}`))
    return new RegExp(`^${parts.join('')}$`, 'u')
  }
  const glob = fc.string({ minLength: 1, maxLength: 8, unit: fc.constantFrom('a', 'b', '.', '*', '?') })
  const text = fc.string({ maxLength: 10, unit: fc.constantFrom('a', 'b', '.', '*') })
  fc.assert(
    fc.property(fc.array(glob, { minLength: 1, maxLength: 3 }), text, (globs, text) => {
      return matches(globs, text) === globs.some((each) => oracle(each).test(text))
    }),
    { numRuns: 5000 }
  )
  t.pass()
})

t.test('no glob is slow, whatever the name it is matched against', async (t) => {
  for (const glob of [`${'*a'.repeat(120)}*b`, `${'a*'.repeat(126)}b`, `${'*'.repeat(250)}b`, `${'*?'.repeat(100)}b`]) {
    const { result, isPrompt } = timed(() => matches(glob, 'a'.repeat(253)))
    t.notOk(result, glob.slice(0, 12))
    t.ok(isPrompt, `${glob.slice(0, 12)} is answered promptly`)
  }
  t.ok(matches(`${'*a'.repeat(120)}*`, 'a'.repeat(253)))
})

t.test("a rule's matcher is shown as it was written", async (t) => {
  t.equal(compileGlobs('team-*').wanted, 'team-*')
  t.equal(compileGlobs(['b', 'a*']).wanted, 'b, a*')
})

t.test('only a star and a question mark make a glob', async (t) => {
  for (const pattern of ['*', 'a*', '?', 'a?b']) t.ok(isGlob(pattern), pattern)
  for (const pattern of ['a', '', '[a]', '{a,b}', 'a.b']) t.notOk(isGlob(pattern), pattern)
})

const regexes: readonly (readonly [pattern: string, matches: string[], fails: string[]])[] = [
  ['timeout', ['a timeout while waiting'], ['Timeout']],
  ['(?i)timeout', ['a Timeout', 'TIMEOUT'], ['time out']],
  ['^Dependencies do not', ['Dependencies do not meet ready condition'], ['The Dependencies do not meet']],
  ['failed$', ['upgrade failed'], ['upgrade failed\n', 'upgrade failed\nLast Helm logs']],
  ['(?m)failed$', ['upgrade failed\nLast Helm logs'], ['failed to upgrade']],
  ['a.b', ['a-b'], ['a\nb']],
  ['(?s)a.b', ['a\nb'], []],
  ['(?P<verb>install|upgrade) failed', ['Helm upgrade failed'], ['Helm rollback failed']],
  ['(?<verb>install|upgrade) failed', ['Helm install failed'], ['Helm test failed']],
  ['\\bnot\\b', ['is not ready'], ['nothing']],
  ['\\Qa.b\\E', ['a.b'], ['a-b']],
  ['\\p{Greek}', ['λ'], ['l']],
  ['', ['', 'anything'], []]
]

for (const [pattern, matching, others] of regexes) {
  t.test(`the expression /${pattern}/ matches where Go would find it`, async (t) => {
    const compiled = compileRegex(pattern)
    if ('error' in compiled) return t.fail(compiled.error)
    for (const text of matching) t.ok(compiled.find(text), JSON.stringify(text))
    for (const text of others) t.notOk(compiled.find(text), JSON.stringify(text))
  })
}

const faults: readonly (readonly [pattern: string, error: RegExp, offset?: number])[] = [
  ['a(b', /a "\(" is never closed/],
  ['a)', /a "\)" closes nothing/],
  ['b[a', /"\[a" is never closed/, 1],
  ['*a', /"\*" repeats nothing; .*"\.\*"/],
  ['a**', /"\*\*" repeats a repetition/, 1],
  ['a\\', /ends in a lone "\\"/],
  ['a{2,1}', /"\{2,1\}" is not a count/, 1],
  ['a{1001}', /"\{1001\}" is not a count/, 1],
  ['(a{1000}){1000}', /is not a count/, 2],
  ['b(?=a)', /no look-ahead \("\(\?="\); use include and exclude, or `not`/, 1],
  ['(?!a)', /no look-ahead/],
  ['(?<=a)b', /no look-behind \("\(\?<="\)/],
  ['(a)\\1', /no back-references \("\\1"\)/, 3],
  ['a\\Z', /"\\Z" means nothing in RE2/, 1],
  ['[z-a]', /"z-a" is not a range/, 1],
  ['('.repeat(2000) + ')'.repeat(2000), /nests too deeply/]
]

for (const [pattern, error, offset = 0] of faults) {
  t.test(`the expression ${pattern.slice(0, 20)} is a fault that says what is wrong, and where`, async (t) => {
    t.match(compileRegex(pattern), { error, offset })
  })
}

t.test('no expression is slow, whatever the message it is matched against', async (t) => {
  for (const pattern of ['(a+)+$', '(a|aa)+$', '(.*a){20}$', '(a?){30}a{30}$']) {
    const compiled = compileRegex(pattern)
    if ('error' in compiled) return t.fail(compiled.error)
    t.ok(timed(() => compiled.find(`${'a'.repeat(30)}!`)).isPrompt, pattern)
    t.ok(timed(() => compiled.find(`${'a'.repeat(5000)}!`)).isPrompt, `${pattern} on 5,000 letters`)
  }
})
