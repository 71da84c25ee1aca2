// Varying: takes out of a message what differs between two tries of one failure. Its folder has the tables.
import { hintsOf, look, mayHave } from './hints.ts'
import { addresses } from './varying/addresses.ts'
import { counts } from './varying/counts.ts'
import { ids } from './varying/ids.ts'
import { names } from './varying/names.ts'
import { secrets } from './varying/secrets.ts'
import { times } from './varying/times.ts'

/** The order matters: the rest of an id or an address may look like a name or a number. */
export const rows = [...secrets, ...times, ...ids, ...addresses, ...names, ...counts]

const hinted = rows.map(([hints, pattern, placeholder, others]) => ({
  ...{ hints: hintsOf(hints), pattern, placeholder },
  others: others && hintsOf(others)
}))

/** Returns `text` with placeholders for everything that varies. */
export function withPlaceholders(text: string): string {
  look(text)
  let result = text
  for (const { hints, others, pattern, placeholder } of hinted) {
    if (mayHave(hints) && (others === undefined || mayHave(others))) result = result.replace(pattern, placeholder)
  }
  return result
}
