// Hints: never miss what is in a text.
import t from 'tap'
import {
  eightHexHyphen,
  hintsOf,
  longWord,
  look,
  mayHave,
  sevenHex,
  sixDigits,
  twelveHex
} from '../src/events/hints.ts'
import { fc } from './fixtures/fc.ts'

const shape = (text: string) => text.toLowerCase().replace(/\d+/g, '0')
const isHint = (text: string) => text.length > 2 || /^.?[^a-z]$|^0[a-z]$/s.test(text)

t.test('whatever is in a text is never ruled out', async (t) => {
  const text = fc.string({ unit: fc.constantFrom(...'ab0 :=-./µ𝒳AZ9é(', '12', '::'), maxLength: 60 })
  fc.assert(
    fc.property(text, fc.nat(60), fc.integer({ min: 1, max: 8 }), (made, start, length) => {
      const hint = shape(made).slice(start, start + length)
      look(made)
      return hint === '' || !isHint(hint) || mayHave(hintsOf(['nowhere', hint]))
    }),
    { numRuns: 3_000 }
  )
  t.pass('for three thousand texts')
})

t.test('what a hint rules out is not searched for', async (t) => {
  look('health check failed after 5m0s: timeout waiting for: [Deployment/apps/web]')
  for (const hint of [
    '?',
    '@',
    '->',
    '0h',
    '://',
    'attempt',
    ' 0 of 0',
    'version',
    sixDigits,
    sevenHex,
    twelveHex,
    eightHexHyphen,
    longWord
  ]) {
    t.notOk(mayHave(hintsOf([hint])), hint)
  }
  for (const [hint, text] of [
    [sixDigits, 'at 123456'],
    [sevenHex, 'at 3ebb95c'],
    [twelveHex, '3ebb95c3ebb9'],
    [eightHexHyphen, 'in 3ebb95c3-'],
    [longWord, 'a'.repeat(18)]
  ] as const) {
    look(text)
    t.ok(mayHave(hintsOf([hint])), `${hint} in ${text}`)
    look(text.slice(0, -1))
    t.notOk(mayHave(hintsOf([hint])), `${hint} in ${text} but for one`)
  }
})
