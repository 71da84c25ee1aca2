// Deciding: takes the arrivals of a batch one by one, each knowing what those before it left. Pure but for the ledger, which
// is a store's.
import type { ObjectMemory } from '../objects/memory.ts'
import { mayBeHeld } from '../objects/notified.ts'
import type { Transition } from '../objects.ts'
import type { Held, Release } from '../rules/lasting.ts'
import type { Arrival, Decide, Decision, NewNotification, Receipt, RolloutReport } from './kept.ts'

type Notified = Extract<Receipt, { status: 'accepted' }>['notifications']

/** What a store knows as of the arrival that is being decided on, and takes down for those after it. */
export interface Ledger {
  /** The event that came with the same body, not longer ago than `duplicateWindowMs`. */
  duplicateOf(arrival: Arrival): number | undefined
  memoryOf(key: string): ObjectMemory | undefined
  /** What is held about the object to see whether its failure lasts, those of this batch included. */
  heldOf(key: string): readonly Held[]
  /** Nobody is notified by them, or they are held no longer. */
  release(key: string, releases: readonly Release[], arrival: Arrival): void
  /** `isNew`: nothing was remembered of it. */
  remember(key: string, memory: ObjectMemory, arrival: Arrival, isNew: boolean): void
  /** The object fails, fails otherwise, or works again: cards that name it are out of date. */
  turn(key: string, arrival: Arrival): void
  /** Takes down what the event says of rollouts; `id` is null where it is not kept. */
  report(arrival: Arrival, reports: readonly RolloutReport[], id: number | null): void
  /** Keeps the event with what it leads to. `notified` may be filled in until the receipts are handed out. */
  keep(arrival: Arrival, key: string, decision: Decision): { id: number; notified: Notified }
}

/** What becomes of `arrival`, which is about the object that is remembered by `key`. */
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
  // Another object with its name may fail, or not, though nothing began or ended.
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

/** What a receipt says of a notification that was written under `id`. */
export function receiptOf(id: number, { rule, destination, lane, muting, dead }: NewNotification): Notified[number] {
  return { id: String(id), rule, destination, lane, isMuted: muting !== undefined, isDead: dead !== undefined }
}
