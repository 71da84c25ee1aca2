// Lock numbers: keep what replicas wait for each other with from being locked by the same number. Any numbers do, the same in every
// replica, and in every version that may run beside it.

/** The keys of the advisory locks. Those of the last two are the first key of two. */
export const lockNumbers = {
  /** A replica changes the tables. */
  schema: 8_140_771,
  /** A replica sums up what mutes withheld. */
  summaries: 8_140_773,
  /** A report changes the rollouts of a scope; its hash is the second key. */
  rollouts: 8_140_772,
  /** An operator's click has its effect; its hash is the second key. */
  clicks: 8_140_774
}
