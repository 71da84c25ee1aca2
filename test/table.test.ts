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
