// Commit subject: reads the first line of a commit out of what a source says when it has stored it.

import { clean, oneLine } from '../legible.ts'
import type { FluxEvent } from './flux.ts'
import { redact } from './redaction.ts'

// source-controller gitrepository_controller.go: `stored artifact for commit 'subject'`, cut at 50 characters with an
// ellipsis; since an event may repeat it with the reason Succeeded, the message decides.
const stored = /^stored artifact for commit '([\s\S]{1,500}?)'\s*$/

/** The subject of the commit that `event` stored, on one line; undefined of any other event. */
export function commitSubjectOf({ object, message }: Pick<FluxEvent, 'object' | 'message'>): string | undefined {
  if (object.kind !== 'GitRepository' || message.length > 1000) return undefined
  const subject = stored.exec(clean(message))?.[1]
  return subject === undefined ? undefined : redact(oneLine(subject)) || undefined
}
