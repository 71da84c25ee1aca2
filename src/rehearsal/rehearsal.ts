// Rehearsal: runs events through a config in virtual time. Objects are remembered; nothing is stored or sent. Pure.
import type { Config } from '../config/config.ts'
import { decide, originOf } from '../decide.ts'
import { type FluxEvent, normalise, type WireEvent } from '../events/flux.ts'
import { clean } from '../legible.ts'
import { type Muting, mutingOf } from '../mutes/mutes.ts'
import type { ObjectMemory } from '../objects/memory.ts'
import { objectKey } from '../objects/name.ts'
import { markNotified, markWithheld } from '../objects/notified.ts'
import type { Transition } from '../objects.ts'
import { composeOne } from '../render/compose/message.ts'
import type { Payload } from '../render/slack/payload.ts'
import { toText } from '../render/slack/terminal.ts'
import type { Held } from '../rules/lasting.ts'
import { sayEntry } from '../rules/owners.ts'
import type { Rule, Verdict } from '../rules/rule.ts'
import { match } from '../rules/rules.ts'
import type { Decision, NewNotification } from '../store/kept.ts'
import { longestCarriedMs } from '../store/steps/muted.ts'
import { lastsUntil } from '../store/steps.ts'
import { rehearseRollouts } from './rollouts.ts'

/**
 * An event and what became of it. What is muted is among the reasons for quiet. So is what was held to see whether its failure lasts,
 * once that has ended too early; until then it is among the notifications. What is said of a rollout is added when its time comes, to
 * the event that it is about.
 */
export interface Rehearsed extends Decision {
  event: FluxEvent
}

export interface Rehearsal {
  /** Receives `wire` through `source` at `now`, in ms. */
  receive(wire: WireEvent, now: number, source?: string): Rehearsed
  /** Lets the time pass that anything waits for. Then everything is known of what was received. */
  end(): void
  /** Reports whether more may be said about an event as time passes, apart from what is held. */
  isOpen(rehearsed: Rehearsed): boolean
  /** What is known of each object now, by its key. */
  memory: ReadonlyMap<string, ObjectMemory>
}

/** Something that a mute withholds about an object, and sums up in one message when it ends. */
interface Withheld {
  destination: string
  /** Since when, and until when, in ms. */
  at: number
  until: number
  /** The mute that withholds it at `now`, in ms. */
  mutingAt(now: number): Muting | undefined
}

/** A notification that is held, and the way to take it back. */
interface HeldBack {
  held: Held
  takeBack(because: string): void
  /** The mute that withholds it at `now`, in ms. */
  mutingAt(now: number): Muting | undefined
}

