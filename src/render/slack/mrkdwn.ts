// Slack's mrkdwn: makes text from outside a harmless part of a message. The escaping rules are those of
// docs.slack.dev/messaging/formatting-message-text.
import { oneLine } from '../../legible.ts'
import { maxLinkUrl, messageRoom } from './limits.ts'

/** Escapes what Slack would read as a mention, a link or an entity. Text inside code needs it, too. */
export function escapeMrkdwn(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** Undoes {@link escapeMrkdwn}. */
export function unescaped(mrkdwn: string): string {
  return mrkdwn.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
}

// Formatting characters cannot be escaped; these look like them and do nothing.
const lookalikes: Record<string, string> = { '*': '∗', _: '＿', '~': '∼', '`': 'ˋ' }

/** Returns a name outside of code, on one line. No name in Kubernetes has a character that is replaced. */
export function plain(text: string): string {
  return withoutNames(escapeMrkdwn(oneLine(text)).replace(/[*_~`]/g, (mark) => lookalikes[mark] ?? ''))
}

/** Returns text outside of code, with its lines. `_` inside of a word is only a character, and common in names. */
export function words(text: string): string {
  const marked = escapeMrkdwn(text)
    .replace(/[*~`]/g, (mark) => lookalikes[mark] ?? '')
    .replace(/(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '＿')
    // At the start of a line, Slack takes `>` for a quotation, escaped or not.
    .replace(/^([^\S\n\r\u2028\u2029]*)&gt;/gm, '$1›')
  return withoutNames(marked)
}

// Slack would make emojis of `:white_check_mark:` and `:100:`; what stands in 10:00:12 is a time.
const emojiName = /(?<!\d(?=:\d\d)):(?=[a-z0-9_+'-]{1,100}:)/gi
const joiner = '\u2060'

function withoutNames(text: string): string {
  return text.includes(':') ? text.replace(emojiName, `:${joiner}`) : text
}

/** Returns an event's text for a sentence of the relay's, on one line. */
export function prose(text: string): string {
  return words(oneLine(text))
}

/** Returns inline code. Empty text gives an empty string, because Slack would show two backticks. */
export function code(text: string): string {
  const inner = escapeMrkdwn(oneLine(text)).replaceAll('`', 'ˋ')
  return inner === '' ? '' : `\`${inner}\``
}

/** Returns a fenced block, with its lines as they are. */
export function fence(text: string): string {
  return `\`\`\`${escapeMrkdwn(text).replaceAll('```', 'ˋˋˋ').replace(/`$/, 'ˋ')}\`\`\``
}

/** Returns a link, or just its label if `url` is not one that Slack can take. `label` is mrkdwn already. */
export function link(url: string | undefined, label: string): string {
  const safe = url === undefined ? undefined : linkTarget(url)
  return safe === undefined ? label : `<${safe}|${label}>`
}

/**
 * Returns `url` in the form that may stand in `<…|…>`: http(s), not too long, without anything that ends it early. Undefined if it
 * has no such form.
 */
export function linkTarget(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { protocol, href } = new URL(url)
  if (protocol !== 'https:' && protocol !== 'http:') return undefined
  const target = href.replace(/[|<>\s`]/g, encodeURIComponent).replaceAll('&', '&amp;')
  return target.length > maxLinkUrl ? undefined : target
}

/** Returns a time to the minute, in the reader's time zone. The fallback is UTC and says so. `at` in ms. */
export function time(at: number): string {
  const seconds = Math.floor(at / 1000)
  const minute = `${utc(at).slice(0, 16)} UTC`
  // Slack does not document what it does with a time before 1970.
  if (seconds < 0) return minute
  return `<!date^${seconds}^{date_short_pretty} {time}|${minute}>`
}

/** Returns `2026-09-21 14:13:20 UTC`. */
export function utc(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19).replace('T', ' ')} UTC`
}

/** Cuts `text` between code points, to at most `max` UTF-16 units once escaped, and says how much is missing. */
export function cut(text: string, max: number): string {
  if (fits(text, max)) return text
  const room = max - ' … (+99999999 characters)'.length
  const end = fitting(text, room)
  return `${text.slice(0, end)} … (+${text.length - end} characters)`
}

/** Cuts like {@link cut}, for one of many lines, in which saying how much is missing would take a third of the room. */
export function cutShort(text: string, max: number): string {
  return fits(text, max) ? text : `${text.slice(0, fitting(text, max - 1)).trimEnd()}…`
}

/**
 * Cuts like {@link cut}, but keeps the end as well: the reason of a failed apply or of a Helm upgrade is often in the last lines,
 * below everything that went well.
 */
export function cutMiddle(text: string, max: number): string {
  if (fits(text, max)) return text
  const room = max - '\n… (+99999999 characters) …\n'.length
  const head = fitting(text, Math.floor(room / 2))
  const reversed = [...text.slice(-room)].reverse().join('')
  const tail = fitting(reversed, Math.floor(room / 2))
  const end = text.slice(text.length - tail)
  return `${text.slice(0, head).trimEnd()}\n… (+${text.length - head - tail} characters) …\n${end.trimStart()}`
}

/** Reports whether `text` fits. It looks no further than it has to, because texts may be three megabytes long. */
function fits(text: string, max: number): boolean {
  // No character takes more than five when it is escaped.
  return text.length <= max && (text.length * 5 <= max || escapeMrkdwn(text).length <= max)
}

/** Returns how many units of `text` can stay so that they are at most `max` when escaped, without splitting a code point. */
function fitting(text: string, max: number): number {
  let size = 0
  let end = 0
  for (const point of text) {
    size += point === '&' ? 5 : point === '<' || point === '>' ? 4 : point.length
    if (size > max) return end
    end += point.length
  }
  return end
}

/** Returns `mrkdwn` without the mentions that a rule put into it. */
export function withoutMentions(mrkdwn: string): string {
  return mrkdwn.replace(mentions, '')
}

/** Returns the mentions in a text. */
export function mentionsIn(mrkdwn: string): string[] {
  return (mrkdwn.match(mentions) ?? []).map((mention) => mention.trimStart())
}

const mentions = / *<(@\w+|!subteam\^\w+|!here|!channel)>/g

const joint = '   '

/** Returns one line with the `facts` that there is room for, and always `last`. */
export function factsLine(facts: readonly string[], last = ''): string {
  let room = messageRoom.section - last.length
  const kept: string[] = []
  for (const fact of facts) {
    if (fact === '' || fact.length + joint.length > room) continue
    kept.push(fact)
    room -= fact.length + joint.length
  }
  return [...kept, last].filter(Boolean).join(joint)
}
