// Card: composes what a card shows, from what it names and what is known of that by now. Pure.
import { fingerprint } from '../../events/fingerprint.ts'
import { parseRevision } from '../../events/revision.ts'
import type { Muting } from '../../mutes/mutes.ts'
import type { ObjectMemory } from '../../objects/memory.ts'
import { objectKey } from '../../objects/name.ts'
import { type Block, context } from '../slack/blocks.ts'
import { plain, time } from '../slack/mrkdwn.ts'
import type { Payload } from '../slack/payload.ts'
import { composeDigest } from './digest.ts'
import { composeOne } from './message.ts'
import type { RolloutHead } from './rollout-standing.ts'
import { saidOf, short, takenOn, type View } from './view.ts'

/** A mute of the config file, or a silence made by hand, that keeps an incident quiet; `until` in ms. */
export interface Quiet extends Muting {
  is: 'muted' | 'silenced'
}

/** An incident, or news if `since` (ms) is undefined, with what is known of its object, if anything is. */
export interface Named {
  /** The id of its event. */
  event: string | undefined
  since: number | undefined
  view: View
  memory: ObjectMemory | undefined
  quiet?: Quiet | undefined
  /** The rollout in which its object fails, and the address of the rollout's card. */
  rollout?: { head: RolloutHead; url: string }
}

/** Options for composing a card. */
export interface CardForm {
  /** Address at which people reach the relay. */
  publicUrl?: string | undefined
  /** True if all objects are named, as far as there is room. */
  isFull?: boolean | undefined
}

/** Reports whether the incident goes on. Of an object that nobody remembers nothing is known, and unknown is not over. */
export function isOpen({ since, memory }: Named): boolean {
  if (since === undefined) return false
  return memory === undefined || failureOf(memory, since) !== undefined
}

/** Reports whether somebody has acknowledged the incident. */
export function isTakenOn({ since, memory }: Named): boolean {
  return since !== undefined && memory !== undefined && failureOf(memory, since)?.acknowledged !== undefined
}

/**
 * Finds the failure that began at `since`. If objects share a name, any of them may have it. Otherwise the others are gone, and
 * this object was created in their place.
 */
function failureOf(memory: ObjectMemory, since: number): ObjectMemory['failure'] {
  const all = [memory, ...(memory.isShared ? (memory.others ?? []) : [])]
  return all.find(({ failure }) => failure?.since === since)?.failure
}

/** Reports whether the object that failed since then was deleted, and another one was made with its name. */
function isReplaced(memory: ObjectMemory | undefined, since: number | undefined): boolean {
  return memory?.isShared === undefined && (memory?.others ?? []).some(({ failure }) => failure?.since === since)
}

/** Composes a card. `named` is never empty; `now` is in ms. */
export function composeCard(named: readonly Named[], now: number, form: CardForm = {}): Payload {
  const open = named.filter(isOpen)
  const all = named.filter(({ since }) => since !== undefined).length
  const isCountdown = open.length > 0 && open.length < all
  const count = `${counted(open.length)} of ${counted(all)} still ${open.length === 1 ? 'fails' : 'fail'}`
  // A card about one incident says among its facts who acknowledged it.
  const taken = named.length === 1 ? [] : linesOf(open, ':eyes:', takenOnBy)
  const lines = [isCountdown ? count : '', ...taken, ...linesOf(open, ':no_bell:', sayQuiet)].filter(Boolean)
  return below(composed(named, open, now, form), lines.map(context))
}

function composed(named: readonly Named[], open: readonly Named[], now: number, form: CardForm): Payload {
  const views = named.map((entry) => viewOf(entry, now))
  const [only] = views
  if (only !== undefined && views.length === 1)
    return composeOne(only, { publicUrl: form.publicUrl, event: named[0]?.event ?? '', isCard: true })
  // News stays as it was. While anything lasts, what has ended is only counted.
  const shown = named.flatMap((entry, index) => {
    const view = views[index]
    const isLeft = entry.since === undefined || open.length === 0 || isOpen(entry)
    return view !== undefined && isLeft
      ? [{ id: String(index), event: objectKey(view.object), createdAt: now, view }]
      : []
  })
  const whole = composeDigest(shown, now, form)
  // No further message follows a card, so if there is no room for all, the rest is counted.
  if (whole.ids.length === shown.length || !form.isFull) return whole.payload
  return composeDigest(shown, now, { ...form, isFull: false }).payload
}

/** Returns `payload` with `blocks` below its title. */
function below(payload: Payload, blocks: readonly Block[]): Payload {
  if (blocks.length === 0) return payload
  const [title, ...rest] = payload.blocks ?? []
  return { ...payload, blocks: [...(title === undefined ? [] : [title]), ...blocks, ...rest] }
}

