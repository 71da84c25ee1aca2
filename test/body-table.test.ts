// Body table: finds what a map would find, however much it holds.
import { hash } from 'node:crypto'
import t from 'tap'
import { BodyTable, beginningOf } from '../src/store/sqlite/body-table.ts'

const identityOf = (n: number) => hash('sha256', `body ${n}`, 'base64url')

t.test('each event is found by the body it came with, and by no other', (t) => {
  const table = new BodyTable()
  const count = 30_000
  for (let n = 0; n < count; n++) table.set(beginningOf(identityOf(n)), n)
  t.equal(table.size, count)
  const wrong = Array.from({ length: count }, (_, n) => n).filter((n) => table.get(beginningOf(identityOf(n))) !== n)
  t.same(wrong, [])
  const strangers = Array.from({ length: count }, (_, n) => identityOf(count + n))
  t.same(
    strangers.filter((identity) => table.get(beginningOf(identity)) !== undefined),
    []
  )
  t.end()
})

t.test('of two events with the same beginning, the later is found', (t) => {
  const table = new BodyTable()
  const [first, second] = ['abcdefgh-1', 'abcdefgh-2'].map(beginningOf) as [number, number]
  t.equal(first, second)
  table.set(first, 1)
  table.set(second, 2)
  t.equal(table.get(first), 2)
  t.equal(table.size, 1)
  t.end()
})

t.test('any text has a beginning, and each base64url text a different one', (t) => {
  const characters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
  const beginnings = characters.flatMap((character) =>
    Array.from({ length: 8 }, (_, at) => beginningOf(`${'-'.repeat(at)}${character}${'-'.repeat(7 - at)}`))
  )
  // All hyphens are the same text.
  t.equal(new Set(beginnings).size, beginnings.length - 7)
  for (const text of ['', 'a', 'é😀', '\0\0\0\0\0\0\0\0', 'zzzzzzzz', '________'])
    t.ok(Number.isSafeInteger(beginningOf(text)) && beginningOf(text) > 0, JSON.stringify(text))
  t.end()
})
