// Spelling: suggests what was probably meant.
import { distance } from 'fastest-levenshtein'

/** The nearest of `known`, if it is at most `furthest` letters from `word`, whatever their case. */
export function nearest(word: string, known: readonly string[], furthest: number): string | undefined {
  const [best] = known
    // At least as many letters differ as the lengths do.
    .filter(({ length }) => Math.abs(length - word.length) <= furthest)
    .map((candidate) => ({ candidate, far: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.far - b.far)
  return best === undefined || best.far > furthest ? undefined : best.candidate
}

/** The nearest of `known`, if it is so near to `word` that it was probably meant. */
export function meantBy(word: string, known: readonly string[]): string | undefined {
  return nearest(word, known, Math.min(3, Math.ceil(word.length / 3)))
}

/** Returns `; did you mean "x"?` if one of `known` is near to `word`, else an empty text. */
export function didYouMean(word: string, known: readonly string[]): string {
  const best = meantBy(word, known)
  return best === undefined ? '' : `; did you mean "${best}"?`
}

/** Guesses like {@link didYouMean}. */
export type Guess = (word: string, known: Iterable<string>) => string

// Each word is compared with all that there are. If more are wrong, all were renamed, and a person sees that by these.
const maxGuesses = 100

/** Guesses for the first hundred words only: ten thousand names that are not among ten thousand others would take half a minute. */
export function createGuess(): Guess {
  let left = maxGuesses
  return (word, known) => (left-- > 0 ? didYouMean(word, [...known]) : '')
}

// A person does not look through more.
const maxListed = 20

/**
 * Returns `there is no source "egde"; did you mean "edge"?`, or with `; there are default, edge` at its end. `known` is what there is,
 * or a part of it unless they `areAll`.
 */
export function unknownName(what: string, name: string, known: readonly string[], areAll = true): string {
  const more = known.length > maxListed ? ` and ${known.length - maxListed} more` : ''
  const least = areAll ? '' : 'at least '
  const all = `there ${known.length === 1 ? 'is' : 'are'} ${least}${known.slice(0, maxListed).join(', ')}${more}`
  const none = areAll ? 'there are none' : 'none is known yet'
  return `there is no ${what} ${quote(name)}${didYouMean(name, known) || `; ${known.length === 0 ? none : all}`}`
}

/** `text` in quotes, without what a terminal takes for commands. */
export function quote(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}
