// What was probably meant.
import { distance } from 'fastest-levenshtein'

/** The one of `known` that is at most `furthest` letters from `word`, whatever their case. */
export function nearest(word: string, known: readonly string[], furthest: number): string | undefined {
  const [best] = known
    .map((candidate) => ({ candidate, far: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.far - b.far)
  return best === undefined || best.far > furthest ? undefined : best.candidate
}

/** `; did you mean "x"?` where one of `known` is near to `word`, else nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const best = nearest(word, known, Math.min(3, Math.ceil(word.length / 3)))
  return best === undefined ? '' : `; did you mean "${best}"?`
}

// More than a person looks through.
const maxListed = 20

/** `there is no source "edge"; did you mean "edge-1"? There are default, edge-1`: `known` are those that there are. */
export function unknownName(what: string, name: string, known: readonly string[]): string {
  const guess = didYouMean(name, known)
  const listed = [
    ...known.slice(0, maxListed),
    ...(known.length > maxListed ? [`${known.length - maxListed} more`] : [])
  ]
  const all = known.length === 0 ? 'there is none' : `there ${known.length === 1 ? 'is' : 'are'} ${listed.join(', ')}`
  const said = `there is no ${what} "${name.slice(0, 100)}"`
  return guess === '' ? `${said}; ${all}` : `${said}${guess} ${all.charAt(0).toUpperCase()}${all.slice(1)}`
}
