// Gist: says what an event is about in one line, decisive words first, and finds what is worth showing beside it.
import { clean, oneLine } from '../legible.ts'
import type { Named } from './dependency.ts'
import type { ObjectRef } from './flux.ts'
import { redact } from './redaction.ts'

/** What a message says, without what stands around it. Plain text, nothing escaped; no secrets of URLs, no control characters. */
export interface Gist {
  /** One line of at most {@link maxGist} characters, the decisive words within the first 90. Empty for an empty message. */
  what: string
  /** Of a health check, or of a wait that timed out: what it waited for. */
  notReady?: NotReady
  /** Which images were updated, or are the latest. */
  images?: ImageUpdate[]
  /** Objects that were applied or deleted, in the order of the message. */
  objects?: Applied[]
  /** What a log adds to `what`: at most five lines, oldest first, without stamps, equal ones folded: `… (×149)`. */
  log?: string[]
}

/** Objects of each state as far as there is room to list them, and how many there are of it. */
export interface NotReady {
  failed: NotReadyObject[]
  failedCount: number
  waiting: NotReadyObject[]
  waitingCount: number
  /** How long it was waited, in ms, where the message says so. */
  afterMs?: number
}

export interface NotReadyObject extends Named {
  /** As kstatus has it: `InProgress`, `Failed`, `NotFound`, `Terminating`, `Unknown`. */
  status: string
}

export interface ImageUpdate {
  /** Without registry and path: `podinfo`. Empty where the message names only tags. */
  name: string
  /** Empty where it is not known. */
  from: string
  to: string
}

export interface Applied extends Named {
  /** `created`, `configured`, `deleted` … */
  action: string
}

export const maxGist = 200

/** The gist of a `message` of `object`, as Flux sent both. Its work is bounded, whatever the message is. */
export function gistOf(_object: ObjectRef, _reason: string, message: string): Gist {
  return { what: oneLine(redact(clean(message))).slice(0, maxGist) }
}
