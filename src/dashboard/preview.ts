// Preview page: shows the newest messages of a destination as Slack shows them.
import { html } from 'hono/html'
import type { Destination } from '../deliver/destination.ts'
import type { Block, Button, Image, Menu, Press, Text } from '../render/slack/blocks.ts'
import { withEmojis } from '../render/slack/emoji.ts'
import { unescaped } from '../render/slack/mrkdwn.ts'
import type { Payload } from '../render/slack/payload.ts'
import type { Html } from './page.ts'
import { ago, ask, badge, exactly } from './parts.ts'
import { slackText, webAddress, webLink } from './slack-text.ts'

export interface Preview {
  now: number
  destination: Destination
  destinations: readonly string[]
  messages: readonly { id: string; at: number; state: string; payload: Payload }[]
}

export function previewPage({ now, destination, destinations, messages }: Preview): Html {
  const { name, slack } = destination
  return html`<h1>${name}</h1>
${destinations.length > maxTabs ? choice(name, destinations) : tabs(name, destinations)}
<p class="quiet">${slack === undefined ? 'A preview: nothing leaves the relay.' : 'Messages that were posted, or will be next.'} Newest first.</p>
<div id="messages" data-live>
  ${messages.length === 0 && html`<p class="empty">No messages.</p>`}
  ${messages.map(
    ({ at, state, payload }) =>
      html`<article><div class="line"><span>${state === 'sent' ? badge('green', 'sent') : badge(state === 'dead' ? 'red' : 'amber', state)}</span> <span class="quiet">${ago(at, now)}</span></div>${slackMessage(payload, at)}</article>`
  )}
</div>`
}

/** More tabs would push the messages off a phone's screen. */
const maxTabs = 8

function tabs(name: string, destinations: readonly string[]): Html {
  return html`<nav class="tabs" aria-label="Destinations">${destinations.map(
    (other) => html`<a href="/preview/${other}"${other === name && html` aria-current="page"`}>${other}</a>`
  )}</nav>`
}

function choice(name: string, destinations: readonly string[]): Html {
  const question = {
    name: 'destination',
    label: `Of ${destinations.length.toLocaleString('en')} destinations`,
    options: destinations
  }
  return html`<form class="choice" action="/preview" method="get">${ask(question, name)} <button>Show</button></form>`
}

/** Draws a payload as Slack shows it. `at` is its time in ms, if known. */
export function slackMessage({ text, blocks = [], attachments = [] }: Payload, at?: number): Html {
  const isPlain = blocks.length === 0 && attachments.length === 0
  return html`<p class="lock"><small>On a lock screen</small> <span>${unescaped(withEmojis(text))}</span></p>
<div class="slack">
  <div class="sender"><span class="avatar" aria-hidden="true">⚡</span><b>flux-relay</b> <span class="app">APP</span> ${at !== undefined && exactly(at)}</div>
  ${isPlain && html`<div class="block">${slackText(text)}</div>`}
  ${blocks.map(drawBlock)}
  ${attachments.map(({ color, blocks }) => html`<div class="attachment">${colourBar(color)}<div>${blocks.map(drawBlock)}</div></div>`)}
</div>`
}

// Drawn as SVG, because the content security policy forbids inline styles.
function colourBar(color: string): Html {
  const fill = /^#[0-9a-f]{6}$/i.test(color) ? color : '#888888'
  return html`<svg viewBox="0 0 4 10" preserveAspectRatio="none" aria-hidden="true"><rect width="4" height="10" fill="${fill}"/></svg>`
}

function drawBlock(block: Block): Html {
  switch (block.type) {
    case 'section': {
      const { text, fields = [], accessory } = block
      return html`<div class="block">${text && drawText(text, block.expand === true)}${
        fields.length > 0 &&
        html`<div class="fields">${fields.map((field) => html`<div>${drawElement(field)}</div>`)}</div>`
      }${accessory && html`<p>${drawElement(accessory)}</p>`}</div>`
    }
    case 'context':
      return html`<div class="block context">${block.elements.map((element) => html`<span>${drawElement(element)}</span>`)}</div>`
    case 'actions':
      return html`<div class="block context">${block.elements.map((element) =>
        'url' in element ? drawElement(element) : html`<span class="action">${labelOf(element)}</span>`
      )}</div>`
    case 'header':
      return html`<div class="block title">${drawElement(block.text)}</div>`
    case 'image':
      return html`<div class="block">${drawElement(block)}</div>`
    case 'divider':
      return html`<hr>`
  }
}

function labelOf(element: Press | Menu): string {
  return element.type === 'button' ? element.text.text : `${element.placeholder.text} ▾`
}

/** Slack folds a section longer than this, unless the block says `expand`. */
const foldedFrom = 600

function drawText(text: Text, isExpanded: boolean): Html {
  if (isExpanded || text.text.length < foldedFrom) return drawElement(text)
  return html`<div class="folding"><div class="folded">${drawElement(text)}</div><details><summary>See more</summary></details></div>`
}

function drawElement(element: Text | Image | Button): Html {
  switch (element.type) {
    case 'mrkdwn':
      return slackText(element.text)
    case 'plain_text':
      return html`${withEmojis(element.text)}`
    case 'image':
      return linked(element.image_url, `🖼 ${element.alt_text}`)
    case 'button':
      return html`<span class="action">${linked(element.url, element.text.text)}</span>`
  }
}

function linked(url: string, label: string): Html {
  const href = webAddress(url)
  return href === undefined ? html`${label}` : webLink(href, html`${withEmojis(label)}`)
}
