// Card: composes what a card shows, from what it names and what is known of that by now. Pure.
import { type ObjectMemory, objectKey } from '../../objects.ts'
import { context } from '../slack/blocks.ts'
import type { Payload } from '../slack/payload.ts'
import { composeDigest } from './digest.ts'
import { composeOne } from './message.ts'
import { takenOn, type View } from './view.ts'

/** An incident, or news, where `since` (ms) is undefined; and what is known of its object, where anything is. */
export interface Named {
  /** The ID of its event. */
  event: string | undefined
  since: number | undefined
  view: View
  memory: ObjectMemory | undefined
}

/** Whether what it is about goes on. Of an object that nobody remembers nothing is known, and not known is not over. */
export function isOpen({ since, memory }: Named): boolean {
  if (since === undefined) return false
  return memory === undefined || failureOf(memory, since) !== undefined
}

/** Whether somebody has taken it on. */
export function isTakenOn({ since, memory }: Named): boolean {
  return since !== undefined && memory !== undefined && failureOf(memory, since)?.acknowledged !== undefined
}

/** Of objects that share a name, any may be meant. */
function failureOf(memory: ObjectMemory, since: number): ObjectMemory['failure'] {
  return [memory, ...(memory.others ?? [])].find(({ failure }) => failure?.since === since)?.failure
}

/** `named` is never empty; `now` in ms; `publicUrl`: where people reach the relay. */
export function composeCard(named: readonly Named[], now: number, publicUrl?: string): Payload {
  const views = named.map((entry) => viewOf(entry, now))
  const [only] = views
  if (only !== undefined && views.length === 1) return composeOne(only, { publicUrl, event: named[0]?.event ?? '' })
  const open = named.filter(isOpen)
  // News stay what they were; of what ended, as long as anything lasts, the number is enough.
  const shown = named.flatMap((entry, index) => {
    const view = views[index]
    const isLeft = entry.since === undefined || open.length === 0 || isOpen(entry)
    return view !== undefined && isLeft
      ? [{ id: String(index), event: objectKey(view.object), createdAt: now, view }]
      : []
  })
  const { payload } = composeDigest(shown, now, { publicUrl })
  const all = named.filter(({ since }) => since !== undefined).length
  if (open.length === 0 || open.length === all) return payload
  const [title, ...rest] = payload.blocks ?? []
  const count = context(`${counted(open.length)} of ${counted(all)} still ${open.length === 1 ? 'fails' : 'fail'}`)
  return { ...payload, blocks: title === undefined ? [count] : [title, count, ...rest] }
}

function counted(count: number): string {
  return count.toLocaleString('en-US')
}

/** What there is to say of it by now. Nobody is pinged again. */
function viewOf(entry: Named, now: number): View {
  const { since, memory } = entry
  const { mention: _, ...view } = entry.view
  if (since === undefined) return view
  if (!isOpen(entry)) return view.says === 'recovered' ? view : recovered(view, { since, memory }, now)
  return withTakenOn(view.says === 'repeated' ? { ...view, says: 'failed' } : view, memory && failureOf(memory, since))
}

/** Who has taken it on by now. */
function withTakenOn(view: View, known: ObjectMemory['failure']): View {
  if (view.failure === undefined) return view
  const { acknowledged: _, ...failure } = view.failure
  return { ...view, failure: { ...failure, ...takenOn(known?.acknowledged) } }
}

/** It is over, and no message about that came by: by which revision is not known, and not said. */
function recovered(view: View, { since, memory }: Pick<Named, 'since' | 'memory'>, now: number): View {
  const { object, severity, reason, cause, controller, url, failure } = view
  // Where it has failed again, when that was over is not known: it was before.
  const at = Math.max(since ?? 0, Math.min(memory?.failure?.since ?? memory?.since ?? now, now))
  return {
    ...{ says: 'recovered', object, severity, reason, summary: '', message: '', cause, controller, at },
    ...(url !== undefined && { url }),
    ...(failure && { failure })
  }
}
