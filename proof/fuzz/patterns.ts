// Globs and regular expressions: any pattern is either refused with the place of its fault or matches quickly, whatever the
// text.
import fc from 'fast-check'
import { compileGlobs, compileRegex, globCovers } from '../../src/patterns.ts'
import { anyText, pumped } from './hostile.ts'
import { faultsAmong, type Target } from './target.ts'

const tokens = [
  ...'a b . * + ? *? +? ?? ( ) (?: (?i) (?s) (?m) (?U) (?P<n> (?<n> (?= (?! (?<= (?# | [ ] [^ [a-z] [[:alpha:]] [z-a] ^ $'.split(
    ' '
  ),
  ...'\\ \\b \\B \\d \\D \\w \\s \\S \\A \\z \\Z \\Q \\E \\1 \\k<n> \\p{Greek} \\pN \\x{10FFFF} \\x{110000} \\C \\u0041'.split(
    ' '
  ),
  ...[
    '{2}',
    '{0,5}',
    '{1000}',
    '{1001}',
    '{2,1}',
    '{,3}',
    '{',
    '}',
    '-',
    '\\pL*',
    '(a|a)*',
    '(.*a){20}',
    '(a?){30}',
    '日',
    '\ud83d',
    '\u0000'
  ]
]
const regex = fc
  .array(
    fc.oneof(
      { weight: 6, arbitrary: fc.constantFrom(...tokens) },
      { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 4 }) }
    ),
    { maxLength: 14 }
  )
  .map((parts) => parts.join(''))
const letters = fc
  .tuple(
    fc.array(fc.constantFrom('a', 'b', 'aab', '日', '\n', '!'), { minLength: 1, maxLength: 4 }),
    fc.nat(400),
    anyText
  )
  .map(([unit, times, end]) => unit.join('').repeat(times) + end)
const text = fc.oneof(letters, anyText, pumped(2000))

type Regex = ReturnType<typeof compileRegex>

export const regexes: Target<{ pattern: string; text: string }, { compiled: Regex; found: boolean | undefined }> = {
  name: 'regex',
  share: 80_000,
  input: fc.record({ pattern: regex, text }),
  run({ pattern, text }) {
    const compiled = compileRegex(pattern)
    return { compiled, found: 'error' in compiled ? undefined : compiled.find(text) }
  },
  faults({ compiled, found }, { pattern }) {
    if (!('error' in compiled)) return faultsAmong({ 'neither yes nor no': typeof found !== 'boolean' })
    return faultsAmong({
      'no reason': compiled.error === '',
      'a place outside the text': !(compiled.offset >= 0 && compiled.offset <= pattern.length)
    })
  }
}

const glob = fc
  .array(fc.oneof(fc.constantFrom('*', '?', '**', 'a', 'b', '*a', 'a*', '.', '[', '\\', '日', '🔥'), anyText), {
    minLength: 1,
    maxLength: 60
  })
  .map((parts) => parts.join(''))

/** A second implementation of globs, which tracks all possible places in the glob at once. */
function oracle(glob: string, text: string): boolean {
  let places = new Set(afterStars(glob, 0))
  for (let at = 0; at < text.length; at++) {
    const next = new Set<number>()
    for (const place of places) {
      if (glob[place] === '*') next.add(place)
      if (glob[place] === '?' || (glob[place] === text[at] && glob[place] !== '*'))
        for (const one of afterStars(glob, place + 1)) next.add(one)
      if (glob[place] === '*') for (const one of afterStars(glob, place)) next.add(one)
    }
    places = next
  }
  return places.has(glob.length)
}

function afterStars(glob: string, from: number): number[] {
  const places = [from]
  for (let place = from; glob[place] === '*'; place++) places.push(place + 1)
  return places
}

export const globs: Target<
  { glob: string; other: string; text: string },
  { matched: boolean; covers: boolean; both: boolean }
> = {
  name: 'glob',
  share: 80_000,
  input: fc.record({ glob, other: glob, text: text.map((text) => text.slice(0, 253)) }),
  run({ glob, other, text }) {
    return {
      matched: compileGlobs([glob]).matches(text),
      covers: globCovers(other, glob),
      both: compileGlobs([other]).matches(text)
    }
  },
  faults: ({ matched, covers, both }, { glob, text }) =>
    faultsAmong({
      'another answer than it means': matched !== oracle(glob, text),
      'covered, and yet not': covers && matched && !both
    })
}
