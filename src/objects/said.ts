// Said: what is kept of what a failure said.
import type { FluxEvent, ObjectRef } from '../events/flux.ts'
import { gistOf } from '../events/gist.ts'

/** The shown parts of a failure, always of one event. */
export function saidBy({ object, severity, reason, revision, message }: FluxEvent, at: number) {
  const all = message.trim()
  const [line = ''] = all.split('\n', 1)
  const text = beginning(line, maxText).toWellFormed()
  // Not kept where it follows from the text.
  const gist = text === all ? undefined : gistOf(object, reason, beginning(all, maxRead)).what || undefined
  return { severity, reason, revision: revision?.text ?? '', text, gist, at }
}

/** What its latest event said, the cause first, in one line. */
export function gistOfFailure(
  object: ObjectRef,
  { reason, text, gist }: { reason: string; text: string; gist?: string | undefined }
): string {
  return gist ?? gistOf(object, reason, text).what
}

const maxText = 300
/** How much of a repeated message is read: a log of tens of thousands of characters may follow what is wrong, and reading that takes milliseconds. */
const maxRead = 8000

/** Cut between words, so that no half of a secret is left: that would not be known for one. */
function beginning(text: string, max: number): string {
  if (text.length <= max) return text
  const space = text.lastIndexOf(' ', max)
  return text.slice(0, space > 0 ? space : max)
}
