// Needles: finds many known texts in another, in one pass. V8 would take most of a second to compile one pattern of a fleet's ten
// thousand keys, three times, and again with each reload; meanwhile nobody is answered.

/** Shorter texts occur everywhere, and are not looked for. */
const shortest = 4
const hashBits = 18

export interface Needles {
  add(needle: string): void
  /**
   * Returns `text` with `instead` for each needle in it, whatever the case of its letters; of needles that begin at one place, the
   * longest counts.
   */
  replace(text: string, instead: string): string
}

export function createNeedles(): Needles {
  /**
   * Marks the hashes of four characters with which needles begin. For most characters of a text, this byte is all that is looked
   * at.
   */
  const begins = new Uint8Array(1 << hashBits)
  /** Needles by their first characters, with their lengths, the longest first: many begin alike, as addresses do. */
  const alike = new Map<string, { needles: Set<string>; lengths: number[] }>()

  function longestAt(text: string, start: number): number | undefined {
    const { needles, lengths = [] } = alike.get(fold(text.slice(start, start + shortest))) ?? {}
    return lengths.find((length) => needles?.has(fold(text.slice(start, start + length))))
  }

  return {
    add(needle) {
      if (needle.length < shortest) return
      const beginning = fold(needle.slice(0, shortest))
      const { needles, lengths } = alike.get(beginning) ?? { needles: new Set(), lengths: [] }
      needles.add(fold(needle))
      if (!lengths.includes(needle.length)) lengths.push(needle.length)
      alike.set(beginning, { needles, lengths: lengths.sort((a, b) => b - a) })
      let hash = 0
      for (let at = 0; at < shortest; at++) hash = next(hash, beginning.charCodeAt(at))
      begins[hash] = 1
    },
    replace(text, instead) {
      let [result, done, hash] = ['', 0, 0]
      for (let end = 1; end <= text.length; end++) {
        hash = next(hash, text.charCodeAt(end - 1))
        const start = end - shortest
        if (begins[hash] === 0 || start < done) continue
        const length = longestAt(text, start)
        if (length === undefined) continue
        result += text.slice(done, start) + instead
        done = start + length
      }
      return done === 0 ? text : result + text.slice(done)
    }
  }
}

/** Returns `text` in lower case if that has the same length, else with only A to Z in lower case. */
function fold(text: string): string {
  const small = text.toLowerCase()
  return small.length === text.length ? small : text.replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase())
}

/** Returns the hash of the last four characters after one more. Characters beyond ASCII all count as the same. */
function next(hash: number, code: number): number {
  const folded = code > 127 ? 128 : code >= 65 && code <= 90 ? code + 32 : code
  return ((hash << 5) ^ folded) & ((1 << hashBits) - 1)
}
