// Done: is what came of a click.

/** For metrics. */
export type Outcome = 'done' | 'refused' | 'repeated' | 'failed' | 'unknown'

/** `say`: what only the clicker sees; `isChange`: what the card shows is another. */
export interface Done {
  outcome: Outcome
  say?: string
  isChange?: boolean
}
