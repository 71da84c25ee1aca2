// Pages: the addresses of the relay's own pages that messages link to; each page only shows something. Pure.
import { link } from '../slack/mrkdwn.ts'
import type { Item } from './digest-groups.ts'
import type { View } from './view.ts'

/** Returns the address of an event's page; undefined if nobody knows how to reach the relay. */
export function eventPage(publicUrl: string | undefined, event: string): string | undefined {
  // A notice of the relay has no event.
  return publicUrl === undefined || !/^\d+$/.test(event) ? undefined : `${publicUrl}/events/${event}`
}

const fields = ['cluster', 'kind', 'namespace', 'name'] as const

/** Returns what all `items` share, as a filter of the relay's pages. */
function shared(items: readonly Item[]): URLSearchParams {
  const filter = new URLSearchParams()
  const [first] = items
  if (first === undefined) return filter
  const add = (name: string, of: (view: View) => string) => {
    const value = of(first.view)
    if (value !== '' && items.every(({ view }) => of(view) === value)) filter.set(name, value)
  }
  for (const field of fields) add(field, ({ object }) => object[field])
  add('reason', ({ reason }) => reason)
  return filter
}

/** Returns `<…|all 150>`, a link to the events that `items` are about; empty if nobody knows how to reach the relay. */
export function allLink(items: readonly Item[], publicUrl: string | undefined, label = `all ${items.length}`): string {
  if (publicUrl === undefined) return ''
  const filter = shared(items)
  const [first] = items
  const says = first?.view.says
  if (says && items.every(({ view }) => view.says === says)) filter.set('transition', says)
  return link(`${publicUrl}/events?${filter}`, label)
}

/** Returns `<…|silence>`, a link to the form of a silence about all that `items` share. */
export function silenceLink(items: readonly Item[], publicUrl: string | undefined): string {
  return publicUrl === undefined ? '' : link(`${publicUrl}/silences/new?${shared(items)}`, 'silence')
}
