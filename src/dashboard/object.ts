// Objects: shows a name, a place and a failure, as text that stays text.
import { html } from 'hono/html'
import type { ObjectRef } from '../events/flux.ts'
import { clean } from '../legible.ts'
import { cut } from '../render/slack/mrkdwn.ts'
import { address, type Html } from './page.ts'

/** At most about `max` characters of a text from outside, without what reorders or hides text. */
export function shown(text: string, max: number): string {
  // Cut before it is cleaned, too: it may have megabytes.
  return cut(clean(text.slice(0, 4 * max + 1000)), max)
}

/** `apps/shop` */
export function objectName({ namespace, name }: ObjectRef): string {
  return shown([namespace, name].filter(Boolean).join('/'), 300) || 'unnamed object'
}

/** The name, what kind of object it is and where: a link to all events about it. */
export function objectLink(object: ObjectRef): Html {
  return html`<a class="object" href="${historyOf(object)}"><b>${objectName(object)}</b> ${objectPlace(object)}</a>`
}

/** `Kustomization · prod-eu` */
export function objectPlace({ kind, cluster }: ObjectRef): Html {
  const texts = [kind, cluster].filter(Boolean).map((text) => shown(text, 100))
  return html`<span class="place">${texts.join(' · ')}</span>`
}

/** Where its events are. */
export function historyOf(object: ObjectRef): string {
  return address('/events', { ...object })
}

/** To the form that silences it, filled in. */
export function silenceLink(object: ObjectRef): Html {
  const label = `Silence ${objectName(object)}`
  return html`<a class="button" href="${address('/silences/new', { ...object })}" aria-label="${label}">Silence</a>`
}
