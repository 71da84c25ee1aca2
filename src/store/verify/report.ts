// Report: defines what a verification found.

export interface Finding {
  check: string
  /** How many rows speak against it. */
  rows: number
  /** Some of them, by their ids. */
  examples: readonly string[]
}

export interface Report {
  /** Rows by what they are. */
  counts: Record<string, number>
  /** Every check, those that found nothing included. */
  findings: readonly Finding[]
  /** What the database itself says of its pages; empty where it is sound, or looks after that on its own. */
  damage: readonly string[]
}

/** One statement on the database; `sql` is of the subset that both kinds understand. */
export type Read = (sql: string) => Promise<Record<string, unknown>[]>

/** So many examples of what is wrong. */
export const shown = 5
