// Markup: translates the relay's mrkdwn for other receivers. Its texts are harmless to Slack already; here they become
// harmless to the others.
import { withEmojis } from '../slack/emoji.ts'
import { unescaped } from '../slack/mrkdwn.ts'

/** The marks with which a receiver expresses what mrkdwn does. */
export interface Syntax {
  bold: string
  strike: string
  /** Opens a fenced block on a line of its own. */
  fence: string
  /** Names of the two mentions that need no Slack id. */
  here: string
  channel: string
  /** Characters that the address of a link must not contain. */
  urlMarks: RegExp
  /** A `|` is not harmless even in code: the server looks for Slack's `<…|…>` before anyone looks for code. */
  hasUnsafePipes?: true
}

const markdown: Syntax = {
  bold: '**',
  strike: '~~',
  fence: '```',
  here: '@here',
  channel: '@channel',
  urlMarks: /[()[\]\\*]/g
}

// Read in the sources: Mattermost's ParseSlackLinksToMarkdown, Rocket.Chat's message-parser and Zulip's
// slack_message_conversion.py. Zulip doubles a single `*` itself, and takes a pair of `_` in a URL for emphasis; a
// realm may have a default language for fences that is not one (`quote`).
export const syntaxes = {
  mattermost: { ...markdown, hasUnsafePipes: true },
  rocketchat: { ...markdown, channel: '@all' },
  discord: { ...markdown, channel: '@everyone' },
  zulip: {
    ...markdown,
    bold: '*',
    fence: '```text',
    here: '@**all**',
    channel: '@**all**',
    urlMarks: /[()[\]\\*_~]/g
  }
} satisfies Record<string, Syntax>

/** The detail that is kept if not everything fits. */
export interface Detail {
  hasLinks: boolean
  /** Maximum length of a piece of inline code, in UTF-16 units. */
  maxCode: number
  /** No markup at all, so the text may be cut anywhere. */
  isBare?: true
}

// All of these keep names, bullets, emojis and the relay's own words.
export const details: readonly Detail[] = [
  { hasLinks: true, maxCode: Number.POSITIVE_INFINITY },
  { hasLinks: false, maxCode: Number.POSITIVE_INFINITY },
  { hasLinks: false, maxCode: 60 },
  { hasLinks: false, maxCode: 24 }
]

/** Used if even the least of those does not fit: names only, and those are cut if they have to be. */
export const bareDetail: Detail = { hasLinks: false, maxCode: 0, isBare: true }

/** Translates `mrkdwn`, as the relay writes it, into the markup of a receiver. */
export function translate(mrkdwn: string, syntax: Syntax, detail: Detail): string {
  // Every other part is code or a tag. Only the relay's own tags are left, because those of events are escaped.
  const parts = mrkdwn.split(/(```[\s\S]*?```|`[^`\n]+`|<[^<>]*>)/)
  return parts
    .map((part, index) => {
      if (index % 2 === 0) return detail.isBare ? bareWords(part) : words(part, syntax)
      if (part.startsWith('<')) return tag(part, syntax, detail)
      const isFence = part.startsWith('```')
      const text = unescaped(part.slice(isFence ? 3 : 1, isFence ? -3 : -1))
      const kept = isFence ? text : shorten(text, detail.maxCode)
      if (detail.isBare) return bare(kept)
      const inner = codeText(kept, syntax)
      return isFence ? `${syntax.fence}\n${inner}\n\`\`\`` : `\`${inner}\``
    })
    .join('')
    .replace(/ +$/gm, '')
}

/** Returns `mrkdwn` as text without any markup; an address follows the text that links to it. */
export function translateToText(mrkdwn: string, hasLinks: boolean): string {
  return translate(mrkdwn, markdown, { hasLinks, maxCode: Number.POSITIVE_INFINITY, isBare: true })
}

/** Returns escaped text that is not mrkdwn, such as what the lock screen shows, as text without markup. */
export function literal(escaped: string): string {
  return bare(unescaped(escaped))
}

