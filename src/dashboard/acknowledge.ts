// Acknowledge: draws who acknowledged an incident, and the buttons that acknowledge it or undo that.
import { html } from 'hono/html'
import type { ObjectRecord } from '../store/records.ts'
import { address, type Html } from './page.ts'
import { ago, objectName, shown } from './parts.ts'

type Failing = Pick<ObjectRecord, 'object'> & { failure: NonNullable<ObjectRecord['failure']> }

export function isFailing<T extends ObjectRecord>(record: T | undefined): record is T & Failing {
  return record?.failure !== undefined
}

/** `acknowledged by ada, 5 m ago`; undefined if nobody has acknowledged the incident. */
export function takenOnBy({ acknowledged }: Failing['failure'], now: number): Html | undefined {
  if (acknowledged === undefined) return undefined
  return html`<span class="taken">acknowledged by <b>${shown(acknowledged.by, 100)}</b>, ${ago(acknowledged.at, now)}</span>`
}

/** The one-tap form that acknowledges the incident, or undoes that, and then returns to `back`, a path of this dashboard. */
export function acknowledgeForm({ object, failure }: Failing, back: string): Html {
  const isTaken = failure.acknowledged !== undefined
  const words = isTaken ? 'Undo acknowledgement' : 'Acknowledge'
  const action = address(isTaken ? '/unacknowledge' : '/acknowledge', { ...object, since: String(failure.since), back })
  return html`<form method="post" action="${action}"><button aria-label="${words}: ${objectName(object)}">${words}</button></form>`
}

/** The form that acknowledges every incident that `match` selects. */
export function acknowledgeAllForm(match: Record<string, string | undefined>, words: string): Html {
  const action = address('/acknowledge/matching', match)
  return html`<form method="post" action="${action}"><button>${words}</button></form>`
}
