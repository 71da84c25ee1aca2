// Silences: follows the silences in the store, which other replicas and the API add to. In: the store. Out: the mutes in effect, and
// summaries when these end, and those of the config file.
import type { Logger } from 'pino'
import { type Clock, every } from './clock.ts'
import type { Mute } from './mutes/mutes.ts'
import { compileSilence, isAbout, type NewSilence, objectIn, type Silence } from './mutes/silence.ts'
import { muteNotice } from './notices/delivery.ts'
import { apartMs } from './store/kept-lanes.ts'
import type { Store } from './store/store.ts'

/** How soon another replica's silence is in effect here, and the summary of a mute that ended is sent. */
const lookMs = 5000

export function createSilences(options: {
  store: Store
  destinations: () => ReadonlyMap<string, { lane: string }>
  /** The mutes of the config file. */
  muted: () => readonly Mute[]
  clock: Clock
  log: Logger
  wake: (lanes: string[]) => void
}) {
  const { store, clock, log } = options
  let mutes: readonly Mute[] = []
  /** Numbers the questions to the store: what an earlier answer says is older, however long it took. */
  let asked = 0
  let knownBy = 0
  /** True while other replicas may withhold by mutes that the file here does not have yet. */
  let isFollowing = true
  let stop = () => {}

  /** Reads the silences, and ends those that are over. */
  async function read(): Promise<void> {
    const now = clock.now()
    const by = ++asked
    const silences = await store.silences(now)
    // A silence from before the clock was set back could last for days instead of an hour: it counts as over.
    const fromAhead = silences.filter(({ createdAt }) => createdAt - now > apartMs)
    for (const { id } of fromAhead) await store.endSilence(id, now)
    const over = [...fromAhead, ...(await endRecovered(silences, now))]
    if (over.length > 0) await catchUp()
    else know(by, silences)
  }

  /** Reads the silences: another replica may have added or ended some. */
  async function catchUp(): Promise<void> {
    const by = ++asked
    know(by, await store.silences(clock.now()))
  }

  function know(by: number, silences: readonly Silence[]): void {
    if (by < knownBy) return
    knownBy = by
    mutes = silences.flatMap((silence) => compileSilence(silence) ?? [])
  }

  async function look(): Promise<void> {
    await read()
    if (isFollowing) await followMutes()
    const now = clock.now()
    const laneOf = (destination: string) => options.destinations().get(destination)?.lane
    const all = [...options.muted(), ...mutes]
    options.wake(await store.endMutes(now, laneOf, (withheld) => muteNotice(withheld, now), all))
  }

  function failed(err: unknown): void {
    // Perhaps only a part of a silence's notifications is released so far; the next look goes on with the rest.
    isFollowing = true
    log.error({ err }, 'cannot read the silences; trying again in 5 seconds')
  }

  /** Follows mutes that end at another time now, or are gone from the file: what they withheld is not summed up at the old end. */
  async function followMutes(): Promise<void> {
    const now = clock.now()
    const endsOf = (mute: string) =>
      options.muted().flatMap(({ name, endOf }) => (name === mute ? (endOf(now) ?? []) : []))
    isFollowing = await store.followMutes(endsOf, now)
  }

  async function follow(): Promise<void> {
    isFollowing = true
    await look()
  }

  /** Ends the silences that are over because nothing that they are about fails any more, and returns them. */
  async function endRecovered(silences: readonly Silence[], now: number): Promise<Silence[]> {
    // What a silence is about that begins later may well be healthy until then.
    const begun = silences.filter(({ startsAt = now }) => startsAt <= now)
    const over = await recoveredOf(begun, now)
    for (const { id } of over) {
      await store.endSilence(id, now)
      log.info({ silence: id }, 'silence ended: what it was about has recovered')
    }
    return over
  }

  /** Finds those of `silences` that last until what they are about has recovered, and of which nothing fails. */
  async function recoveredOf<Some extends NewSilence>(silences: readonly Some[], now: number): Promise<Some[]> {
    const lasting = silences.filter(({ untilRecovered }) => untilRecovered)
    const over: Some[] = []
    const several = lasting.filter((silence) => objectIn(silence) === undefined)
    for (const silence of lasting) {
      const object = objectIn(silence)
      if (object === undefined) continue
      const { items } = await store.records.objects(object, { limit: 1 }, now)
      if (items[0]?.failure === undefined) over.push(silence)
    }
    if (several.length === 0) return over
    const { items, next } = await store.records.failures(now)
    // If there are more failures than are read, a silence may be about any of them.
    const isOver = (silence: Some) => next === null && !items.some(({ object }) => isAbout(silence, object))
    return [...over, ...several.filter(isOver)]
  }

  return {
    /** The mutes of silences, as last read from the store. */
    mutes: (): readonly Mute[] => mutes,
    read,
    catchUp,
    /** Reports whether a silence would be over as soon as it begins: it lasts until something recovers, and nothing of that fails. */
    hasRecovered: async (silence: NewSilence): Promise<boolean> =>
      (await recoveredOf([silence], clock.now())).length > 0,
    /** Reads the silences, and sends the summaries of those that ended. If that fails, the next look goes on. */
    look: () => look().catch(failed),
    /** Follows a changed config file. */
    follow,
    async start(): Promise<void> {
      await follow()
      stop = every(clock, lookMs, look, failed)
    },
    stop: (): void => stop()
  }
}
