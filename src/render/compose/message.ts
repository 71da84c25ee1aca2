// Message: composes a view into what Slack shows: what became of which object, then why, then the facts, small.

import { oneLine } from '../../legible.ts'
import { type Block, context, mrkdwn, section } from '../slack/blocks.ts'
import { withEmojis } from '../slack/emoji.ts'
import { maxFallback, maxSummary, messageRoom } from '../slack/limits.ts'
import { colours, type Face, faceOf } from '../slack/looks.ts'
import { code, cut, cutMiddle, escapeMrkdwn, factsLine, fence, link, plain, prose } from '../slack/mrkdwn.ts'
import type { Attachment, Payload } from '../slack/payload.ts'
import { phraseOf } from '../slack/phrases.ts'
import { unmarked } from '../slack/terminal.ts'
import { causeFirst, emphasised } from './emphasis.ts'
import { backOf, compareOf, factsOf, isOfChange, newsOf, type Posting, revisionLink } from './facts.ts'
import { nameOf } from './name.ts'
import { notReadyLines } from './not-ready.ts'
import { composeNotice } from './notice.ts'
import { composeRollout } from './rollout.ts'
import { saidIn } from './said.ts'
import { stateOf } from './state.ts'
import { isOwn, type View } from './view.ts'

/** Composes one notification as a message of its own. Every text of the view is within its limit already. */
export function composeOne(view: View, posting: Posting = {}): Payload {
  const { custom = {}, mention = '' } = view
  if (view.rollout !== undefined) return composeRollout(view, view.rollout, posting)
  if (isOwn(view) && view.custom === undefined) return composeNotice(view, posting)
  const face = faceOf(view, view.failure !== undefined)
  const text = lockScreen(view, face)
  if (custom.blocks !== undefined && custom.blocks.length > 0) {
    return ofBlocks(text, custom.blocks, [mention, posting.late ?? '', backOf(view, posting)])
  }
  const title = [custom.title ?? titleOf(view, face), mention].filter(Boolean).join('  ')
  const gist =
    custom.gist === undefined ? (custom.body === undefined ? gistLines(view) : []) : [custom.gist].filter(Boolean)
  const head = [...joined([title, ...gist]), ...factBlocks(view, posting)]
  const beside = custom.body === undefined ? logOf(view) : textBlock(custom.body)
  if (!posting.isCard) return whole(text, head, beside, face)
  const reply = replyOf(view, beside, face)
  return { ...whole(text, head, [], face), ...(reply && { reply }) }
}

/** Returns what a card leaves out: the log, or the whole of an error that its gist only begins. */
function replyOf(view: View, beside: readonly Block[], face: Face): Payload | undefined {
  const isCut = view.custom?.body === undefined && view.message.length > maxSummary
  const blocks = beside.length === 0 && isCut ? [section(fence(cutMiddle(view.message, maxReply)))] : [...beside]
  if (blocks.length === 0) return undefined
  const colour = colours[face.colour ?? 'amber']
  const text = escapeMrkdwn(cut(oneLine(`${nameOf(view)} says:`), maxFallback))
  return { text, attachments: [{ color: colour, blocks }], unfurl_links: false, unfurl_media: false }
}

/** Characters between the fences. */
const maxReply = messageRoom.section - 10

/** Puts `beside` next to the colour of the state, or before the facts if the state has no colour. */
function whole(text: string, head: Block[], beside: Block[], { colour }: Face): Payload {
  const attachments: Attachment[] =
    colour !== undefined && beside.length > 0 ? [{ color: colours[colour], blocks: beside }] : []
  const payload: Payload = {
    text,
    blocks: attachments.length > 0 ? head : [...head.slice(0, 1), ...beside, ...head.slice(1)],
    ...(attachments.length > 0 && { attachments }),
    unfurl_links: false,
    unfurl_media: false
  }
  // Text in three-byte characters needs more room. The log goes first, because the event's page has it.
  const isTooLarge = beside.length > 0 && Buffer.byteLength(JSON.stringify(payload)) > messageRoom.bytes
  return isTooLarge ? whole(text, head, [], { emoji: '', word: '' }) : payload
}

/** Returns a message of a template's own blocks, with what a template cannot know below them. */
function ofBlocks(text: string, blocks: readonly Block[], others: readonly string[]): Payload {
  const more = others.filter(Boolean).join('   ')
  return { text, blocks: [...blocks, ...textBlock(more)], unfurl_links: false, unfurl_media: false }
}

/** Joins `lines` into one section if there is room for them, else into several. */
function joined(lines: readonly string[]): Block[] {
  const texts: string[] = []
  for (const line of lines) {
    const last = texts.at(-1)
    if (last !== undefined && last.length + 1 + line.length <= messageRoom.section)
      texts.push(`${texts.pop()}\n${line}`)
    else texts.push(line)
  }
  return texts.map(section)
}

