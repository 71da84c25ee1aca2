// Legible: makes text from outside readable, without what a terminal or a text field would obey.

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
