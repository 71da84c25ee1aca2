// Legible: makes text from outside readable, without anything that a terminal or a text field would obey, and counts its columns.

// ANSI sequences (CSI, and OSC up to its end), then every control character but tab and newline, then the marks that
// reorder or hide text: bidi embeddings and isolates, zero-width no-break space.
const ansi = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007\u001b\n]*(?:\u0007|\u001b\\)?|[@-Z\\^_])/g
const controls =
  /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g

// A carriage return within a line is hidden as well: it would write over the line that it is in.
const hidden = new RegExp(String.raw`${controls.source}|\r(?!\n)`, 'g')

/**
 * `text` with its control and reordering characters, except tabs and line ends, written as JSON writes them, such as `\u001b`. In a
 * text that is JSON nothing else changes.
 */
export function visible(text: string): string {
  return text.replace(hidden, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

// Nearly every name and message is made of these characters, which can all stay.
const ordinary = /^[\n\t -~]*$/

/** Text as a person may see it: no terminal codes, no control or reordering characters, `\n` the only line end. */
export function clean(text: string): string {
  if (ordinary.test(text)) return text.trimEnd()
  return text
    .toWellFormed()
    .replace(/\r\n?|\u2028|\u2029|\u0085/g, '\n')
    .replace(ansi, '')
    .replace(controls, '')
    .trimEnd()
}

/** `text` on one line, with runs of white space as one space. */
export function oneLine(text: string): string {
  return (/\s\s|[^\S ]/.test(text) ? text.replace(/\s+/g, ' ') : text).trim()
}

/** The first `max` UTF-16 units of `text`, without half a character at the end. */
export function beginning(text: string, max: number): string {
  if (text.length <= max) return text
  return text.slice(0, /[\ud800-\udbff]/.test(text[max - 1] ?? '') ? max - 1 : max)
}

// Characters of two columns: W and F of unicode.org/reports/tr11, as far as they are assigned, and those drawn as an emoji.
const wide =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe19\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{1b2ff}\u{20000}-\u{3fffd}]|\p{Emoji_Presentation}/u
// Marks that stand on the letter before them. U+FE0F is none of these: it makes an emoji of that letter.
const onAnother = /(?!\ufe0f)[\p{Mn}\p{Me}]/u
const simple = /^[ -~]*$/

/** Returns the number of terminal columns that `text` takes. */
export function columnsOf(text: string): number {
  if (simple.test(text)) return text.length
  return [...text].reduce((sum, letter) => sum + (onAnother.test(letter) ? 0 : wide.test(letter) ? 2 : 1), 0)
}
