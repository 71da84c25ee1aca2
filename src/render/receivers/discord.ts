// A message for Discord: its Slack endpoint makes the content of `text`, and an embed of each attachment. Pure.
import { cut } from '../slack/mrkdwn.ts'
import type { Payload } from '../slack/payload.ts'
import { bareDetail, type Detail, details, syntaxes, translate } from './markup.ts'
import { type Parts, partsOf } from './parts.ts'

// docs.discord.com/developers/resources/message#embed-object-embed-limits. A digest has at most four colours and its
// embeds are filled, so there are never more than ten.
const maxContent = 2000
const maxEmbed = 4096
const maxEmbeds = 6000

/** A line or a fenced block, or several lines of one colour joined. */
interface Embed {
  color?: string
  text: string
}

interface Body {
  text?: string
  attachments?: Embed[]
}

/**
 * Returns `payload` within Discord's limits. A digest of Slack's size exceeds them: it gives up its links first, then more and more
 * of what the events say, and if that is not enough, its first lines move from the embeds into the content. That leaves room for
 * 7,000 characters of names; the last line counts what is missing.
 */
export function discordBody(payload: Payload): Body {
  const write = (detail: Detail) => partsOf(payload, (mrkdwn) => translate(mrkdwn, syntaxes.discord, detail))
  for (const detail of details) {
    const { content, lines } = arranged(write(detail), detail === details.at(-1))
    if (sizeOf(lines) <= maxEmbeds && lines.every(({ text }) => text.length <= maxEmbed)) return bodyOf(content, lines)
  }
  const { content, lines } = arranged(write(bareDetail), true)
  return bodyOf(content, cutLines(lines))
}

/** Divides lines between the content and embeds. With `canMove` the content takes what is too much for the embeds. */
function arranged({ head, attached }: Parts, canMove: boolean): { content: string; lines: Embed[] } {
  const split = (text: string) => linesOf(text).flatMap((line) => (canMove ? shorterLines(line) : [line]))
  const own: Embed[] = head.flatMap(split).map((text) => ({ text }))
  const beside = attached.flatMap(({ color, texts }) => texts.flatMap(split).map((text) => ({ color, text })))
  const lines = [...own, ...beside]
  let content = ''
  for (const [index, { text }] of lines.entries()) {
    const isWanted = index < own.length || (canMove && sizeOf(lines.slice(index)) > maxEmbeds)
    const longer = [content, text].filter(Boolean).join('\n')
    if (!isWanted || longer.length > maxContent) return { content, lines: lines.slice(index) }
    content = longer
  }
  return { content, lines: [] }
}

/** Splits a text where it may be parted: between lines, but not within a fenced block. */
function linesOf(text: string): string[] {
  return text.match(/```[\s\S]*?\n```|[^\n]+/g) ?? []
}

/** Parts a line between names, because digests name the objects of a namespace in one line, however many they are. */
function shorterLines(line: string): string[] {
  if (line.startsWith('```')) return [line]
  const lines: string[] = []
  for (const name of line.split(/(?<=,) /)) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + name.length <= 400) lines.push(`${lines.pop()} ${name}`)
    else lines.push(name)
  }
  return lines
}

function sizeOf(lines: readonly Embed[]): number {
  return lines.reduce((sum, { text }) => sum + text.length + 1, 0)
}

function bodyOf(content: string, lines: readonly Embed[]): Body {
  const embeds: Embed[] = []
  for (const line of lines) {
    const last = embeds.at(-1)
    const isRoom = last !== undefined && last.text.length + 1 + line.text.length <= maxEmbed
    if (isRoom && last.color === line.color) last.text += `\n${line.text}`
    else embeds.push({ ...line })
  }
  return { ...(content !== '' && { text: content }), ...(embeds.length > 0 && { attachments: embeds }) }
}

/** Returns the first lines that there is room for, and a line that counts the rest. All are without markup. */
function cutLines(all: readonly Embed[]): Embed[] {
  const lines = all.map((line) => ({ ...line, text: cut(line.text, maxEmbed) }))
  let missing = sizeOf(lines)
  if (missing <= maxEmbeds) return lines
  const kept: Embed[] = []
  for (const line of lines) {
    // 60 characters are for the line that says so.
    if (sizeOf([...kept, line]) > maxEmbeds - 60) break
    kept.push(line)
    missing -= sizeOf([line])
  }
  return [...kept, { ...kept.at(-1), text: `… (+${missing} characters)` }]
}
