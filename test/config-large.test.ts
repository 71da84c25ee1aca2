// Large config files: the work grows with the entries and not with their pairs, because the relay serves nobody meanwhile.
import t from 'tap'
import { loadConfig } from '../src/config/config.ts'
import { senseFaults } from '../src/config/crosscheck.ts'
import type { ConfigText } from '../src/config/schema.ts'
import { compileRules } from '../src/rules/rules.ts'

const many = 1000
const places = Array.from({ length: many }, (_, at) => at)

t.test('suggestions are made for the first hundred unknown names; the others are reported without one', (t) => {
  const destinations = places.map((at) => `  channel-${at}: { preview: true }`)
  const entries = (line: (at: number) => string) => places.map(line).join('\n')
  const text = `
sources:
${entries((at) => `  source-${at}: { hmacKeys: ["\${KEY}"], cluster: cluster-${at} }`)}
destinations:
${destinations.join('\n')}
rules:
${entries((at) => `  - { name: r${at}, match: { cluster: clustr-${at} }, send: chanel-${at} }`)}
owners:
${entries((at) => `  - { match: { source: sorce-${at} }, send: chanel-${at} }`)}
`
  const { problems } = loadConfig(text, 'config.yaml', { KEY: 'k'.repeat(32) })
  for (const what of ['destination "chanel-', 'cluster "clustr-', 'source "sorce-']) {
    const said = problems.filter(({ message }) => message.includes(`there is no ${what}`))
    t.ok(said.length >= many, what)
    const guesses = said.filter(({ message }) => message.includes('did you mean'))
    t.ok(guesses.length >= 100 && guesses.length <= 200, `${guesses.length} guesses`)
  }
  t.end()
})

t.test('the search for a final rule above runs once', (t) => {
  let asked = 0
  const texts = places.map((at) => ({
    ...{ name: `r${at}`, send: 'team', as: 'rollout' as const, match: { severity: 'info' as const } },
    get final() {
      asked += 1
      return false
    }
  }))
  compileRules(texts)
  t.ok(asked <= 5 * many, `asked ${asked} times`)
  t.end()
})

t.test('the faults of one entry are not compared with those of all others', (t) => {
  const rules = places.map((at) => ({ name: `r${at}`, send: 'nowhere' }))
  const text: ConfigText = { destinations: { team: { preview: true } }, rules }
  let compared = 0
  const shape = places.map((at) => ({
    ...{ message: 'unknown key "namespce"', isAboutKey: true },
    get path() {
      compared += 1
      return ['rules', at, 'match', 'namespce']
    }
  }))
  const faults = senseFaults(text, { destinations: new Map(), sources: new Map() }, shape)
  t.equal(faults.filter(({ message }) => message.includes('nowhere')).length, many)
  t.ok(compared <= 50 * many, `compared ${compared} times`)
  t.end()
})