/** Starts a rehearsal. `recall` returns what was known of an object before its first event; without it, nothing was. */
export function startRehearsal(
  config: Config,
  recall: (event: FluxEvent) => ObjectMemory | undefined = () => undefined
): Rehearsal {
  const memory = new Map<string, ObjectMemory>()
  const withheld = new Map<string, Withheld[]>()
  const held = new Map<string, HeldBack[]>()
  let ids = 0
  const rollouts = rehearseRollouts(memory, (destination) => config.destinations.get(destination))
  /** Events that may yet get a message about a rollout, by their numbers. */
  const open = new Map<number, Writable>()

  /** What is known of an object once the mutes that have ended have sent their summaries. */
  function afterSummaries(key: string, known: ObjectMemory | undefined, now: number): ObjectMemory | undefined {
    const all = withheld.get(key)
    if (known === undefined || all === undefined) return known
    const carried = all.map((entry) => ({ ...entry, until: endOfAll(entry, now) }))
    const over = carried.filter(({ until }) => until <= now)
    const left = carried.filter(({ until }) => until > now)
    withheld.set(key, left)
    return over.reduce((memory, { destination, until }) => markNotified(memory, destination, until), known)
  }

  /** What is held about an object at `now`, in ms. What has lasted until its time and was muted then is counted as withheld. */
  function waitingAt(key: string, now: number): HeldBack[] {
    const all = held.get(key) ?? []
    for (const { held: row, takeBack, mutingAt } of all.filter((entry) => entry.held.until <= now)) {
      const muting = mutingAt(row.until)
      if (muting === undefined) continue
      takeBack(sayMuting(muting))
      const known = memory.get(key)
      if (known !== undefined) memory.set(key, markWithheld(known, row))
      const { destination, until: at } = row
      withheld.set(key, [...(withheld.get(key) ?? []), { destination, at, until: muting.until, mutingAt }])
    }
    return all.filter((entry) => entry.held.until > now)
  }

  function sayRollouts(until: number): void {
    for (const { number, notification } of rollouts.sayUntil(until)) {
      const { rule, destination } = notification
      const about = open.get(number)
      about?.notifications.push(notification)
      const at = about?.quiet.findIndex((entry) => entry.rule === rule && entry.destination === destination) ?? -1
      if (at >= 0) about?.quiet.splice(at, 1)
    }
  }

  return {
    memory,
    end() {
      sayRollouts(Number.POSITIVE_INFINITY)
      for (const key of held.keys()) held.set(key, waitingAt(key, Number.POSITIVE_INFINITY))
    },
    isOpen({ notifications }) {
      const found = [...open].find(([, about]) => about.notifications === notifications)
      return found !== undefined && rollouts.isAbout(found[0])
    },
    receive(wire, now, source = 'default') {
      const event = normalise(wire, originOf(config, source), now, config.classify)
      const key = objectKey(event.object)
      sayRollouts(now)
      const waiting = waitingAt(key, now)
      const decision = decide(
        { event, body: '', identity: '', receivedAt: now },
        afterSummaries(key, memory.get(key), now) ?? recall(event),
        config,
        now,
        waiting.map((entry) => entry.held)
      )
      memory.set(key, decision.memory)
      for (const { held: row, because } of decision.releases ?? []) {
        if (because !== undefined) waiting.find((entry) => entry.held === row)?.takeBack(because)
      }
      const gone = decision.releases?.map((release) => release.held) ?? []
      const subject = { event, transition: decision.transition }
      const mutingAt = (at: number) => mutingOf(config.mutes, subject, at)
      const muted = decision.notifications.flatMap(({ destination, muting }) =>
        muting ? [{ destination, at: now, until: muting.until, mutingAt }] : []
      )
      if (muted.length > 0) withheld.set(key, [...(withheld.get(key) ?? []), ...muted])
      const left = withoutMuted(decision)
      const parts = { notifications: [...left.notifications], quiet: [...left.trace.quiet] }
      const heldBack = holdBack(parts, now, { mutingAt, nextId: () => String(ids++) })
      held.set(key, [...waiting.filter((entry) => !gone.includes(entry.held)), ...heldBack])
      if (decision.reports !== undefined) {
        const number = ids++
        open.set(number, parts)
        rollouts.report({ event, number }, decision.reports, now)
        if (!rollouts.isAbout(number)) open.delete(number)
      }
      return { event, ...left, notifications: parts.notifications, trace: { ...left.trace, quiet: parts.quiet } }
    }
  }
}

/** When a summary of what is withheld comes, in ms. It is after `now` if another mute goes on to withhold it. */
function endOfAll({ at, until, mutingAt }: Withheld, now: number): number {
  let end = until
  while (end <= now && end - at < longestCarriedMs) {
    const next = mutingAt(end)
    if (next === undefined) break
    end = next.until
  }
  return end
}

/** The parts of a rehearsed event that change as time passes. */
interface Writable {
  notifications: NewNotification[]
  quiet: Decision['trace']['quiet'][number][]
}

/** The notifications of an event that may be taken back. Until then they count, because what lasts is notified. */
function holdBack(
  { notifications, quiet }: Writable,
  now: number,
  { mutingAt, nextId }: Pick<HeldBack, 'mutingAt'> & { nextId: () => string }
): HeldBack[] {
  return notifications.flatMap((notification): HeldBack[] => {
    const until = lastsUntil(notification, now)
    if (until === undefined) return []
    const { rule, destination, view } = notification
    return [
      {
        held: { id: nextId(), rule, destination, since: view.failure?.since, until },
        takeBack(because) {
          notifications.splice(notifications.indexOf(notification), 1)
          quiet.push({ rule, destination, because })
        },
        mutingAt
      }
    ]
  })
}