function tag(part: string, syntax: Syntax, { hasLinks, isBare }: Detail): string {
  // A label may contain a `|`.
  const [, target = '', label = ''] = /^<([^|]*)\|?(.*)>$/s.exec(part) ?? []
  if (target.startsWith('!date')) return label
  if (/^https?:/.test(target)) {
    const name = isBare ? bareWords(label) : words(label, syntax)
    if (!hasLinks) return name
    return isBare ? `${name} (${unescaped(target)})` : `[${name}](${address(target, syntax)})`
  }
  if (isBare) return ''
  // Ids of Slack's users and groups mean nothing elsewhere.
  return target === '!here' ? syntax.here : target === '!channel' ? syntax.channel : ''
}

/**
 * Returns a link's address without mentions: whoever may set metadata may set an address, too, and some receivers look for mentions
 * in addresses: `https://a.b/@everyone`.
 */
function address(target: string, { urlMarks }: Syntax): string {
  const [, origin = '', rest = ''] = /^(\w+:\/\/[^/?#]*)([\s\S]*)$/.exec(unescaped(target)) ?? []
  const encoded = (mark: string) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`
  return origin.replace(urlMarks, encoded) + rest.replace(urlMarks, encoded).replaceAll('@', '%40')
}

// Names stand outside of code. Kubernetes allows none of these characters in a name; Markdown makes links, tables and spoilers of
// them, or ends the relay's own link early.
const lookalikes: Record<string, string> = { '[': '［', ']': '］', '|': '∣', '\\': '＼', '`': 'ˋ' }

/** Translates text outside of code: its `*` and `~` are the relay's own, because those of events have been replaced. */
function words(text: string, { bold, strike }: Syntax): string {
  return neutral(unescaped(withEmojis(text)))
    .replace(/[[\]|\\`]/g, (mark) => lookalikes[mark] ?? '')
    .replace(lineMark, breaker)
    .replace(bareAddress, `$&${breaker}`)
    .replaceAll('*', bold)
    .replaceAll('~', strike)
}

function bareWords(text: string): string {
  // Inside of a word `_` is only a character: the relay's own stand at the edges of words.
  return bare(unescaped(withEmojis(text).replace(/[*~`]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, '')))
}

/**
 * Returns text for use inside code, without backticks: with one at the end of a line, Rocket.Chat does not take a fenced block
 * for code.
 */
function codeText(text: string, { hasUnsafePipes }: Syntax): string {
  const inner = neutral(text).replaceAll('`', 'ˋ')
  return hasUnsafePipes ? inner.replaceAll('|', '∣') : inner
}

/** Returns text for receivers of which only one thing is known: they take text. Slack would drop `<nil>`. */
function bare(text: string): string {
  return neutral(text).replaceAll('<', '‹').replaceAll('>', '›')
}

/** Takes no room, and breaks the mention or tag into which it is put. */
const breaker = '\u200b'

// Mentions and tags are broken in code as well, because older servers look for mentions before they look for code. `a@b` is a
// revision or a digest and stays, unless b is a word that calls everyone; `<nil>` stays, too, while `<!here>` and `<https://…` are
// broken.
const atMention = /@(?=everyone|here|channel|all|topic|stream|[*_])|(?<![A-Za-z0-9])@(?=\S)/gi
const atTag = /<(?!\w*>|[\s=]|$)/g
// These characters begin a heading, a quotation, a list or a rule; the relay's own lines begin with none of them.
const lineMark = /(?<=^[ \t]*)(?=[#>+=-]|\d{1,9}[.)]\s)/gm
// Most receivers make links of addresses, and some fetch what is behind them.
const bareAddress = /\b(?:https?|ftp|mailto|file|tel):(?=\S)/gi
const betweenLabelAndAddress = /\](?=[([:])/g

function neutral(text: string): string {
  return text
    .replace(atMention, `@${breaker}`)
    .replace(atTag, `<${breaker}`)
    .replace(betweenLabelAndAddress, `]${breaker}`)
}

function shorten(text: string, max: number): string {
  if (text.length <= max) return text
  if (max === 0) return ''
  // A text that was cut before says so at its end.
  const start = text.replace(/ … \(\+\d+ characters\)$/, '').slice(0, max - 1)
  return `${start.replace(/[\ud800-\udbff]$/, '')}…`
}
