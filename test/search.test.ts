// Search: understands what people type, whatever they type.

import t from 'tap'
import { asksFor, compileSearch, isEverything, parseSearch, toggled } from '../src/search.ts'
import { anyCharacters, fc } from './fixtures/fc.ts'

const fields = ['cluster', 'name', 'kind']

t.test('fields, words and quotes are understood', async (t) => {
  for (const [text, search] of [
    ['', { fields: {}, words: [] }],
    ['cluster:prod-eu', { fields: { cluster: ['prod-eu'] }, words: [] }],
    ['Name:a name:b*', { fields: { name: ['a', 'b*'] }, words: [] }],
    ['name:"a b" "deadline exceeded" x', { fields: { name: ['a b'] }, words: ['deadline exceeded', 'x'] }],
    ['https://charts.acme.dev', { fields: {}, words: ['https://charts.acme.dev'] }],
    ['"open quote', { fields: {}, words: ['open quote'] }],
    ['"cluster:x"', { fields: {}, words: ['cluster:x'] }]
  ] as const) {
    t.same(parseSearch(text, fields), search, text)
  }
  t.match(parseSearch('nmae:x', fields), /no field "nmae"; did you mean "name"/)
})

t.test('case is ignored, values of a field are globs, and every word is needed', async (t) => {
  const finds = (text: string) =>
    compileSearch(parseSearch(text, fields) as never)({ name: 'Ledger', kind: 'HelmRelease' }, ['Deadline exceeded'])
  for (const text of ['', 'name:ledg*', 'NAME:LEDGER', 'kind:x kind:helm*', '"deadline EXC" ledg', 'name:l?dger']) {
    t.ok(finds(text), text)
  }
  for (const text of ['name:ledg', 'cluster:x', 'deadline missing', 'name:ledger kind:pod']) t.notOk(finds(text), text)
})

t.test('any text can be parsed, and a value that is added can be removed again', async () => {
  fc.assert(
    fc.property(anyCharacters(), (text) => {
      const search = parseSearch(text, fields)
      if (typeof search !== 'string') isEverything(search)
    })
  )
  const value = fc.stringMatching(/^[a-z0-9][a-z0-9 :.*-]{0,12}$/).map((text) => text.trim())
  fc.assert(
    fc.property(value, value, (first, second) => {
      const text = toggled('', 'name', first)
      const both = toggled(text, 'cluster', second)
      const search = parseSearch(both, fields)
      return (
        typeof search !== 'string' &&
        search.fields['name']?.[0] === first &&
        search.fields['cluster']?.[0] === second &&
        asksFor(both, 'cluster', second) &&
        toggled(both, 'cluster', second) === text
      )
    })
  )
})
