// Mutes: lists the mutes and silences in effect, for the pages and the API.
import type { ActiveMute } from '../src/dashboard/trouble.ts'
import { compileSilence, silenceName } from '../src/mutes/silence.ts'
import type { OperatorOptions } from './options.ts'

/** The mutes and silences in effect at `now`, in ms; silences first. */
export async function activeMutes({ config, store }: OperatorOptions, now: number): Promise<ActiveMute[]> {
  const silenced = (await store.silences(now)).flatMap((silence): ActiveMute[] => {
    const { id, author, createdAt, untilRecovered, match } = silence
    const mute = compileSilence(silence)
    const endsAt = mute?.endOf(now)
    if (mute === undefined || endsAt === undefined) return []
    const { matches } = mute
    const end = { endsAt, ...(untilRecovered && { untilRecovered }) }
    return [{ name: silenceName(silence), ...end, silence: { id, author, createdAt }, match, matches }]
  })
  const filed = config().mutes.flatMap(({ name, match, matches, endOf }): ActiveMute[] => {
    const endsAt = endOf(now)
    return endsAt === undefined ? [] : [{ name, endsAt, match, matches }]
  })
  return [...silenced, ...filed]
}
