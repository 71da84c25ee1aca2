// Notice: makes a view of what the relay says of itself, in the form of any other notification. Pure.
import { clean } from '../legible.ts'
import { ownController, type View } from '../render/compose/view.ts'
import { maxSummary } from '../render/slack/limits.ts'
import { cut, plain } from '../render/slack/mrkdwn.ts'
import { unmarked } from '../render/slack/terminal.ts'

/** What a notice is about; `reason` names it. Texts are mrkdwn, and what comes from outside is harmless in them already. */
export interface Notice {
  kind: 'api' | 'app' | 'config' | 'destination' | 'mute' | 'relay' | 'source'
  name: string
  /** The word before the name, and the name there, if they are not those of `kind` and `name`. */
  noun?: string
  called?: string
  severity: View['severity']
  reason: string
  /** What the subject does or what happened to it, without its name: `takes no messages`. */
  says: string
  /** What it means and what to do. */
  why?: string | undefined
  facts?: readonly string[]
  /** A page of the dashboard that shows more. */
  page?: { path: string; label: string }
}

/** Trouble that lasts; `count` is how often it was met. */
export interface Trouble extends Notice {
  since: number
  isOver: boolean
  count?: number
}

/** A view of something that happened and has no end. */
export function newsOf(now: number, notice: Notice): View {
  return { ...frame(notice, now), says: 'informed' }
}

/** A view of trouble that begins or is over. At its end it keeps the reason as its cause, and shows none. */
export function troubleOf(now: number, { since, isOver, count = 1, ...notice }: Trouble): View {
  const view = frame(notice, now)
  return {
    ...view,
    says: isOver ? 'recovered' : 'failed',
    ...(isOver && { reason: '' }),
    failure: { reason: notice.reason, text: view.summary ?? '', since, count }
  }
}

/** `text` with a capital letter, and with a full stop if it has none. */
export function asSentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?]$/.test(text) ? '' : '.'}`
}

/** The words before the names. */
const nouns: Record<Notice['kind'], string> = {
  api: '',
  relay: '',
  config: 'config file',
  destination: 'destination',
  app: 'Slack app',
  mute: 'Mute',
  source: 'source'
}

function frame(
  { kind, name, noun = nouns[kind], called, severity, reason, says, why, facts, page }: Notice,
  at: number
): Omit<View, 'says'> {
  const line = noun === '' ? says : `${noun} *${plain(called ?? name)}* ${says}`
  const summary = unmarked(line)
  return {
    severity,
    object: { cluster: '', kind, namespace: '', name: clean(name) },
    reason,
    summary: cut(summary, maxSummary),
    message: [summary, ...(why ?? '').split('\n').map(unmarked)].filter(Boolean).join('\n'),
    cause: reason,
    controller: ownController,
    at,
    own: { line, ...(why && { why }), ...(facts && { facts }), ...(page && { page }) }
  }
}
