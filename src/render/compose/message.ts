// Message: composes a view into what Slack shows: what became of which object, then why, then the facts, small.
import { type Block, context, mrkdwn, section } from '../slack/blocks.ts'
import { withEmojis } from '../slack/emoji.ts'
import { maxFallback, messageRoom } from '../slack/limits.ts'
import { colours, type Face, faceOf } from '../slack/looks.ts'
import { code, cut, escapeMrkdwn, fence, link, oneLine, plain, prose } from '../slack/mrkdwn.ts'
import type { Attachment, Payload } from '../slack/payload.ts'
import { toLine } from '../slack/terminal.ts'
import { compareOf, factsOf, isOfChange, type Posting, revisionLink } from './facts.ts'
import { composeNotice } from './notice.ts'
import { stateOf } from './state.ts'
import { isOwn, type View } from './view.ts'

/** One notification as a message of its own. Every text of the view is inside its limit already. */
export function composeOne(view: View, posting: Posting = {}): Payload {
  const { custom = {}, mention = '' } = view
  if (isOwn(view) && view.custom === undefined) return composeNotice(view, posting)
  const face = faceOf(view, view.failure !== undefined)
  const text = lockScreen(view, face)
  const back = posting.page === undefined ? '' : link(posting.page, 'why & silence')
  if (custom.blocks !== undefined && custom.blocks.length > 0) {
    return ofBlocks(text, custom.blocks, [mention, posting.late ?? '', back])
  }
  const title = [custom.title ?? titleOf(view, face), mention].filter(Boolean).join('  ')
  const gist = custom.body === undefined ? gistOf(view) : []
  const head = [...joined([title, ...gist]), ...factBlocks(view, posting)]
  const beside = custom.body === undefined ? logOf(view) : textBlock(custom.body)
  return whole(text, head, beside, face)
}

/** `beside` goes next to the colour of the state, or before the facts where it has none. */
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
  // Of what is written in letters of three bytes there is less room: the log goes first, which the event's page has.
  const isTooLarge = beside.length > 0 && Buffer.byteLength(JSON.stringify(payload)) > messageRoom.bytes
  return isTooLarge ? whole(text, head, [], { emoji: '', word: '' }) : payload
}

/** A message that is a template's own, and after it what a template cannot know. */
function ofBlocks(text: string, blocks: readonly Block[], others: readonly string[]): Payload {
  const more = others.filter(Boolean).join('   ')
  return { text, blocks: [...blocks, ...textBlock(more)], unfurl_links: false, unfurl_media: false }
}

/** `lines` as one section where there is room for them, and as more where there is not. */
function joined(lines: readonly string[]): Block[] {
  const texts: string[] = []
  for (const line of lines) {
    const last = texts.at(-1)
    if (last !== undefined && last.length + 1 + line.length <= messageRoom.section) texts.push(`${texts.pop()}\n${line}`)
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
    gist: prose(view.summary)
  })
  return `${face.emoji} ${sentence}`
}

/** `apps/podinfo`, unescaped. */
export function nameOf({ object: { kind, namespace, name } }: View): string {
  return [namespace, name].filter(Boolean).join('/') || kind || 'unnamed object'
}

/** What is wrong, in plain words, and which resources it is about. */
function gistOf(view: View): string[] {
  const { says, severity, more, summary } = view
  const isOfTrouble = says === 'failed' || says === 'changed' || (severity === 'warn' && says !== 'recovered')
  // A reminder has it among its facts.
  if (!isOfTrouble || (says === 'repeated' && view.failure !== undefined)) return []
  const change = isOfChange(view) ? changeOf(view) : ''
  const what = [emphasised(view), change].filter(Boolean).join(summary === '' ? '' : ', ')
  return [what, more === undefined ? '' : prose(more)].filter(Boolean)
}

/** `at main@a61e0c5 _Update podinfo_ (compare)`: what failed, and never that this is why. */
function changeOf(view: View): string {
  const { revision, subject } = view
  if (revision === undefined) return ''
  const named = subject ? ` _${prose(subject)}_` : ''
  return `at ${revisionLink(revision)}${named}${compareOf(view)}`
}

/** The gist, with what decides in it in bold. */
export function emphasised({ summary, decisive }: Pick<View, 'summary' | 'decisive'>): string {
  const at = decisive ? summary.indexOf(decisive) : -1
  if (decisive === undefined || at < 0) return prose(summary)
  const [before, after] = [summary.slice(0, at), summary.slice(at + decisive.length)]
  const inner = prose(decisive)
  if (inner === '') return prose(summary)
  // Slack takes a mark for one only beside a space or a punctuation mark.
  const isMarked = !/[\p{L}\p{N}]$/u.test(before) && !/^[\p{L}\p{N}]/u.test(after)
  if (!isMarked) return prose(summary)
  const space = (text: string, edge: RegExp) => (edge.test(text) ? ' ' : '')
  return `${prose(before)}${space(before, /\s$/)}*${inner}*${space(after, /^\s/)}${prose(after)}`
}

/** The line of facts, or a template's fields; and how late it is. */
function factBlocks(view: View, posting: Posting): Block[] {
  const fields = view.custom?.fields
  if (fields === undefined) return smallBlock(factsOf(view, posting))
  const columns: Block[] = fields.length > 0 ? [{ type: 'section', fields: fields.map(mrkdwn) }] : []
  const back = posting.page === undefined ? '' : link(posting.page, 'why & silence')
  return [...columns, ...smallBlock([posting.late, back].filter(Boolean).join('   '))]
}

function smallBlock(text: string): Block[] {
  return text === '' ? [] : [context(text)]
}

function logOf({ says, log = [] }: View): Block[] {
  const isShown = log.length > 0 && (says === 'failed' || says === 'changed')
  return isShown ? [section(fence(log.join('\n')))] : []
}

function textBlock(text: string): Block[] {
  return text === '' ? [] : [section(text)]
}

/** What a phone's lock screen shows: of its first ninety characters it shows all, and those say what, where and why. */
const seen = 90

function lockScreen(view: View, face: Face): string {
  const { custom, object, revision, says } = view
  const own = custom?.title && toLine(custom.title)
  const sentence = stateOf(view, {
    object: nameOf(view),
    place: object.cluster === '' ? '' : ` in ${object.cluster}`,
    strong: (text) => text,
    revision: revision?.text ?? '',
    gist: view.summary
  })
  const start = own || `${withEmojis(face.emoji)} ${sentence}`
  const isSaid = says === 'updated' || says === 'informed' || says === 'heartbeat' || own?.includes(view.summary)
  const end = says === 'recovered' ? fixIn(view) : isSaid ? '' : causeAfter(start, view)
  return escapeMrkdwn(cut(oneLine(`${start}${end}`), maxFallback))
}

function fixIn({ isFix, revision, note }: View): string {
  return [isFix && revision && `, with ${revision.text}`, note && `, ${note}`].filter(Boolean).join('')
}

/** `: upgrade to ledger 3.14.1: context deadline exceeded`, what decides first where that would be out of sight. */
function causeAfter(start: string, { summary, decisive, more, reason }: View): string {
  const what = summary || reason
  if (what === '') return ''
  const at = decisive ? summary.indexOf(decisive) : -1
  const isSeen = decisive === undefined || at < 0 || start.length + 2 + at + decisive.length <= seen
  if (isSeen) return `: ${[what, more].filter(Boolean).join(': ')}`
  const rest = (summary.slice(0, at) + summary.slice(at + (decisive?.length ?? 0))).replace(/^[\s:,.]+|[\s:,.]+$/g, '')
  return `: ${decisive}${rest === '' ? '' : ` (${rest})`}`
}
