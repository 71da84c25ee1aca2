// Row: one way in which two tries of one failure may differ, and what several rows are made of.

/**
 * Hints, of which one is in every text that has what varies (see hints.ts); what varies; the placeholder in its place; and
 * other hints, of which one is in it too. Rows are applied top to bottom, to lines separated by one newline and words
 * separated by one space. Repetitions are bounded, or end where the next could begin, and none is nested, so each row is
 * linear. A digit is looked for before what is before it, which is cheaper.
 */
export type Row = readonly [hints: readonly string[], pattern: RegExp, placeholder: string, others?: readonly string[]]

export const endOfToken = String.raw`(?![\w-]|\.\w)`
// A value that was refused is the culprit.
export const noValue = '(?<!value: "?)'
