// Hints: say which short strings a text may contain after one pass over it, because a search for each costs more.

// Folds letters to lower case and all digits to 0; everything beyond ASCII is folded into one unit.
const fold = Uint8Array.from({ length: 128 }, (_, unit) => String.fromCharCode(unit).toLowerCase().charCodeAt(0))
const [hyphen, zero, nine, beyond] = [0x2d, 0x30, 0x39, 127]
fold.fill(zero, zero, nine + 1)
const isHex = Uint8Array.from({ length: 128 }, (_, unit) => Number(/[\da-f]/i.test(String.fromCharCode(unit))))

/**
 * Hints with a meaning of their own: a run of at least six digits, of seven or twelve hex digits, of exactly eight before a hyphen,
 * of eighteen letters and digits. They cannot be mistaken for other hints, which have no digit but 0.
 */
export const [sixDigits, sevenHex, twelveHex, eightHexHyphen, longWord] = ['1', '2', '3', '4', '5']
// Marks each run of three characters, then each of two, then single characters, with the number of the text that had it last. Runs
// of two and single ones are marked only if their last character is no letter, or follows a digit. Different runs of three may
// share a place.
const [threes, twos, ones] = [0, 1 << 14, (1 << 14) + (1 << 12)]
const seen = new Int32Array(ones + 128)
let turn = 0

const unitOf = (text: string, at: number) => Math.min(text.charCodeAt(at), beyond)
const runs = {
  sixDigits: ones + unitOf(sixDigits, 0),
  sevenHex: ones + unitOf(sevenHex, 0),
  twelveHex: ones + unitOf(twelveHex, 0),
  eightHexHyphen: ones + unitOf(eightHexHyphen, 0),
  longWord: ones + unitOf(longWord, 0)
}

function placesOf(hint: string): number[] {
  if (hint.length === 1) return [ones + unitOf(hint, 0)]
  if (hint.length === 2) return [twos + (((unitOf(hint, 0) << 5) ^ unitOf(hint, 1)) & 0xfff)]
  return Array.from({ length: hint.length - 2 }, (_, at) => {
    return threes + (((unitOf(hint, at) << 10) ^ (unitOf(hint, at + 1) << 5) ^ unitOf(hint, at + 2)) & 0x3fff)
  })
}

/** For each hint, its places in {@link seen}. */
export type Hints = readonly (readonly number[])[]

/**
 * Prepares hints: short strings as they stand in a text in lower case with 0 for each run of digits, such as ' 0 of 0'. A hint of
 * one or two characters may end in a letter only behind a 0.
 */
export function hintsOf(texts: readonly string[]): Hints {
  return texts.map(placesOf)
}

/** Scans a text; from now on {@link mayHave} is about it. */
export function look(text: string): void {
  // After an overflow an old mark may pass for a new one, which costs a little.
  turn = (turn + 1) | 0
  let last = 0
  let three = 0
  let digits = 0
  let hex = 0
  let word = 0
  for (let at = 0; at < text.length; at++) {
    const raw = text.charCodeAt(at)
    const unit = raw < 128 ? (fold[raw] as number) : beyond
    if (raw < 128 && isHex[raw] === 1) {
      hex += 1
      if (hex === 7) seen[runs.sevenHex] = turn
      else if (hex === 12) seen[runs.twelveHex] = turn
    } else {
      if (hex === 8 && unit === hyphen) seen[runs.eightHexHyphen] = turn
      hex = 0
    }
    if (unit === zero || (unit >= 0x61 && unit <= 0x7a)) {
      word += 1
      if (word === 18) seen[runs.longWord] = turn
    } else word = 0
    if (unit === zero) {
      digits += 1
      if (digits === 6) seen[runs.sixDigits] = turn
      if (digits > 1) continue
    } else digits = 0
    // Fourteen bits: the character before the last three is shifted out.
    three = ((three << 5) ^ unit) & 0x3fff
    seen[three] = turn
    if (last === zero || unit < 0x61 || unit > 0x7a) {
      seen[twos + (((last << 5) ^ unit) & 0xfff)] = turn
      seen[ones + unit] = turn
    }
    last = unit
  }
}

/** Reports whether the text may contain one of `hints`. A true may be wrong, a false never is. */
export function mayHave(hints: Hints): boolean {
  for (let n = 0; n < hints.length; n++) {
    const places = hints[n] as readonly number[]
    let at = 0
    while (at < places.length && seen[places[at] as number] === turn) at++
    if (at === places.length) return true
  }
  return false
}
