// Needles: finds in a text what one pattern of all needles, the longest first, would find.
import t from 'tap'
import { createNeedles } from '../src/needles.ts'
import { fc } from './fixtures/fc.ts'

const letter = fc.constantFrom('a', 'b', 'A', 'B', '/', 'é', 'É', 'İ', '😀', 'ß')
const word = fc.string({ minLength: 4, maxLength: 8, unit: letter })

function byPattern(needles: readonly string[], text: string): string {
  const literals = needles.toSorted((a, b) => b.length - a.length).map((needle) => RegExp.escape(needle))
  return text.replace(new RegExp(literals.join('|'), 'gi'), '#')
}

t.test('whatever the needles and the text are made of', async (t) => {
  const cases = fc.array(word, { minLength: 1, maxLength: 8 }).chain((needles) => {
    const piece = fc.oneof(fc.constantFrom(...needles), word)
    return fc.tuple(
      fc.constant(needles),
      fc.array(piece, { maxLength: 12 }).map((pieces) => pieces.join(''))
    )
  })
  fc.assert(
    fc.property(cases, ([needles, text]) => {
      const finder = createNeedles()
      for (const needle of needles) finder.add(needle)
      return finder.replace(text, '#') === byPattern(needles, text)
    }),
    { numRuns: 2000 }
  )
  t.pass()
})

t.test('needles that begin alike, as addresses do, are each found', async (t) => {
  const finder = createNeedles()
  const needles = Array.from({ length: 10_000 }, (_, n) => `https://hooks.example.com/${n}/key`)
  for (const needle of needles) finder.add(needle)
  t.equal(
    finder.replace(`to ${needles[0]}, ${needles[9_999]?.toUpperCase()} and ${needles[5]}!`, '#'),
    'to #, # and #!'
  )
})

t.test('needles shorter than four characters are not searched for', async (t) => {
  const finder = createNeedles()
  for (const needle of ['', 'a', 'abc']) finder.add(needle)
  t.equal(finder.replace('abc a abc', '#'), 'abc a abc')
})
