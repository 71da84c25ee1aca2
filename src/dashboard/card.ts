// Card: shows a message of a Slack app as it is now, its earlier versions, and its thread.
import { html } from 'hono/html'
import { withEmojis } from '../render/slack/emoji.ts'
import { unescaped } from '../render/slack/mrkdwn.ts'
import { textsOf } from '../render/slack/payload.ts'
import { unmarked } from '../render/slack/terminal.ts'
import type { CardRecord } from '../store/records.ts'
import type { Html } from './page.ts'
import { ago, badge, exactly, shown } from './parts.ts'
import { slackMessage } from './preview.ts'

/** Draws the card. `now` is in ms. */
export function cardSection(card: CardRecord, now: number): Html {
  const { id, destination, postedAt, versions, thread } = card
  const [present, ...before] = versions
  return html`<section class="card" aria-labelledby="card-${id}">
  <div class="line"><h2 id="card-${id}">The card in ${destination}</h2>
  <span class="buttons"><a class="button" href="/cards/${id}/slack">Open in Slack</a></span></div>
  <p class="quiet">Posted ${exactly(postedAt)} ${ago(postedAt, now)}${present && before.length > 0 && html`, as it is now since ${exactly(present.at)}`}${card.isDue && ', an update is due'}.</p>
  ${present && slackMessage(present.payload, postedAt)}
  ${before.length > 0 && html`<details id="versions-${id}"><summary>What it showed before <span class="count">${before.length}</span></summary><ol class="rows">${before.map(versionRow)}</ol></details>`}
  ${thread.length > 0 && html`<details id="thread-${id}"><summary>Its thread <span class="count">${thread.length}</span></summary><ol class="rows">${thread.map((reply) => replyRow(reply, now))}</ol></details>`}
</section>`
}

function versionRow({ at, payload }: CardRecord['versions'][number]): Html {
  const texts = [...textsOf(payload)].map(({ text }) => unmarked(text)).join('; ')
  return html`<li>${exactly(at)} ${shown(withEmojis(texts), 300)}</li>`
}

function replyRow({ at, state, isBroadcast, payload }: CardRecord['thread'][number], now: number): Html {
  const marks = [
    state !== 'sent' && badge(state === 'dead' ? 'red' : 'amber', state),
    isBroadcast && badge('amber', 'in the channel')
  ]
  return html`<li>${marks.filter(Boolean)} ${unescaped(withEmojis(payload.text))} <span class="quiet">${ago(at, now)}</span></li>`
}
