// The budget of a token: whatever its lanes do, an app posts no more than Slack allows it in all channels together.
import t from 'tap'
import { createBudget } from '../src/slack-api/budget.ts'
import { fc } from './fixtures/fc.ts'

/** Slack's "several hundred messages per minute". */
const mostInAMinute = 300

const step = fc.record({
  lane: fc.nat({ max: 9 }).map(String),
  does: fc.oneof(
    { weight: 8, arbitrary: fc.constant('posts' as const) },
    { weight: 2, arbitrary: fc.constant('has nothing' as const) },
    { weight: 1, arbitrary: fc.constant('is limited' as const) }
  ),
  afterMs: fc.oneof(fc.constant(0), fc.nat({ max: 2000 }))
})

t.test('no minute has more messages than Slack allows, and none is sent before a wait is over', async () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 300, maxLength: 1500 }), (steps) => {
      const budget = createBudget()
      const posts: number[] = []
      let now = 1_000_000
      let limitedUntil = 0
      for (const { lane, does, afterMs } of steps) {
        now += afterMs
        const turn = budget.turnOf(lane, now)
        if (budget.turnOf(lane, now) !== turn) return false // asked again, it is the same turn
        if (turn > now) continue
        if (does === 'has nothing') {
          budget.giveBack(lane)
          continue
        }
        budget.use(lane)
        if (now < limitedUntil) return false
        posts.push(now)
        if (does === 'is limited') {
          limitedUntil = now + 5000
          budget.restUntil(limitedUntil, now)
        }
      }
      return posts.every(
        (at, from) => posts.filter((other, to) => to >= from && other < at + 60_000).length <= mostInAMinute
      )
    })
  )
})

t.test('a hundred channels at once take turns, one after the other', async (t) => {
  const budget = createBudget()
  const turns = Array.from({ length: 100 }, (_, lane) => budget.turnOf(`${lane}`, 0))
  t.same(
    turns,
    turns.toSorted((a, b) => a - b)
  )
  t.equal(turns.filter((turn) => turn === 0).length, 20, 'the first of them at once')
  t.equal(turns.at(-1), 20_000, 'then four a second')
})

t.test("a turn that nobody needed is the next one's", async (t) => {
  const budget = createBudget()
  for (let round = 0; round < 500; round++) {
    t.equal(budget.turnOf('idle', 0), 0)
    budget.giveBack('idle')
  }
})

t.test('after a limit there is no burst, and whoever had a turn before has to ask for another', async (t) => {
  const budget = createBudget()
  const early = Array.from({ length: 25 }, (_, lane) => budget.turnOf(`${lane}`, 0))
  t.ok(early.every((turn) => turn < 30_000))
  budget.restUntil(30_000, 1000)
  const turns = Array.from({ length: 25 }, (_, lane) => budget.turnOf(`${lane}`, 1000))
  t.equal(turns[0], 30_000)
  t.equal(turns[1], 30_250)
  t.equal(turns[24], 36_000)
})

t.test('a clock that is set back by a day makes nobody wait for a day', async (t) => {
  const day = 24 * 60 * 60_000
  const budget = createBudget<string>()
  for (let lane = 0; lane < 30; lane++) budget.turnOf(`${lane}`, day)
  budget.restUntil(day + 5000, day)
  budget.refuse('no', day + 60_000, day)
  t.equal(budget.turnOf('next', 0), 5000)
  t.equal(budget.refusalAt(0), 'no')
  t.equal(budget.refusalAt(60_000), undefined)
})

t.test('a clock set while Slack is about to answer makes no wait longer or shorter', async (t) => {
  const day = 24 * 60 * 60_000
  for (const [asked, answered] of [
    [0, day],
    [day, 0]
  ] as const) {
    const budget = createBudget<string>()
    budget.turnOf('one', asked)
    budget.use('one')
    budget.restUntil(answered + 5000, answered)
    budget.refuse('no', answered + 60_000, answered)
    t.equal(budget.turnOf('other', 0), 5000)
    t.equal(budget.refusalAt(50_000), 'no')
    t.equal(budget.refusalAt(60_000), undefined)
  }
})

t.test('a rejected token is remembered until it may be tried again, or somebody asks for it', async (t) => {
  const budget = createBudget<string>()
  t.equal(budget.forgive(), false)
  budget.refuse('token_revoked', 1000, 0)
  t.equal(budget.refusalAt(999), 'token_revoked')
  t.equal(budget.refusalAt(1000), undefined)
  budget.askAgain()
  t.equal(budget.refusalAt(0), undefined)
  t.equal(budget.forgive(), true, 'that it was refused is known until it is taken')
  t.equal(budget.forgive(), false)
})
