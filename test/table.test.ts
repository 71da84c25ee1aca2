// Tables: align what people read.
import t from 'tap'
import { table } from '../src/cli/output.ts'

t.test('columns stand under each other, and the last is cut to the terminal', async (t) => {
  const rows = [
    ['1', 'team', 'a long reason'],
    ['22', 'x', 'short']
  ]
  t.equal(table(['ID', 'TO', 'WHY'], rows), 'ID  TO    WHY\n1   team  a long reason\n22  x     short\n')
  t.equal(table(['ID', 'TO', 'WHY'], rows, 16), 'ID  TO    WHY\n1   team  a long\n22  x     short\n')
})

t.test('no text of an event can steer the terminal', async (t) => {
  const out = table(['A', 'B'], [['\u001b[2J\u202ered', 'one\r\ntwo\u0000']])
  t.equal(out, 'A        B\n[2J red  one two\n')
})
