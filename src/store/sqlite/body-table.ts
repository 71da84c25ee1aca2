// Body table: finds events by what the identity of their bodies begins with. In typed arrays: of half a million entries in a map
// the collector would visit each, and a look into it has to fetch three places of memory where this one fetches one.

/** How many of an identity's 43 characters count: enough to tell bodies apart, and the most that fit into a number. */
const characters = 8
const firstSize = 1024

/** What `identity` begins with, as a number above 0. */
export function beginningOf(identity: string): number {
  let number = 0
  for (let at = 0; at < characters; at++) {
    // The codes of base64url are 45 to 122, and 97 to the eighth is below 2 to the 53rd.
    const digit = (identity.charCodeAt(at) | 0) - 26
    number = number * 97 + Math.min(96, Math.max(0, digit))
  }
  return number + 1
}

/** Events by {@link beginningOf} the identities of their bodies; of two that begin alike the later. */
export class BodyTable {
  // Open addressing: an entry is at its place, or at one of the next. Half of the places at least are free, which have 0.
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

  /** Where it is, or would be. */
  #placeOf(beginning: number): number {
    const last = this.#beginnings.length - 1
    // What the identity begins with last is as random as the rest; the remainder is exact.
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