function titleOf(view: View, face: Face): string {
  const { object, url, revision, subject } = view
  const at = revision && [revisionLink(revision), subject && `_${prose(subject)}_`].filter(Boolean).join(' ')
  const sentence = stateOf(view, {
    object: `*${link(url, plain(nameOf(view)))}*`,
    place: object.cluster === '' ? '' : ` in ${code(object.cluster)}`,
    strong: (text) => `*${text}*`,
    revision: at ?? '',
    gist: prose(saidIn(view).summary)
  })
  return `${face.emoji} ${sentence}`
}

/** Returns what is wrong in plain words, and which resources it is about. */
export function gistLines(view: View): string[] {
  const { says, severity } = view
  const { summary, notReady } = saidIn(view)
  const isOfTrouble = says === 'failed' || says === 'changed' || (severity === 'warn' && says !== 'recovered')
  // A reminder has the gist among its facts.
  if (!isOfTrouble || (says === 'repeated' && view.failure !== undefined)) return []
  const change = isOfChange(view) ? changeOf(view) : ''
  // For a single object, the gist says as much in one line.
  const isOfMany = notReady !== undefined && notReady.failedCount + notReady.waitingCount > 1
  const said = isSaid(view) ? '' : emphasised(summary)
  const [counts = '', ...which] = isOfMany ? notReadyLines(notReady) : []
  const what = isOfMany && !isExplained(summary) ? counts : said
  return [[what, change].filter(Boolean).join(', '), ...which].filter(Boolean)
}

/** Reports whether the gist of a health check says why something failed, which the counts do not. */
function isExplained(summary: string): boolean {
  return / (?:failed|not found): | \([A-Z]\w{0,62} [^()\s]+: /.test(summary)
}

/** Reports whether the sentence before the gist says the same: "was rolled back", "rolled back". */
function isSaid(view: View): boolean {
  const { says, severity, reason, failure } = view
  const { summary } = saidIn(view)
  const { words } = phraseOf({ says, severity, reason: failure?.reason ?? reason }, failure !== undefined)
  return summary !== '' && words.endsWith(summary)
}

/** Returns `at main@a61e0c5 _Update podinfo_ (compare)`: what failed, and never that this is why. */
function changeOf(view: View): string {
  const { revision, subject } = view
  if (revision === undefined) return ''
  const named = subject ? ` _${prose(subject)}_` : ''
  return `at ${revisionLink(revision)}${named}${compareOf(view)}`
}

/** Returns the line of facts, or a template's fields, and how late the message is. */
function factBlocks(view: View, posting: Posting): Block[] {
  const { fields, facts } = view.custom ?? {}
  const others = [posting.late ?? '', backOf(view, posting)].filter(Boolean)
  if (facts !== undefined) return smallBlock(factsLine([facts], factsLine(others)))
  if (fields === undefined) return smallBlock(factsOf(view, posting))
  const columns: Block[] = fields.length > 0 ? [{ type: 'section', fields: fields.map(mrkdwn) }] : []
  return [...columns, ...smallBlock(factsLine(others))]
}

function smallBlock(text: string): Block[] {
  return text === '' ? [] : [context(text)]
}

function logOf(view: View): Block[] {
  const { says } = view
  const { log = [] } = saidIn(view)
  const isShown = log.length > 0 && (says === 'failed' || says === 'changed')
  return isShown ? [section(fence(log.join('\n')))] : []
}

function textBlock(text: string): Block[] {
  return text === '' ? [] : [section(text)]
}

/** Characters that a phone's lock screen shows of a message: they say what, where and why. */
const seen = 90

function lockScreen(view: View, face: Face): string {
  const { custom, object, revision, subject, says } = view
  const own = custom?.title && unmarked(custom.title)
  const { summary } = saidIn(view)
  const sentence = stateOf(view, {
    object: nameOf(view),
    place: object.cluster === '' ? '' : ` in ${object.cluster}`,
    strong: (text) => text,
    revision: revision === undefined ? '' : [revision.text, subject && `"${subject}"`].filter(Boolean).join(' '),
    gist: summary
  })
  const start = own || `${withEmojis(face.emoji)} ${sentence}`
  const isSaid = says === 'updated' || says === 'informed' || says === 'heartbeat' || own?.includes(summary)
  const end = says === 'recovered' ? fixIn(view) : isSaid ? '' : causeAfter(start, view)
  return escapeMrkdwn(cut(oneLine(`${start}${end}`), maxFallback))
}

function fixIn(view: View): string {
  const { isFix, isUpdate, revision, note } = view
  const at = revision && (isFix ? `, with ${revision.text}` : isUpdate && `, at ${revision.text}`)
  const said = revision === undefined ? unmarked(newsOf(view)) : ''
  return [at, said && `: ${said}`, note && `, ${note}`].filter(Boolean).join('')
}

/** Returns `: upgrade to ledger 3.14.1: context deadline exceeded`, with the decisive part first if it would be out of sight. */
function causeAfter(start: string, view: View): string {
  const { reason } = view
  const { summary } = saidIn(view)
  if (summary === '' || start.includes(` ${summary} `)) return summary === '' && reason !== '' ? `: ${reason}` : ''
  return `: ${causeFirst(summary, seen - start.length - 2)}`
}
