// Row: one way in which two tries of one failure may differ, and the parts that several rows share.

/**
 * Hints, one of which is in every text with the varying part (see hints.ts); the pattern of that part; the placeholder in its
 * place; and further hints, one of which must be in the text as well. Rows are applied top to bottom, to lines separated by one
 * newline and words separated by one space. Repetitions are bounded, or end where the next could begin, and none is nested, so each
 * row is linear. A row finds a digit first and then checks what stands before it, which is cheaper.
 */
export type Row = readonly [hints: readonly string[], pattern: RegExp, placeholder: string, others?: readonly string[]]

export const endOfToken = String.raw`(?![\w-]|\.\w)`
// A refused value is the culprit, so it stays.
export const noValue = '(?<!value: "?)'
