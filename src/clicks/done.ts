// Done: the result of a click.

/** The outcome, as metrics call it. */
export type Outcome = 'done' | 'refused' | 'repeated' | 'failed' | 'unknown'

/** `say` is what only the clicker sees. `isChange` is true if the card has something else to show. */
export interface Done {
  outcome: Outcome
  say?: string
  isChange?: boolean
}
