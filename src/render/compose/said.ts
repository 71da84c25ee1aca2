// Said: gives the gist of a view: the one that it has, or that of its message. Pure.
import type { ObjectRef } from '../../events/flux.ts'
import type { NotReady } from '../../events/gist/health.ts'
import { gistOf } from '../../events/gist.ts'
import { maxSummary } from '../slack/limits.ts'
import { cut } from '../slack/mrkdwn.ts'

export interface Said {
  /** The gist, one line. */
  summary: string
  /** What was waited for in vain, if that is what the gist says. */
  notReady?: NotReady
  /** The few lines of a log that add something. */
  log?: readonly string[]
}

interface Saying extends Partial<Said> {
  object: ObjectRef
  reason: string
  message: string
}

/** Lines of an attachment that Slack shows before it folds the rest away. */
const maxLines = 5
const maxLine = 240

const known = new WeakMap<Saying, Said>()

/**
 * Returns the gist of a view. It is read only on demand, because that costs more than the rest of a view, and most views of a storm
 * are only counted.
 */
export function saidIn(view: Saying): Said {
  const { summary, notReady, log } = view
  if (summary !== undefined) return { summary, ...(notReady && { notReady }), ...(log && { log }) }
  const said = known.get(view) ?? readSaid(view)
  known.set(view, said)
  return said
}

/** Reads the gist of a `message` about `object`, within the limits of a view. */
export function readSaid({ object, reason, message }: Saying): Said {
  const { what, notReady, log = [] } = gistOf(object, reason, message)
  return {
    summary: cut(what, maxSummary),
    ...(notReady && { notReady }),
    ...(log.length > 0 && { log: log.slice(0, maxLines).map((line) => cut(line, maxLine)) })
  }
}
