// Slack text: turns mrkdwn into HTML, as far as the relay and its templates use it. Text from events is already escaped in
// mrkdwn.
import { html } from 'hono/html'
import { withEmojis } from '../render/slack/emoji.ts'
import { unescaped } from '../render/slack/mrkdwn.ts'
import type { Html } from './page.ts'

// Tried in this order at each place: code, then <…>, then marks within one line. None of them backtracks, so the time is linear
// in the length of the text.
const pieces =
  /```(?<fence>[\s\S]*?)```|`(?<code>[^`\n]+)`|<(?<tag>[^<>\n]+)>|(?<![\w*])\*(?<bold>[^*\n]+)\*(?![\w*])|(?<![\w~])~(?<strike>[^~\n]+)~(?![\w~])|(?<!\w)_(?<italic>[^_\n]+)_(?!\w)/g

/** Draws `mrkdwn` as Slack shows it. */
export function slackText(mrkdwn: string): Html {
  const parts: Html[] = []
  let at = 0
  for (const found of mrkdwn.matchAll(pieces)) {
    parts.push(words(mrkdwn.slice(at, found.index)), piece(found.groups ?? {}))
    at = found.index + found[0].length
  }
  parts.push(words(mrkdwn.slice(at)))
  return html`${parts}`
}

function piece({ fence, code, tag, bold, strike, italic }: Record<string, string | undefined>): Html {
  if (fence !== undefined) return html`<pre tabindex="0">${unescaped(fence.replace(/^\n/, ''))}</pre>`
  if (code !== undefined) return html`<code>${unescaped(code)}</code>`
  if (tag !== undefined) return drawTag(tag)
  if (bold !== undefined) return html`<b>${slackText(bold)}</b>`
  if (strike !== undefined) return html`<s>${slackText(strike)}</s>`
  return html`<i>${slackText(italic ?? '')}</i>`
}

function drawTag(tag: string): Html {
  const bar = tag.indexOf('|')
  const target = bar === -1 ? tag : tag.slice(0, bar)
  const label = bar === -1 ? tag : tag.slice(bar + 1)
  if (target.startsWith('!date')) return drawDate(target, unescaped(label))
  const href = webAddress(unescaped(target))
  if (href !== undefined) return webLink(href, slackText(label === tag ? href : label))
  return html`<span class="mention">${mention(unescaped(target))}</span>`
}

function drawDate(target: string, label: string): Html {
  const [, seconds] = /^!date\^(\d{1,11})\^/.exec(target) ?? []
  if (seconds === undefined) return html`${label}`
  return html`<time datetime="${new Date(Number(seconds) * 1000).toISOString()}">${label}</time>`
}

/** A link to another site. */
export function webLink(href: string, label: Html): Html {
  return html`<a href="${href}" rel="noreferrer noopener">${label}</a>`
}

/** The normalised URL, if it is a link to the web; undefined for any other scheme. */
export function webAddress(url: string): string | undefined {
  if (!URL.canParse(url)) return undefined
  const { protocol, href } = new URL(url)
  return protocol === 'https:' || protocol === 'http:' ? href : undefined
}

/** `@here`, or the id of whoever is mentioned. */
function mention(target: string): string {
  return `@${target.replace(/^(!subteam\^|[!@#])/, '')}`
}

function words(text: string): Html {
  const lines = unescaped(withEmojis(text)).split('\n')
  return html`${lines.map((line, index) => (index === 0 ? line : html`<br>${line}`))}`
}