/** Returns what `say` says of open incidents, each text once, with how many it is about: `3 of them muted until …`. */
function linesOf(open: readonly Named[], mark: string, say: (entry: Named) => string | undefined): string[] {
  const groups = Map.groupBy(open, say)
  groups.delete(undefined)
  return [...groups]
    .slice(0, maxLines)
    .map(([said, { length }]) => `${mark} ${length === open.length ? '' : `${counted(length)} of them `}${said}`)
}

/** A card has room for a few such lines; the dashboard shows each incident. */
const maxLines = 3

/** Says what keeps an incident quiet, and until when. */
function sayQuiet({ quiet }: Named): string | undefined {
  return quiet && `${quiet.is} until ${time(quiet.until)}: ${plain(quiet.name.replace(/^silenced? /, ''))}`
}

function takenOnBy({ since, memory }: Named): string | undefined {
  const { acknowledged } = (memory && since !== undefined && failureOf(memory, since)) || {}
  return acknowledged && `acknowledged by ${plain(acknowledged.by)}`
}

function counted(count: number): string {
  return count.toLocaleString('en-US')
}

/** Returns what there is to say of an entry by now. Nobody is pinged again. */
export function viewOf(entry: Named, now: number): View {
  const { since, memory, rollout } = entry
  const { mention: _, ...rest } = entry.view
  const name = ['rollout', rollout?.head.revision?.text].filter(Boolean).join(' ')
  const view = rollout === undefined ? rest : { ...rest, pages: [...(rest.pages ?? []), { name, url: rollout.url }] }
  if (since === undefined) return view
  if (!isOpen(entry)) return view.says === 'recovered' ? view : recovered(view, { since, memory }, now)
  const failure = memory && failureOf(memory, since)
  return withTakenOn(asItFails(view.says === 'repeated' ? { ...view, says: 'failed' } : view, failure), failure)
}

/**
 * Returns `view` for the present cause of the failure, if it is another one that no message was about: no rule notifies of it, or
 * it is muted.
 */
function asItFails(view: View, known: ObjectMemory['failure']): View {
  if (known === undefined || view.failure === undefined || known.at <= view.at) return view
  const { reason, text } = saidOf(known)
  const cause = fingerprint(reason, text)
  if (cause === fingerprint(view.failure.reason, view.failure.text)) return view
  const { summary: _, notReady: __, log: ___, custom: ____, wasReason: _____, ...rest } = view
  const { revision, previous, subject, ...others } = rest
  const at = short(parseRevision(known.revision).short)
  return {
    ...others,
    // Of another revision, only the text is known.
    ...(revision?.text === at
      ? { ...(revision && { revision }), ...(previous && { previous }), ...(subject && { subject }) }
      : at !== '' && { revision: { text: at } }),
    ...{ severity: known.severity, reason, message: known.gist ?? text, cause, at: known.at },
    failure: { ...view.failure, severity: known.severity, reason, text }
  }
}

/** Returns `view` with whoever has acknowledged the failure by now. */
function withTakenOn(view: View, known: ObjectMemory['failure']): View {
  if (view.failure === undefined) return view
  const { acknowledged: _, ...failure } = view.failure
  return { ...view, failure: { ...failure, ...takenOn(known?.acknowledged) } }
}

/**
 * Finds when and how the failure that began at `since` ended. Only the latest failures of an object are remembered. For an earlier one,
 * or if other objects share the name, perhaps nothing but a time is known before which it ended.
 */
function endOf(memory: ObjectMemory | undefined, since: number, now: number): Pick<View, 'at' | 'ending' | 'isBefore'> {
  const all = memory === undefined ? [] : [memory, ...(memory.others ?? [])]
  const known = all.flatMap(({ past = [] }) => past).find((past) => past.since === since)
  if (known !== undefined) return { at: known.at, ...(known.how !== undefined && { ending: known.how }) }
  const ending = isReplaced(memory, since) ? { ending: 'deleted' as const } : {}
  // If several objects share the name, any of them may be the one that is well again.
  const meant = memory?.isShared ? all : all.slice(0, 1)
  const wells = meant.flatMap((each) => (each.failure === undefined && each.since >= since ? [each.since] : []))
  const later = meant.flatMap(({ failure, past = [] }) =>
    [...(failure === undefined ? [] : [failure]), ...past].map((other) => other.since).filter((other) => other > since)
  )
  if (wells.length === 1 && later.length === 0) return { at: Math.min(now, ...wells), ...ending }
  return { at: Math.min(now, ...later), isBefore: true, ...ending }
}

/** Returns the view of a recovery that no message was about. The revision that ended the failure is not known, and not said. */
function recovered(view: View, { since, memory }: Pick<Named, 'since' | 'memory'>, now: number): View {
  const { object, severity, reason, cause, controller, url, failure } = view
  return {
    ...{ says: 'recovered', object, severity, reason, summary: '', message: '', cause, controller },
    ...endOf(memory, since ?? 0, now),
    ...(url !== undefined && { url }),
    ...(failure && { failure })
  }
}
