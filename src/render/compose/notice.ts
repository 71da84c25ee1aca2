// Notice: what the relay says of itself, as a message or as a line of a digest. Pure.

import { type Block, context, section } from '../slack/blocks.ts'
import { withEmojis } from '../slack/emoji.ts'
import { maxFallback, messageRoom } from '../slack/limits.ts'
import { cut, escapeMrkdwn, link, plain, prose, time } from '../slack/mrkdwn.ts'
import type { Payload } from '../slack/payload.ts'
import type { Posting } from './facts.ts'
import { saidIn } from './said.ts'
import type { View } from './view.ts'

/** Composes a notice as a message of its own. */
export function composeNotice(view: View, { late = '', publicUrl }: Posting): Payload {
  const { own } = view
  // The end of a mute is about the muted objects, and not about the relay.
  const isOfObjects = view.object.kind === 'mute'
  const title = `${noticeEmoji(view)} ${isOfObjects ? '' : '*flux-relay*: '}${noticeLine(view, maxFallback)}`
  const why = own?.why ?? prose(restOf(view))
  const page = own?.page && publicUrl !== undefined ? link(`${publicUrl}${own.page.path}`, own.page.label) : ''
  const facts = [...(own?.facts ?? [time(view.at)]), late, page].filter(Boolean).join('   ')
  const isRoom = title.length + 1 + why.length <= messageRoom.section
  const head: Block[] = isRoom
    ? [section([title, why].filter(Boolean).join('\n'))]
    : [section(title), section(why.slice(0, messageRoom.section))]
  return {
    text: escapeMrkdwn(
      cut(`${withEmojis(noticeEmoji(view))} ${isOfObjects ? '' : 'flux-relay: '}${saidIn(view).summary}`, maxFallback)
    ),
    blocks: [...head, context(facts)],
    unfurl_links: false,
    unfurl_media: false
  }
}

/** Returns the sentence of a notice, without who says it. A notice of an earlier version has no sentence as mrkdwn. */
export function noticeLine(view: View, maxText: number): string {
  const { own, object } = view
  return own?.line ?? `${plain(object.kind)} *${plain(object.name)}*: ${prose(cut(saidIn(view).summary, maxText))}`
}

function restOf({ message }: View): string {
  return message.split('\n').slice(1).join(' ')
}

/** Returns the emoji of a notice: a bell if a mute is over. */
export function noticeEmoji({ says, severity, object }: View): string {
  if (object.kind === 'mute') return ':bell:'
  if (says === 'recovered') return ':white_check_mark:'
  return severity === 'info' ? ':information_source:' : ':warning:'
}
