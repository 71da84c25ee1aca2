// Trying: finds which lane somebody means who wants it tried, by what lanes, destinations, notices and apps are called, and has it
// try what waits.
import type { Actor } from '../actor.ts'
import type { Config } from '../config/config.ts'
import { type Destination, laneOf } from '../deliver/destination.ts'
import { RelayError } from '../errors.ts'
import type { Store } from '../store/store.ts'

export interface TriedLane {
  lane: string
  /** The names of the destinations that post there. */
  destinations: string[]
  /** Notifications that waited. */
  backlog: number
  /** In ms: until when a rate limit, which is kept, does not allow it. */
  limitedUntil: number | undefined
}

export interface TryingOptions {
  store: Pick<Store, 'backlog' | 'records'>
  config: () => Pick<Config, 'destinations'>
  /** Posts what waits in a lane at once; resolves to until when it may not, where that is a rate limit. */
  tryNow: (lane: string, actor: Actor) => Promise<number | undefined>
}

export function createTrying({ store, config, tryNow }: TryingOptions) {
  const namesIn = (lane: string) =>
    [...config().destinations.values()].filter((destination) => destination.lane === lane).map(({ name }) => name)

  /** Whether the file has it, or something waits for it or was refused there. */
  async function isKnown(lane: string): Promise<boolean> {
    if (namesIn(lane).length > 0 || (await store.backlog(lane)) > 0) return true
    return (await store.records.laneHeads()).some((head) => head.lane === lane)
  }

  async function laneNamed(name: string): Promise<string> {
    const { destinations } = config()
    // A lane first: with an app called slack, `slack:slack:C0123ABCD` reads like a channel that an event names. Notices leave out
    // who gets what is for such a channel.
    const meant = [name, destinations.get(name)?.lane, destinations.get(`${name}:`)?.lane]
    for (const lane of meant) if (lane !== undefined && (await isKnown(lane))) return lane
    throw new RelayError('NOT_FOUND', noSuchLane([...destinations.values()]))
  }

  async function tryOne(lane: string, actor: Actor): Promise<TriedLane> {
    const backlog = await store.backlog(lane)
    return { lane, destinations: namesIn(lane), backlog, limitedUntil: await tryNow(lane, actor) }
  }

  return {
    /** Tries the lane of this name: its own, a destination's, or a channel's as notices call it. Throws NOT_FOUND, which says what there is. */
    lane: async (name: string, actor: Actor): Promise<TriedLane> => tryOne(await laneNamed(name), actor),

    /** One channel of a Slack app for which something waits: where its token is taken, the others follow. Undefined where nothing waits. */
    async app(name: string, actor: Actor): Promise<TriedLane | undefined> {
      const ofApp = laneOf({ name }, '')
      const waiting = (await store.records.lanes()).filter(({ lane, backlog }) => lane.startsWith(ofApp) && backlog > 0)
      const first = waiting.find(({ block }) => block !== null) ?? waiting[0]
      return first && tryOne(first.lane, actor)
    }
  }
}

/** The names that exist, as many as fit into a sentence. */
function noSuchLane(destinations: readonly Destination[]): string {
  const named = destinations.slice(0, 20).map(({ name, lane }) => `${name} (${lane})`)
  const rest = destinations.length - named.length
  return `there is no such lane or destination; there are: ${named.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}
