// Tables: align what people read, and keep what matters when there is little room.
import fc from 'fast-check'
import t from 'tap'
import { age, table } from '../src/cli/output.ts'

const columns = [{ name: 'ID' }, { name: 'TO' }, { name: 'WHY' }]

t.test('columns are aligned, and the last is cut to the terminal', async (t) => {
  const rows = [
    ['1', 'team', 'a long reason'],
    ['22', 'x', 'short']
  ]
  t.equal(table(columns, rows), 'ID  TO    WHY\n1   team  a long reason\n22  x     short\n')
  t.equal(table(columns, rows, 16), 'ID  TO    WHY\n1   team  a lon…\n22  x     short\n')
})

t.test('no text of an event can steer the terminal', async (t) => {
  const out = table([{ name: 'A' }, { name: 'B' }], [['\u001b[2J\u202ered', 'one\r\ntwo\u0000']])
  t.equal(out, 'A        B\n[2J red  one two\n')
})

t.test(
  'with little room, columns disappear in their order, then names lose their middle, and reasons go last',
  async (t) => {
    const wide = [
      { name: 'ID' },
      { name: 'RULE', leaves: 1 },
      { name: 'NOTE', leaves: 2 },
      { name: 'ABOUT', least: 12 },
      { name: 'WHY' }
    ]
    const row = ['7', 'failures', 'a note', 'Kustomization prod-eu/payments/ledger', 'the disk of the database is full']
    const at = (width: number) => table(wide, [row], width).split('\n')[1]
    t.equal(at(200), row.join('  ').replace('7  ', '7   '))
    t.equal(at(90), '7   a note  Kustomization prod-eu/payments/ledger  the disk of the database is full')
    t.equal(at(74), '7   Kustomization prod-eu/payments/ledger  the disk of the database is fu…')
    t.equal(at(50), '7   Kust…ts/ledger  the disk of the database is f…')
  }
)

t.test('whatever the texts are, no line is longer than the terminal, and reasons keep 30 characters', async () => {
  const text = fc.string({ unit: 'grapheme-ascii', maxLength: 120 })
  const wide = [{ name: 'ID' }, { name: 'RULE', leaves: 1 }, { name: 'ABOUT', least: 20 }, { name: 'WHY' }]
  const row = fc.tuple(fc.stringMatching(/^[0-9]{1,6}$/), text, text, fc.stringMatching(/^[a-z]{30,200}$/))
  fc.assert(
    fc.property(fc.array(row, { minLength: 1, maxLength: 5 }), fc.integer({ min: 64, max: 200 }), (rows, width) => {
      const [, ...lines] = table(wide, rows, width).trimEnd().split('\n')
      return lines.every((line, index) => line.length <= width && line.includes(rows[index]?.[3].slice(0, 29) ?? ''))
    })
  )
})

/** Letters of two columns, of one and of none. */
const letters = ['部', '署', '한', 'あ', '！', '🔥', '🚀', 'x', 'é', 'ש', 'ß', '→', '\u0301', '\u0302']
const twoColumns = new Set(['部', '署', '한', 'あ', '！', '🔥', '🚀'])
const columnsOf = (line: string) =>
  [...line].reduce((sum, letter) => sum + (twoColumns.has(letter) ? 2 : /[\u0301\u0302]/.test(letter) ? 0 : 1), 0)

t.test('wide letters and emoji take two columns, accents none, and every column stands where it should', async (t) => {
  const text = fc
    .array(fc.constantFrom(...letters), { minLength: 1, maxLength: 80 })
    .map((parts) => `a${parts.join('')}z`)
  const three = [{ name: 'ID' }, { name: 'ABOUT', least: 12 }, { name: 'WHY' }]
  fc.assert(
    fc.property(
      fc.array(fc.tuple(text, text), { minLength: 1, maxLength: 4 }),
      fc.integer({ min: 50, max: 200 }),
      (found, width) => {
        const rows = found.map(([about, why]) => ['7', about, `|${why}`])
        const [, ...lines] = table(three, rows, width).trimEnd().split('\n')
        const starts = new Set(lines.map((line) => columnsOf(line.slice(0, line.indexOf('|')))))
        return starts.size === 1 && lines.every((line) => columnsOf(line) <= width)
      }
    )
  )
  t.equal(table(three, [['1', '集群一/shop', '部署失敗']], 40), 'ID  ABOUT        WHY\n1   集群一/shop  部署失敗\n')
  t.equal(table([{ name: 'A' }, { name: 'WHY' }], [['x', '部署失敗：無法']], 10), 'A  WHY\nx  部署失…\n')
})

t.test('an age has two units at most, in whole minutes', async (t) => {
  const now = Date.parse('2026-11-28T12:00:00Z')
  const ages: [string, string][] = [
    ['2026-11-28T11:59:15Z', '45 s'],
    ['2026-11-28T11:45:20Z', '14 m'],
    ['2026-11-28T08:39:20Z', '3 h 20 m'],
    ['2026-11-26T09:00:00Z', '2 d 3 h'],
    ['2026-11-28T13:00:00Z', '1 h']
  ]
  for (const [at, said] of ages) t.equal(age(at, now), said)
})
