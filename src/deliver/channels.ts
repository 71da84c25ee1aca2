// Channels: finds destinations by name: those of the file, and channels of an app that events name (`acme:team-a:platform`),
// bounded in number. What Slack refuses there goes to the destination at the end of that name.
import type { Clock } from '../clock.ts'
import { channelFault, isChannelId, placeOf, type SlackApp } from '../slack-api/app.ts'
import { isAbout } from '../slack-api/words.ts'
import type { LaneHead } from '../store/records.ts'
import { createDestination, type Destination, type Style } from './destination.ts'
import { lastProbeMs } from './outcome.ts'

/** What is known of the channels that events name, each by its app and name as in {@link placeOf}. */
export interface Known {
  /** True if Slack takes nothing there for now. */
  isRefused(place: string): boolean
  /** True if the channel may be used: it is in use already, or there is room for one more. */
  isRoom(place: string): boolean
}

const nothing: Known = { isRefused: () => false, isRoom: () => true }

/** Destinations by name. Iteration yields those of the file; `get` and `has` also know the channels that events name. */
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
    // The style that the file gives to a channel holds under whatever name it is reached.
    const style = this.#styles().get(place.lane)
    return place.slack && style !== undefined ? { ...place, slack: { ...place.slack, style } } : place
  }

  /** The Slack apps of the file, whose channels events may name. */
  get apps(): Iterable<SlackApp> {
    return this.#apps.values()
  }

  /** By lane: the style that the file gives to its channel; if several destinations share a lane, that of the first. */
  #styles(): ReadonlyMap<string, Style> {
    this.#styled ??= new Map(
      [...this.values()].toReversed().flatMap(({ lane, slack }) => (slack?.style ? [[lane, slack.style]] : []))
    )
    return this.#styled
  }

  /** Lanes of the file whose channels show messages, and no cards. */
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

  /** Why the channel that an event names must not be used now; undefined if it may be. */
  whyShut(name: string): string | undefined {
    const named = this.#named(name)
    if (named === undefined) return 'is not the name or the ID of a channel'
    if (this.#known.isRefused(named.place)) return 'is not taken by Slack'
    return this.#known.isRoom(named.place)
      ? undefined
      : `is one more than the ${maxChannels} that events may name in a day`
  }

  /** The same destinations, with what is `known` of channels. */
  knowing(known: Known): Destinations {
    return new Destinations(this, this.#apps, known)
  }

  #named(name: string) {
    const { app: appName = '', channel = '', instead = '' } = partsOf(name) ?? {}
    const app = this.#apps.get(appName)
    if (app === undefined) return undefined
    const written = isChannelId(channel) ? channel : `#${channel}`
    if (channelFault(written) !== undefined) return undefined
    return { app, channel: written, instead, place: placeOf(app, channel) }
  }
}

/** The parts of the name of a channel that an event names; undefined for a destination of the file. */
export function partsOf(destination: string): { app: string; channel: string; instead: string } | undefined {
  const [app = '', channel = '', instead, ...more] = destination.split(':')
  return instead === undefined || more.length > 0 ? undefined : { app, channel, instead }
}

/**
 * The name of a destination in metrics. All channels of an app that events name share one (`acme:*`), so that events create no
 * series.
 */
export function labelOf(destination: string): string {
  const named = partsOf(destination)
  return named === undefined ? destination : `${named.app}:*`
}

/** A destination that posts from `lane`: one of the file, or else one made of the app and the channel of the lane. */
export function inLane(destinations: ReadonlyMap<string, Destination>, lane: string): Destination | undefined {
  const declared = destinations.values().find((destination) => destination.lane === lane)
  return declared ?? destinations.get(`${lane.replace(/^slack:/, '')}:`)
}

/** The most channels that events may name in a day. Each one is a lane, and whoever can annotate an object can name one. */
export const maxChannels = 100
const dayMs = 24 * 60 * 60 * 1000

/** The channels that one running relay uses. It forgets them when it stops, and then learns anew which of them Slack refuses. */
export interface Channels {
  /** The destinations of the file, and the channels that events name. */
  destinations(): Destinations
  /** Learns that nothing can be posted from `lane` before `until`, in ms, because of `block` (`200 is_archived`); or that it can. */
  learn(lane: string, block: { reason: string } | undefined, until: number): void
  /** Forgets that `lane` was refused, because an operator wants to try it: its messages go there again. */
  askAgain(lane: string): void
  /** {@link learn} for all lanes. A lane that is not among `heads` takes messages, as another replica has found. */
  follow(heads: readonly LaneHead[]): void
}

/** Creates the channels of a running relay. `declared` returns the destinations of the file in use. */
export function createChannels(declared: () => Destinations, clock: Clock): Channels {
  /** `ticks` as well, because the clock may be put back: by time alone, a channel would stay refused for as much longer. */
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
      // The channel counts from here on, even if the event is not stored after all: the next question gets the same answer.
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
      // A block that is reported again does not last longer.
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
