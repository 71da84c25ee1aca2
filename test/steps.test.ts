// Steps: decide what a lane does next, and what its notifications wait for.
import t from 'tap'
import { composeWindow } from '../src/store/kept-lanes.ts'
import { groupOf, lasting, lastsUntil, messageFrom, shortened, sortDue, turnOf } from '../src/store/steps.ts'
import { at, view } from './fixtures/store.ts'

const minute = 60_000
const row = (id: number, destination = 'team', createdAt = at) => ({ id, destination, created_at: createdAt })

t.test('a lane that has to wait goes on at that moment, and not before', async (t) => {
  const standing = { state: { bucket: undefined, notBefore: at }, open: undefined, isDue: true }
  const plan = { token: () => ({ bucket: { tokens: 0, at } }) }
  t.same(turnOf(standing, plan, at - 1), { is: 'wait', until: at })
  t.same(turnOf(standing, plan, at), { is: 'compose' })
})

t.test('a message is for the destination that has waited longest, and for no other', async (t) => {
  const rows = [row(1, 'team'), row(2, 'other'), row(3, 'team')]
  t.same(sortDue(rows, at), { due: { rows: [rows[0], rows[2]], last: Number.MAX_SAFE_INTEGER } })
  const many = Array.from({ length: composeWindow }, (_, n) => row(n + 1))
  t.match(sortDue(many, at), { due: { last: composeWindow } }, 'there may be more behind')
  const old = row(0, 'other', at - 1)
  t.same(sortDue([old, ...rows], at), { expired: [old] }, 'what is too old comes first')
})

t.test('a message is as old as the newest that it carries, and names no more', async (t) => {
  const pending = (id: string, createdAt: number) => ({
    ...{ id, event: id, destination: 'team', createdAt, group: undefined, view: view(id), heldUntil: 0, holds: 0 }
  })
  const payload = { text: 'x', unfurl_links: false, unfurl_media: false } as const
  const all = [pending('1', at), pending('2', at + 9), pending('3', at + 99)]
  const made = messageFrom('lane', all, { ids: ['1', '2'], payload, gathered: [], bucket: { tokens: 0, at } })
  t.match(made, { message: { newestAt: at + 9, notifications: 2, destination: 'team' } })
  t.same(made.ids, [1, 2])
})

t.test('muted and dead notifications wait neither for a group nor for `for`', async (t) => {
  const group = { key: 'revision', waitMs: minute }
  const fresh = { rule: 'r', destination: 'team', lane: 'lane', view: view('a'), group, heldUntil: at + minute }
  const muted = { ...fresh, muting: { name: 'night', until: at + minute } }
  const dead = { ...fresh, dead: 'full' }
  t.same([fresh, muted, dead].map(groupOf), [group, undefined, undefined])
  t.same(
    [fresh, muted, dead].map((entry) => lastsUntil(entry, at)),
    [at + minute, undefined, undefined]
  )
  t.equal(lastsUntil(fresh, at + minute), undefined, 'it has lasted')
})

t.test('what is held from a time in the future is held anew, the rest has lasted', async (t) => {
  const held = (id: number, heldAt: number | null, holds = 0) => ({
    ...{ id, created_at: at, held_until: at, held_at: heldAt, holds }
  })
  const [past, ahead] = [held(1, at - minute), held(2, at + 60 * minute)]
  t.same(lasting([past, ahead, held(3, null), held(4, at, 1)], at), { lasted: [past], anew: [ahead] })
  t.equal(lasting([held(3, null), held(4, at, 1)], at), undefined)
})

t.test('a file that shortens `for` does not shorten the wait for a group', async (t) => {
  const held = { created_at: at, held_until: at + 10 * minute, since: at - minute }
  t.equal(shortened(held, { forMs: 3 * minute, waitMs: 0 }, at), at + 2 * minute)
  t.equal(shortened(held, { forMs: 3 * minute, waitMs: 5 * minute }, at), at + 5 * minute)
  t.equal(shortened(held, { forMs: 0, waitMs: 0 }, at + 1), at + 1, 'at once')
  t.equal(shortened(held, { forMs: 30 * minute, waitMs: 0 }, at), undefined, 'and lengthens nothing')
  const ahead = { ...held, since: at + 60 * minute }
  t.equal(shortened(ahead, { forMs: minute, waitMs: 0 }, at), at + minute, 'by a clock that was set back')
})
