// Deciding: takes the arrivals of a batch one by one, each on top of the results of those before it. Pure except for the ledger,
// which each store provides.
import type { ObjectMemory } from '../objects/memory.ts'
import { mayBeHeld } from '../objects/notified.ts'
import type { Transition } from '../objects.ts'
import type { Held, Release } from '../rules/lasting.ts'
import type { Arrival, Decide, Decision, NewNotification, Receipt, RolloutReport } from './kept.ts'

type Notified = Extract<Receipt, { status: 'accepted' }>['notifications']

/** What a store knows when it decides on an arrival, and what it notes for the arrivals after it. */
export interface Ledger {
  /** The id of an event with the same body, received no longer ago than `duplicateWindowMs`. */
  duplicateOf(arrival: Arrival): number | undefined
  memoryOf(key: string): ObjectMemory | undefined
  /** The notifications that wait to see whether the object's failure lasts, those of this batch included. */
  heldOf(key: string): readonly Held[]
  /** Ends the hold of notifications: they are never sent, or may be sent now. */
  release(key: string, releases: readonly Release[], arrival: Arrival): void
  /** Keeps the object's memory; `isNew` if there was none before. */
  remember(key: string, memory: ObjectMemory, arrival: Arrival, isNew: boolean): void
  /** Marks the cards that name the object as out of date: it fails, fails for another reason, or works again. */
  turn(key: string, arrival: Arrival): void
  /** Notes the event's reports on rollouts; `id` is null if the event is not kept. */
  report(arrival: Arrival, reports: readonly RolloutReport[], id: number | null): void
  /** Keeps the event and its notifications. The store may fill in `notified` until it hands out the receipts. */
  keep(arrival: Arrival, key: string, decision: Decision): { id: number; notified: Notified }
}

/** Decides on `arrival`, whose object has the key `key`, notes the results in `ledger`, and returns the receipt. */
export function decideOn(arrival: Arrival, key: string, ledger: Ledger, decide: Decide): Receipt {
  const duplicate = ledger.duplicateOf(arrival)
  if (duplicate !== undefined) return { status: 'duplicate', id: String(duplicate) }
  const memory = ledger.memoryOf(key)
  const held = memory !== undefined && mayBeHeld(memory) ? ledger.heldOf(key) : []
  let decision: Decision
  try {
    decision = decide(arrival, memory, held)
  } catch (error) {
    return { status: 'failed', error }
  }
  if (decision.memory !== memory) ledger.remember(key, decision.memory, arrival, memory === undefined)
  const { transition, releases = [], reports } = decision
  if (releases.length > 0) ledger.release(key, releases, arrival)
  // Another object with the same name may be shown now, with another failure or none, although nothing began or ended.
  const isAnother = memory?.failure?.since !== decision.memory.failure?.since
  if (isAnother || isTurn(transition)) ledger.turn(key, arrival)
  if (!decision.keep) {
    if (reports !== undefined) ledger.report(arrival, reports, null)
    return { status: 'accepted', id: null, transition, notifications: [] }
  }
  const { id, notified } = ledger.keep(arrival, key, decision)
  if (reports !== undefined) ledger.report(arrival, reports, id)
  return { status: 'accepted', id: String(id), transition, notifications: notified }
}

function isTurn(transition: Transition): boolean {
  return transition === 'failed' || transition === 'changed' || transition === 'recovered'
}

/** The entry in a receipt for a notification that was written under `id`. */
export function receiptOf(id: number, { rule, destination, lane, muting, dead }: NewNotification): Notified[number] {
  return { id: String(id), rule, destination, lane, isMuted: muting !== undefined, isDead: dead !== undefined }
}
