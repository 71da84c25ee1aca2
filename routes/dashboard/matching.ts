// Matching: finds the failing objects that the match of a silence, or of an acknowledgement of several incidents, selects.
import { createMutesOf, type Trouble } from '../../src/dashboard/trouble.ts'
import { compileSilence, type Silence } from '../../src/mutes/silence.ts'
import type { Records } from '../../src/store/records.ts'

/** The failing objects that `match` selects, and how many fail in all. */
export async function failingAs(
  match: Silence['match'],
  records: Pick<Records, 'failures'>,
  now: number
): Promise<{ found: Trouble[]; of: number }> {
  const mute = compileSilence({ id: '', match, comment: '', author: '', createdAt: now, endsAt: now + 1 })
  const { items } = await records.failures(now)
  const mutesOf = createMutesOf(mute ? [{ ...mute, endsAt: now }] : [])
  const failing = items.filter((item): item is Trouble => item.failure !== undefined)
  return { found: failing.filter((record) => mutesOf(record).length > 0), of: items.length }
}
