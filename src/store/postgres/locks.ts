// Lock numbers: gives each advisory lock a number of its own. Any numbers do, if all replicas have the same, in every version that may
// run beside this one.

/** Keys of the advisory locks. `rollouts` and `clicks` are the first of two keys. */
export const lockNumbers = {
  /** Held while a replica changes the tables. */
  schema: 8_140_771,
  /** Held while a replica sums up what mutes withheld. */
  summaries: 8_140_773,
  /** Held while a report changes the rollouts of a scope; the hash of the scope is the second key. */
  rollouts: 8_140_772,
  /** Held while an operator's click takes effect; the hash of the click is the second key. */
  clicks: 8_140_774
}
