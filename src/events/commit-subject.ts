// Commit subject: reads the first line of a commit from the message of the source that stored it.

import { clean, oneLine } from '../legible.ts'
import type { FluxEvent } from './flux.ts'
import { redact } from './redaction.ts'

// source-controller gitrepository_controller.go: `stored artifact for commit 'subject'`, cut at 50 characters with an ellipsis. The
// message decides and not the reason, because an event may repeat it with the reason Succeeded.
const stored = /^stored artifact for commit '([\s\S]{1,500}?)'\s*$/

/** Returns the subject of the commit that `event` stored, on one line; undefined for any other event. */
export function commitSubjectOf({ object, message }: Pick<FluxEvent, 'object' | 'message'>): string | undefined {
  if (object.kind !== 'GitRepository' || message.length > 1000) return undefined
  const subject = stored.exec(clean(message))?.[1]
  return subject === undefined ? undefined : redact(oneLine(subject)) || undefined
}
