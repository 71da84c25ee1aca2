// Said: selects what is kept of an event that reports a failure.
import type { FluxEvent, ObjectRef } from '../events/flux.ts'
import { gistOf } from '../events/gist.ts'

/** The parts of a failure that messages show, all of one event, at `at` in ms. */
export function saidBy({ object, severity, reason, revision, message }: FluxEvent, at: number) {
  const all = message.trim()
  const [line = ''] = all.split('\n', 1)
  const text = beginning(line, maxText).toWellFormed()
  // The gist is not kept if it follows from the text.
  const gist = text === all ? undefined : gistOf(object, reason, beginning(all, maxRead)).what || undefined
  return { severity, reason, revision: revision?.text ?? '', text, gist, at }
}

/** The gist of a failure's latest event: one line, the cause first. */
export function gistOfFailure(
  object: ObjectRef,
  { reason, text, gist }: { reason: string; text: string; gist?: string | undefined }
): string {
  return gist ?? gistOf(object, reason, text).what
}

const maxText = 300
/** Characters that are read of a message: a log of tens of thousands may follow the cause, and reading that takes milliseconds. */
const maxRead = 8000

/** Cuts between words, so that no half of a secret is left, which would not be recognized as one. */
function beginning(text: string, max: number): string {
  if (text.length <= max) return text
  const space = text.lastIndexOf(' ', max)
  return text.slice(0, space > 0 ? space : max)
}
