// Shadowed rules: are reported only if no event can reach them, and quickly.
import t from 'tap'
import { severityNames } from '../src/events/severity.ts'
import { globCovers } from '../src/patterns.ts'
import { compileRules, match } from '../src/rules/rules.ts'
import type { RuleText } from '../src/rules/schema.ts'
import { findShadowed } from '../src/rules/shadow.ts'
import { event } from './fixtures/events.ts'
import { fc } from './fixtures/fc.ts'

type Match = NonNullable<RuleText['match']>

const isShadowed = (wide: Match, narrow: Match): boolean =>
  findShadowed([
    { name: 'first', match: wide, final: true, send: 'a' },
    { name: 'second', match: narrow, send: 'a' }
  ]).length > 0

const certain: readonly (readonly [what: string, wide: Match, narrow: Match])[] = [
  ['the same', {}, {}],
  ['fewer severities', { severity: 'info' }, { severity: 'error' }],
  ['one severity of a threshold', { severity: 'warn' }, { severity: ['warn'] }],
  ['the severity that is meant where none is written', { severity: ['error'] }, {}],
  ['one of a list', { kind: ['Kustomization', 'HelmRelease'] }, { kind: 'HelmRelease' }],
  ['anything', { namespace: '*' }, { namespace: ['a', 'b-*'] }],
  ['anything, where nothing is asked', { namespace: '*', metadata: { team: ['*', 'a'] } }, {}],
  ['a name that the glob matches', { namespace: 'team-*' }, { namespace: ['team-a', 'team-b'] }],
  ['a narrower glob', { namespace: 'team-*' }, { namespace: 'team-?-*' }],
  ['one object of several', { object: 'HelmRelease/db/*' }, { object: ['HelmRelease/db/a', 'HelmRelease/db/b'] }],
  ['more conditions', { kind: 'HelmRelease' }, { kind: 'HelmRelease', name: 'x', when: 'transition == "failed"' }],
  ['metadata', { metadata: { team: ['a', 'b'] } }, { metadata: { team: 'a', env: 'prod' } }],
  ['a related object of a kind', { related: { kind: 'Helm*' } }, { related: { kind: 'HelmChart', name: 'a' } }],
  ['the same expression', { when: 'revision.sha != ""' }, { when: 'revision.sha != ""', kind: 'X' }],
  ['fewer messages', { message: { include: ['a', 'b'] } }, { message: { include: ['b'] } }],
  ['more exclusions', { message: { exclude: ['a'] } }, { message: { exclude: ['a', 'b'] } }],
  ['more refusals', { not: { kind: 'A' } }, { not: { kind: ['A', 'B'] } }],
  ['something else than what is refused', { not: { kind: 'A*' } }, { kind: ['B', 'C'] }],
  ['a severity that is not refused', { severity: 'info', not: { severity: ['info'] } }, { severity: 'warn' }]
]

for (const [what, wide, narrow] of certain) {
  t.test(`a rule below a final one is unreachable if it asks for ${what}`, async (t) => t.ok(isShadowed(wide, narrow)))
}

const reachable: readonly (readonly [what: string, wide: Match, narrow: Match])[] = [
  ['less severe', {}, { severity: 'warn' }],
  ['exactly what a threshold begins with', { severity: ['warn'] }, { severity: 'warn' }],
  ['another kind, too', { kind: ['A', 'B'] }, { kind: ['B', 'C'] }],
  ['any kind', { kind: 'A' }, {}],
  ['other objects', { object: 'HelmRelease/db/a' }, { object: 'HelmRelease/db/*' }],
  ['a wider glob', { namespace: 'team-?' }, { namespace: 'team-*' }],
  ['other metadata', { metadata: { team: 'a' } }, { metadata: { env: 'a' } }],
  ['another related object', { related: { kind: 'HelmChart' } }, { kind: 'HelmChart' }],
  ['another action', { action: 'Appl*' }, { action: ['Applied', 'Failed'] }],
  ['another expression', { when: 'transition == "failed"' }, { when: 'transition == "changed"' }],
  ['messages that are excluded above', { message: { exclude: ['a'] } }, { message: { include: ['b'] } }],
  ['what is refused above', { not: { kind: 'A' } }, { kind: ['A', 'B'] }],
  ['less refused', { not: { kind: ['A', 'B'] } }, { not: { kind: 'A' } }]
]

for (const [what, wide, narrow] of reachable) {
  t.test(`a rule below a final one may be reached if it asks for ${what}`, async (t) =>
    t.notOk(isShadowed(wide, narrow))
  )
}

