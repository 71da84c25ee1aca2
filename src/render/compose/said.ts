// Said: gives the gist of a view: the one it was given, or that of its message. Pure.
import type { ObjectRef } from '../../events/flux.ts'
import type { NotReady } from '../../events/gist/health.ts'
import { gistOf } from '../../events/gist.ts'
import { maxSummary } from '../slack/limits.ts'
import { cut } from '../slack/mrkdwn.ts'

export interface Said {
  /** The gist, one line. */
  summary: string
  /** What it waited for in vain, where that is what it says. */
  notReady?: NotReady
  /** The few lines of a log that add something. */
  log?: readonly string[]
}

interface Saying extends Partial<Said> {
  object: ObjectRef
  reason: string
  message: string
}

/** What Slack shows of an attachment before it folds it away. */
const maxLines = 5
const maxLine = 240

const known = new WeakMap<Saying, Said>()

/** Read when somebody asks: it costs more than the rest of a view, and most views of a storm are only counted. */
export function saidIn(view: Saying): Said {
  const { summary, notReady, log } = view
  if (summary !== undefined) return { summary, ...(notReady && { notReady }), ...(log && { log }) }
  const said = known.get(view) ?? readSaid(view)
  known.set(view, said)
  return said
}

/** What a `message` about `object` says, within the limits of a view. */
export function readSaid({ object, reason, message }: Saying): Said {
  const { what, notReady, log = [] } = gistOf(object, reason, message)
  return {
    summary: cut(what, maxSummary),
    ...(notReady && { notReady }),
    ...(log.length > 0 && { log: log.slice(0, maxLines).map((line) => cut(line, maxLine)) })
  }
}
