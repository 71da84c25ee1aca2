// What was probably meant.
import { distance } from 'fastest-levenshtein'

/** `; did you mean "x"?` where one of `known` is near to `word`, else nothing. */
export function didYouMean(word: string, known: readonly string[]): string {
  const [best] = known
    .map((candidate) => ({ candidate, far: distance(word.toLowerCase(), candidate.toLowerCase()) }))
    .sort((a, b) => a.far - b.far)
  if (best === undefined || best.far > Math.min(3, Math.ceil(word.length / 3))) return ''
  return `; did you mean "${best.candidate}"?`
}