t.test('the final rule that hides it is named, or the first of several', async (t) => {
  const rules: RuleText[] = [
    { name: 'other', match: { kind: 'A' }, send: 'a' },
    { name: 'first', match: { kind: ['B', 'C'] }, final: true, send: 'a' },
    { name: 'taken', match: { kind: 'B' }, final: true, send: 'a' },
    { name: 'b', match: { kind: 'B', name: 'x' }, send: 'a' },
    { name: 'all', match: { severity: 'info' }, final: true, send: 'a' },
    { name: 'c', match: { kind: 'C' }, send: 'a' },
    { name: 'never', send: 'a' }
  ]
  t.strictSame(findShadowed(rules), [
    { rule: 2, by: 1 },
    { rule: 3, by: 1 },
    { rule: 5, by: 1 },
    { rule: 6, by: 4 }
  ])
})

t.test('no event ever reaches a rule that is reported as unreachable', async (t) => {
  const pattern = fc.constantFrom('a', 'b', 'ab', 'a*', '*b', '?', '*', 'a?')
  const patterns = fc.oneof(pattern, fc.array(pattern, { minLength: 1, maxLength: 2 }))
  const severity = fc.constantFrom(...severityNames)
  const regexes = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 2 })
  const matchers = {
    severity: fc.oneof(severity, fc.array(severity, { minLength: 1, maxLength: 2 })),
    kind: patterns,
    name: patterns,
    metadata: fc.record({ team: patterns }, { requiredKeys: [] }),
    message: fc.record({ include: regexes, exclude: regexes }, { requiredKeys: [] })
  }
  const someOf = (all: Record<string, fc.Arbitrary<unknown>>, maxLength: number) =>
    fc
      .shuffledSubarray(Object.keys(all), { maxLength })
      .chain((keys) => fc.record(Object.fromEntries(Object.entries(all).filter(([key]) => keys.includes(key)))))
  const when = fc.constantFrom('object.kind == "a"', 'object.kind == metadata.team')
  const anyMatch = someOf({ ...matchers, not: someOf(matchers, 1), when }, 2)
  const rule = fc.record({ match: anyMatch, final: fc.boolean() })
  const texts = ['a', 'b', 'ab', 'ba', '']
  const subjects = severityNames.flatMap((severity) =>
    texts.flatMap((kind) =>
      texts.flatMap((name) =>
        texts.map((team) => ({
          event: event({ severity, object: { kind, name }, message: name, metadata: team === '' ? {} : { team } }),
          transition: 'failed' as const
        }))
      )
    )
  )
  let found = 0
  fc.assert(
    fc.property(fc.array(rule, { minLength: 2, maxLength: 5 }), (entries) => {
      const rules = entries.map(
        (entry, at): RuleText => ({ ...(entry as Omit<RuleText, 'name' | 'send'>), name: `${at}`, send: 'x' })
      )
      const unreachable = new Set(findShadowed(rules).map(({ rule }) => `${rule}`))
      if (unreachable.size === 0) return true
      found++
      const compiled = compileRules(rules).rules
      return subjects.every((subject) => match(subject, compiled).fired.every(({ name }) => !unreachable.has(name)))
    }),
    { numRuns: 3000 }
  )
  t.ok(found > 300, `${found} of them had one`)
})

t.test('a glob covers another only if it matches everything that the other does', async (t) => {
  const yes = [
    ['*', 'a*'],
    ['a*', 'a'],
    ['a*', 'a?*'],
    ['?', '?'],
    ['*b*', 'ab*'],
    ['a*c', 'a*b*c'],
    ['**', '*']
  ]
  const no = [
    ['a', 'a*'],
    ['?', '*'],
    ['a?', 'a*'],
    ['a*', '*a'],
    ['a', '?'],
    ['*a', '*']
  ]
  for (const [wide = '', narrow = ''] of yes) t.ok(globCovers(wide, narrow), `${wide} covers ${narrow}`)
  for (const [wide = '', narrow = ''] of no) t.notOk(globCovers(wide, narrow), `${wide} does not cover ${narrow}`)
})

t.test('a file of many final rules is searched up to the limit, and what is found first is right', async (t) => {
  const team = (at: number): RuleText => ({
    name: `${at}`,
    match: { kind: ['Kustomization', 'HelmRelease'], namespace: [`team-${at}`, `team-${at}-*`], severity: 'warn' },
    final: true,
    send: 'x'
  })
  const rules = Array.from({ length: 5000 }, (_, at) => team(at === 3 ? 1 : at))
  t.strictSame(findShadowed(rules), [{ rule: 3, by: 1 }])
})
