// Channels: finds destinations by name: those of the file, and channels of an app that events name (`acme:team-a:platform`),
// bounded in number; what Slack does not take there goes to whom their name says.
import type { Clock } from '../clock.ts'
import { channelFault, placeOf, type SlackApp } from '../slack-api/app.ts'
import { isAbout } from '../slack-api/words.ts'
import type { LaneHead } from '../store/records.ts'
import { createDestination, type Destination, type Style } from './destination.ts'
import { lastProbeMs } from './outcome.ts'

/** What is known of channels that events name, each by its app and name as {@link placeOf}. */
export interface Known {
  /** Whether Slack takes nothing there for now. */
  isRefused(place: string): boolean
  /** Whether it may be used, because it is one of those in use or there is room for one more. */
  isRoom(place: string): boolean
}

const nothing: Known = { isRefused: () => false, isRoom: () => true }

const idPattern = /^[CGD][A-Z0-9]{7,}$/

/** Destinations by name. As a map it has those of the file; `get` and `has` also know the channels that events name. */
export class Destinations extends Map<string, Destination> {
  readonly #apps: ReadonlyMap<string, SlackApp>
  readonly #known: Known
  #styled: ReadonlyMap<string, Style> | undefined

  constructor(
    declared: Iterable<readonly [string, Destination]>,
    apps: ReadonlyMap<string, SlackApp>,
    known = nothing
  ) {
    super()
    this.#apps = apps
    this.#known = known
    for (const [name, destination] of declared) this.set(name, destination)
  }

  override get(name: string): Destination | undefined {
    const declared = super.get(name)
    if (declared !== undefined) return declared
    const named = this.#named(name)
    if (named === undefined) return undefined
    const instead = super.get(named.instead)
    if (instead !== undefined && this.#known.isRefused(named.place)) return { ...instead, name }
    const place = createDestination(name, { slack: named })
    // A channel shows one thing, by whatever name: what the file says of it goes.
    const style = this.#styles().get(place.lane)
    return place.slack && style !== undefined ? { ...place, slack: { ...place.slack, style } } : place
  }

  /** The apps that events may name channels of, and those of the file. */
  get apps(): Iterable<SlackApp> {
    return this.#apps.values()
  }

  /** What the file says that the channels in it show, by their lanes: of several of one lane, the first. */
  #styles(): ReadonlyMap<string, Style> {
    this.#styled ??= new Map(
      [...this.values()].toReversed().flatMap(({ lane, slack }) => (slack?.style ? [[lane, slack.style]] : []))
    )
    return this.#styled
  }

  /** Lanes of the file whose channels show messages and no cards. */
  lanesOfMessages(): string[] {
    return [...this.#styles()].flatMap(([lane, style]) => (style === 'messages' ? [lane] : []))
  }

  override set(name: string, destination: Destination): this {
    this.#styled = undefined
    return super.set(name, destination)
  }

  override has(name: string): boolean {
    return super.has(name) || this.#named(name) !== undefined
  }

  /** Why the channel of that name, one that an event names, is not to be used now. */
  whyShut(name: string): string | undefined {
    const named = this.#named(name)
    if (named === undefined) return 'is not the name or the ID of a channel'
    if (this.#known.isRefused(named.place)) return 'is not taken by Slack'
    return this.#known.isRoom(named.place)
      ? undefined
      : `is one more than the ${maxChannels} that events may name in a day`
  }

  /** The same, with what is known of channels. */
  knowing(known: Known): Destinations {
    return new Destinations(this, this.#apps, known)
  }

  #named(name: string) {
    const { app: appName = '', channel = '', instead = '' } = partsOf(name) ?? {}
    const app = this.#apps.get(appName)
    if (app === undefined) return undefined
    const written = idPattern.test(channel) ? channel : `#${channel}`
    if (channelFault(written) !== undefined) return undefined
    return { app, channel: written, instead, place: placeOf(app, channel) }
  }
}

/** What the name of a channel that an event names consists of; undefined for a destination of the file. */
export function partsOf(destination: string): { app: string; channel: string; instead: string } | undefined {
  const [app = '', channel = '', instead, ...more] = destination.split(':')
  return instead === undefined || more.length > 0 ? undefined : { app, channel, instead }
}

/**
 * What metrics call a destination: a channel that an event names is one of all those of its app (`acme:*`), so that events
 * make no series.
 */
export function labelOf(destination: string): string {
  const named = partsOf(destination)
  return named === undefined ? destination : `${named.app}:*`
}

/** One of the destinations that post from `lane`, if only by its app and channel. */
export function inLane(destinations: ReadonlyMap<string, Destination>, lane: string): Destination | undefined {
  const declared = destinations.values().find((destination) => destination.lane === lane)
  return declared ?? destinations.get(`${lane.replace(/^slack:/, '')}:`)
}

/** Channels that events may name in a day. Each is a lane; whoever can annotate an object can name one. */
export const maxChannels = 100
const dayMs = 24 * 60 * 60 * 1000

/** The channels that one running relay uses. It forgets them when it stops, and learns again what Slack does not take. */
export interface Channels {
  /** The destinations of the file, and the channels that events name. */
  destinations(): Destinations
  /** Nothing can be posted from `lane` until then, in ms, for `reason`, such as `200 is_archived`. */
  learn(lane: string, block: { reason: string } | undefined, until: number): void
  /** Somebody wants to know: what is for `lane` goes there again. */
  askAgain(lane: string): void
  /** {@link learn} for all lanes: of one that is not among `heads`, another replica has found that it takes messages. */
  follow(heads: readonly LaneHead[]): void
}

/** `declared`: those of the file in use. */
export function createChannels(declared: () => Destinations, clock: Clock): Channels {
  /** In ticks, too: by a clock that is put back Slack would refuse one, or one would be in use, for as long as that was ahead. */
  const refused = new Map<string, { until: number; ticks: number }>()
  const usedUntil = new Map<string, number>()
  let of: Destinations | undefined
  let made: Destinations | undefined

  const known: Known = {
    isRefused: (place) => (refused.get(place)?.ticks ?? Number.NEGATIVE_INFINITY) > clock.ticks(),
    isRoom(place) {
      const now = clock.ticks()
      if (!usedUntil.has(place) && usedUntil.size >= maxChannels) {
        for (const [other, until] of usedUntil) if (until <= now) usedUntil.delete(other)
        if (usedUntil.size >= maxChannels) return false
      }
      // From here on it counts, even if the event is not stored after all: asked again, the answer is the same.
      usedUntil.set(place, now + dayMs)
      return true
    }
  }

  const placeIn = (lane: string) => lane.replace(/^slack:/, '')

  function learn(lane: string, block: { reason: string } | undefined, until: number, before = refused): void {
    const place = placeIn(lane)
    const known = before.get(place)
    if (block === undefined) refused.delete(place)
    else if (isAbout('channel', block.reason)) {
      const ticks = clock.ticks() + Math.min(until - clock.now(), lastProbeMs)
      // Said again, it does not last longer.
      refused.set(place, known?.until === until ? known : { until, ticks })
    }
  }

  return {
    destinations() {
      const now = declared()
      if (of !== now || made === undefined) made = now.knowing(known)
      of = now
      return made
    },
    learn,
    askAgain: (lane) => void refused.delete(placeIn(lane)),
    follow(heads) {
      const before = new Map(refused)
      refused.clear()
      for (const { lane, block, notBefore } of heads) learn(lane, block ?? undefined, notBefore, before)
    }
  }
}
