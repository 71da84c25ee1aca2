// Ends of cards: a card says as much as is known about an end that no message is about.
import t from 'tap'
import type { ObjectMemory } from '../src/objects/memory.ts'
import { composeCard } from '../src/render/compose/card.ts'
import { view } from './fixtures/store.ts'

const minute = 60_000
const begun = 1_000 * minute
const now = begun + 60 * minute
const failedAt = (since: number) => ({ failure: { since, at: since, reason: 'BuildFailed', text: 'x', count: 1 } })
const memory = (since: number, more: object = {}) =>
  ({ since, decidedAt: since, revision: '', notified: [], ...more }) as unknown as ObjectMemory

const after = (minutes: number, more: object = {}) => memory(begun + minutes * minute, more)
const others = (...all: ObjectMemory[]) => ({ others: all, isShared: true })

const rows: [what: string, memory: ObjectMemory, text: RegExp, facts: RegExp][] = [
  ['it works', after(5), / works again in prod after 5 m$/, /(?<!before )<!date\^60300\^/],
  [
    'its end is remembered',
    after(9, {
      ...failedAt(begun + 9 * minute),
      past: [
        { since: begun + 5 * minute, at: begun + 7 * minute },
        { since: begun, at: begun + 3 * minute, how: 'uninstalled' }
      ]
    }),
    / was uninstalled in prod/,
    /(?<!before )<!date\^60180\^/
  ],
  [
    'only a later failure is remembered',
    after(7, { past: [{ since: begun + 5 * minute, at: begun + 7 * minute }] }),
    / works again in prod$/,
    /before <!date\^60300\^/
  ],
  ['it fails again', after(9, failedAt(begun + 9 * minute)), / works again in prod$/, /before <!date\^60540\^/],
  [
    'another with its name works, too',
    after(-30, others(after(5))),
    / works again in prod after 5 m$/,
    /<!date\^60300\^/
  ],
  ['two may be meant', after(7, others(after(5))), / works again in prod$/, /before <!date\^63600\^/],
  [
    'another with its name has failed for longer',
    after(-30, { ...failedAt(begun - 30 * minute), ...others(after(5)) }),
    / works again in prod after 5 m$/,
    /<!date\^60300\^/
  ],
  [
    'another is in its place',
    after(20, { others: [after(0, failedAt(begun))] }),
    / was deleted in prod$/,
    /<!date\^61200\^/
  ]
]

for (const [what, known, text, facts] of rows) {
  t.test(`if ${what}, the card says no more about the end than is known`, async (t) => {
    const failed = {
      ...view('shop'),
      says: 'failed' as const,
      failure: { reason: 'BuildFailed', text: 'x', since: begun, count: 1 }
    }
    const card = composeCard([{ event: '1', since: begun, view: failed, memory: known }], now)
    t.match(card.text, text)
    t.match(JSON.stringify(card.blocks), facts)
  })
}