/** Turns muted notifications into reasons for quiet: they notify nobody. */
function withoutMuted(decision: Decision): Decision {
  const { notifications, trace } = decision
  const muted = notifications.flatMap(({ rule, destination, muting }) =>
    muting ? [{ rule, destination, because: sayMuting(muting) }] : []
  )
  if (muted.length === 0) return decision
  return {
    ...decision,
    notifications: notifications.filter(({ muting }) => muting === undefined),
    trace: { ...trace, quiet: [...trace.quiet, ...muted] }
  }
}

function sayMuting({ name, until }: Muting): string {
  return `muted by "${name}" until ${new Date(until).toISOString()}`
}

/** The memory of an object that was healthy an hour before `at`, in ms, at a revision that nobody knows. */
export function healthyBefore(at: number): ObjectMemory {
  const since = at - 3_600_000
  return { since, decidedAt: since, revision: '', notified: [] }
}

/** A notification as a message of its own, and as the text that a person reads. */
export interface Spoken {
  destination: string
  rule: string
  says: Transition
  text: string
  payload: Payload
}

export function speak({ destination, rule, view }: NewNotification): Spoken {
  const payload = composeOne(view)
  return { destination, rule, says: view.says, text: toText(payload), payload }
}

/** The verdicts of all rules on the event, also of those that were passed over. */
export function verdictsOn({ event, transition }: Rehearsed, { rules }: Config): Verdict[] {
  return match({ event, transition }, rules, true).verdicts
}

/** Why a rule did not fire, in one line: `namespace is apps, wanted db`. */
export function sayWhyNot({ because, got, wanted }: Exclude<Verdict, { fired: true }>): string {
  return `${because} is ${clean(got).split('\n', 1)[0]}, wanted ${wanted}`
}

/**
 * Reports whether `asked`, as a person writes it, is the destination `sent`. Of a channel that an event names, the last part, which says
 * who gets it otherwise, may be left out, as in `acme:team-a`.
 */
export function isSent(asked: string, sent: string): boolean {
  return asked === sent || (asked.includes(':') && sent.startsWith(`${asked}:`))
}

// Further lines would say the same of other rules.
const maxRules = 5

/** One line for each rule that might have notified `destination`, or for `rule` alone. */
export function whyNotNotified(
  { destination, rule: only }: { destination: string; rule?: string },
  rehearsed: Rehearsed,
  config: Config
): string[] {
  const { transition, trace, notifications } = rehearsed
  const verdicts = new Map(verdictsOn(rehearsed, config).map((verdict) => [verdict.rule, verdict]))
  const isOwners = config.owners.all.some(({ send, channel }) =>
    channel === undefined ? send.includes(destination) : destination.startsWith(`${channel.app}:`)
  )
  const maySend = ({ send, isToOwner }: Rule) => send.includes(destination) || (isToOwner && isOwners)
  const candidates = config.rules.all.filter((rule) => (only ? rule.name === only : maySend(rule)))
  if (candidates.length === 0) return [only ? `there is no rule ${only}` : `no rule sends to ${destination}`]
  const lines = candidates.slice(0, maxRules).map((rule) => {
    const { name, send } = rule
    const verdict = verdicts.get(name)
    const quiet = trace.quiet.find((entry) => entry.rule === name && entry.destination === destination)
    if (!maySend(rule)) return `${name} sends to ${[...send, ...(rule.isToOwner ? ['the owner'] : [])].join(', ')}`
    if (quiet !== undefined) return `${name} does not notify: ${quiet.because}`
    if (notifications.some((notified) => notified.rule === name && isSent(destination, notified.destination))) {
      return `${name} does notify it, once; another message was expected`
    }
    const { owner } = trace
    if (rule.isToOwner && !send.includes(destination) && owner && !owner.send.some((to) => isSent(destination, to)))
      return `${name} sends to the owner, who is ${owner.send.join(', ')}, by ${sayEntry(owner)}`
    // An event that ends a failure need not match any rule.
    if (transition === 'recovered')
      return `${name} did not notify it of the failure, so it does not notify it of the end`
    return verdict === undefined || verdict.fired ? `${name} fires` : `${name}: ${sayWhyNot(verdict)}`
  })
  const rest = candidates.length - lines.length
  return rest > 0 ? [...lines, `… and ${rest} more rules`] : lines
}
