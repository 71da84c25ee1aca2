// Message: composes a view into what Slack shows: state first, then what and why, then where and when, then the error
// itself.
import { sayDuration } from '../../duration.ts'
import { oneLine } from '../../legible.ts'
import { type Block, context, mrkdwn, section } from '../slack/blocks.ts'
import { maxFallback } from '../slack/limits.ts'
import { colours, type Face, faceOf } from '../slack/looks.ts'
import { code, cut, escapeMrkdwn, fence, link, plain, time } from '../slack/mrkdwn.ts'
import type { Attachment, Payload } from '../slack/payload.ts'
import { toLine } from '../slack/terminal.ts'
import { lasted } from './lasted.ts'
import type { View } from './view.ts'

/**
 * One notification as a message of its own. Every text of the view is inside its limit already. `late` is mrkdwn that
 * says how late it is, or empty.
 */
export function composeOne(view: View, late = ''): Payload {
  const { custom = {}, mention = '' } = view
  const face = faceOf(view, view.failure !== undefined)
  const text = fallback(view, face)
  if (custom.blocks !== undefined && custom.blocks.length > 0) return ofBlocks(text, custom.blocks, [mention, late])

  const title = custom.title ?? titleLine(view, face)
  const head: Block[] = [section([title, mention].filter(Boolean).join(' ')), ...factsOf(view, late)]
  const details = custom.body === undefined ? detailsOf(view) : textBlock(custom.body)
  const attachments: Attachment[] =
    face.colour !== undefined && details.length > 0 ? [{ color: colours[face.colour], blocks: details }] : []
  return {
    text,
    blocks: attachments.length > 0 ? head : [...head.slice(0, 1), ...details, ...head.slice(1)],
    ...(attachments.length > 0 && { attachments }),
    unfurl_links: false,
    unfurl_media: false
  }
}

/** A message that is a template's own, and after it what a template cannot know. */
function ofBlocks(text: string, blocks: readonly Block[], others: readonly string[]): Payload {
  const more = others.filter(Boolean).join('   ')
  return { text, blocks: [...blocks, ...textBlock(more)], unfurl_links: false, unfurl_media: false }
}

function titleLine(view: View, face: Face): string {
  const since = view.failure && ` for *${sayDuration(view.at - view.failure.since)}*`
  const parts = [
    face.emoji,
    view.says === 'repeated' ? `${face.title}${since ?? ''}` : face.title,
    ` ${bold(link(view.url, objectName(view)))} `,
    reason(view)
  ]
  return parts.filter(Boolean).join(' ')
}

/** The line of facts, or a template's fields; and how late it is. */
function factsOf(view: View, late: string): Block[] {
  const fields = view.custom?.fields
  if (fields === undefined) return [context([where(view), late].filter(Boolean).join('   '))]
  const columns: Block[] = fields.length > 0 ? [{ type: 'section', fields: fields.map(mrkdwn) }] : []
  return [...columns, ...(late === '' ? [] : [context(late)])]
}

function fallback(view: View, face: Face): string {
  const own = view.custom?.title && toLine(view.custom.title)
  if (own) return escapeMrkdwn(cut(own, maxFallback))
  const { object, failure, says, summary, revision } = view
  const lasting = failure === undefined ? '' : sayDuration(view.at - failure.since)
  const what = [view.reason, summary].filter(Boolean).join(' - ')
  const tail = {
    failed: `: ${what}`,
    changed: `: ${what}`,
    repeated: failure ? ` for ${lasting}, ${failure.count} times: ${what}` : `: ${what}`,
    recovered: ` after ${[lasting, counted(view), view.isFix && `by ${revision?.text}`, view.note].filter(Boolean).join(', ')}`,
    updated: revision ? ` to ${revision.text}: ${summary}` : `: ${summary}`,
    informed: `: ${what}`,
    heartbeat: `: ${summary}`
  }[says]
  const cluster = object.cluster === '' ? '' : ` (${object.cluster})`
  return escapeMrkdwn(cut(oneLine(`${face.word} ${titleOf(view)}${cluster}${tail}`).replace(/:$/, ''), maxFallback))
}

function objectName(view: View): string {
  return plain(titleOf(view))
}

/** `HelmRelease apps/podinfo`, unescaped. */
function titleOf({ object: { kind, namespace, name } }: View): string {
  const path = [namespace, name].filter(Boolean).join('/')
  return [kind, path].filter(Boolean).join(' ') || 'unnamed object'
}

function bold(text: string): string {
  return `*${text}*`
}

function reason({ says, reason, wasReason }: View): string {
  if (says === 'recovered' || says === 'updated' || says === 'heartbeat') return ''
  if (wasReason && reason && wasReason !== reason) return `~${plain(wasReason)}~ → ${code(reason)}`
  return code(reason)
}

/** The one line of facts: cluster, controller, revision, time. */
function where(view: View): string {
  const { object, controller, revision, previous, at } = view
  const label = object.kind === 'HelmRelease' ? 'chart ' : ''
  const now = revision && label + (revision.url ? link(revision.url, plain(revision.text)) : code(revision.text))
  const was = previous && (previous.url ? link(previous.url, plain(previous.text)) : code(previous.text))
  const change = was && now ? `${was} → ${now}` : now
  return [code(object.cluster), plain(controller), change, time(at)].filter(Boolean).join('   ')
}

function detailsOf(view: View): Block[] {
  const { says, failure, message, summary, at } = view
  if (says === 'recovered') {
    if (failure === undefined) return []
    const parts = [
      `was ${lasted(failure, `*${sayDuration(at - failure.since)}*`)}`,
      ...[counted(view)].filter((text) => text !== '')
    ]
    if (view.isFix && view.revision) parts.push(`fixed by ${link(view.revision.url, plain(view.revision.text))}`)
    if (view.note) parts.push(plain(view.note))
    return [context(parts.join('   '))]
  }
  if (says === 'repeated' && failure !== undefined) {
    const next = view.nextReminderMs === undefined ? '' : `next reminder in ${sayDuration(view.nextReminderMs)}`
    const facts = [`${failure.count} times since ${time(failure.since)}`, next].filter(Boolean).join('   ')
    return [...errorText(message), context(facts)]
  }
  if (says === 'failed' || says === 'changed') return errorText(message)
  if (view.severity === 'warn') return errorText(message)
  return summary === '' ? [] : [section(code(summary))]
}

function errorText(message: string): Block[] {
  return message === '' ? [] : textBlock(fence(message))
}

function textBlock(text: string): Block[] {
  return text === '' ? [] : [section(text)]
}

/** How many failures are over. What only waited, or was put right by itself, has not failed. */
function counted({ failure, ending }: View): string {
  const isWarning = ending === 'unblocked' || ending === 'corrected' || failure?.severity === 'warn'
  return failure === undefined || isWarning ? '' : times(failure.count)
}

function times(count: number): string {
  return count === 1 ? '1 failure' : `${count} failures`
}
