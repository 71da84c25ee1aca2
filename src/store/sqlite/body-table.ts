// Body table: finds events by the beginning of their bodies' identity. It uses typed arrays: in a map, the garbage collector would visit
// each of half a million entries, and each lookup would fetch three places of memory instead of one.

/** Characters that count of an identity's 43: enough to tell bodies apart, and the most that fit into a number. */
const characters = 8
const firstSize = 1024

/** The beginning of `identity`, as a number above 0. */
export function beginningOf(identity: string): number {
  let number = 0
  for (let at = 0; at < characters; at++) {
    // The codes of base64url are 45 to 122, and 97 to the eighth is below 2 to the 53rd.
    const digit = (identity.charCodeAt(at) | 0) - 26
    number = number * 97 + Math.min(96, Math.max(0, digit))
  }
  return number + 1
}

/** Events by the {@link beginningOf} their bodies' identities; of two that begin alike, the later one. */
export class BodyTable {
  // Open addressing: an entry is at its place or at one of the next. A free place has 0, and at least half of all are free.
  #beginnings = new Float64Array(firstSize)
  #events = new Float64Array(firstSize)
  #size = 0

  get size(): number {
    return this.#size
  }

  get(beginning: number): number | undefined {
    const at = this.#placeOf(beginning)
    return this.#beginnings[at] === beginning ? this.#events[at] : undefined
  }

  set(beginning: number, event: number): void {
    const at = this.#placeOf(beginning)
    if (this.#beginnings[at] === 0) this.#size += 1
    this.#beginnings[at] = beginning
    this.#events[at] = event
    if (this.#size * 2 > this.#beginnings.length) this.#grow()
  }

  /** The place where `beginning` is, or would be. */
  #placeOf(beginning: number): number {
    const last = this.#beginnings.length - 1
    // The last of these characters are as random as the rest, and the remainder is exact.
    let at = beginning % this.#beginnings.length
    while (this.#beginnings[at] !== 0 && this.#beginnings[at] !== beginning) at = at === last ? 0 : at + 1
    return at
  }

  #grow(): void {
    const [beginnings, events] = [this.#beginnings, this.#events]
    this.#beginnings = new Float64Array(beginnings.length * 2)
    this.#events = new Float64Array(beginnings.length * 2)
    for (let from = 0; from < beginnings.length; from++) {
      const beginning = beginnings[from] as number
      if (beginning === 0) continue
      const at = this.#placeOf(beginning)
      this.#beginnings[at] = beginning
      this.#events[at] = events[from] as number
    }
  }
}
