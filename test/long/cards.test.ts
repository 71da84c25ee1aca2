// Cards in the long run: through random histories, and through a storm.
import t from 'tap'
import { build, cards, isGreen, shown, updates } from '../fixtures/cards.ts'
import { fc } from '../fixtures/fc.ts'

type Chance = 'restart' | 'delete' | 'lose answers' | 'limit' | 'fail updates'
type Step = { is: 'fail' | 'change' | 'recover'; object: number } | { is: 'pass'; seconds: number } | { is: Chance }

const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      is: fc.constantFrom('fail' as const, 'change' as const, 'recover' as const),
      object: fc.nat(4)
    })
  },
  { weight: 4, arbitrary: fc.record({ is: fc.constant('pass' as const), seconds: fc.integer({ min: 1, max: 20 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({ is: fc.constantFrom<Chance>('restart', 'delete', 'lose answers', 'limit', 'fail updates') })
  }
)

t.test('whatever happens, in the end nothing that is over is red, and no failure has two cards', async (t) => {
  const property = fc.asyncProperty(fc.array(anyStep, { minLength: 3, maxLength: 25 }), async (steps) => {
    const world = await build(t)
    const { api, pass } = world
    const failing = new Set<string>()
    /** Messages whose answers were lost: the relay cannot know where they are. */
    const orphans = new Set<number>()
    let isAnyDeleted = false
    for (const [index, step] of steps.entries()) {
      if (step.is === 'pass') await pass(step.seconds * 1000)
      else if (step.is === 'restart') await world.restart()
      else if (step.is === 'delete') {
        const last = cards(api).at(-1)
        if (last !== undefined) api.delete('team', last.ts)
        isAnyDeleted = true
      } else if (step.is === 'lose answers') {
        let left = 1
        api.behave('chat.postMessage', () => {
          if (left === 0) return undefined
          left -= 1
          orphans.add(api.posted.length)
          return { is: 'reset-after' }
        })
      } else if (step.is === 'limit' || step.is === 'fail updates') {
        const body = `{"ok":false,"error":"${step.is === 'limit' ? 'ratelimited' : 'internal_error'}","retry_after":5}`
        let left = 1
        api.behave('chat.update', () => (left-- > 0 ? { status: step.is === 'limit' ? 429 : 200, body } : undefined))
      } else if ('object' in step) {
        const name = `object-${step.object}`
        if (step.is === 'recover') {
          await world.recover(name)
          failing.delete(name)
        } else {
          await world.fail(name, step.is === 'fail' ? 'no such file: base' : `denied by webhook number ${index}`)
          failing.add(name)
        }
        await pass(1000)
      }
    }
    api.calm()
    await pass(4 * 60_000)
    const live = api.posted.filter(
      (message, index) => message.threadTs === undefined && !message.isDeleted && !orphans.has(index)
    )
    const red = live.filter((message) => /red_circle|orange_circle|hourglass/.test(shown(message))).map(shown)
    for (const text of red) {
      const named = new Set(text.match(/object-\d/g))
      const over = [...named].filter((name) => !failing.has(name))
      if (over.length > 0 && !/recovered/i.test(text)) throw new Error(`${over} is over, and red in ${text}`)
    }
    for (const name of failing) {
      const count = red.filter((text) => text.includes(name)).length
      if (count > 1 || (count === 0 && !isAnyDeleted)) throw new Error(`${name} has ${count} cards: ${live.map(shown)}`)
    }
    await world.relay.app.close()
    await api.close()
  })
  await fc.assert(property, { numRuns: Number(process.env['RUNS'] ?? 6), endOnFailure: true })
})

t.test("a storm of 1,000 is a few cards, which keep Slack's limits on their way to green", async (t) => {
  const { api, clock, pass, fail, recover } = await build(t)
  const names = Array.from({ length: 1000 }, (_, index) => `app-${index}`)
  const batches = (size: number) =>
    Array.from({ length: Math.ceil(names.length / size) }, (_, at) => names.slice(at * size, (at + 1) * size))
  const began = clock.now()
  for (const batch of batches(334)) {
    await Promise.all(batch.map((name) => fail(name)))
    await pass(1000)
  }
  const isNamed = () => names.every((name) => api.posted.some((message) => shown(message).includes(name)))
  const counts = () => cards(api).map((card) => shown(card))
  for (let at = 0; at < 60 && !/\b1,?000\b|app-999/.test(counts().join()); at++) await pass(1000)
  t.comment(`${(clock.now() - began) / 1000} s, ${cards(api).length} cards, all named: ${isNamed()}`)
  const perMinute: number[] = []
  let before = updates(api).length
  for (const [at, batch] of batches(20).entries()) {
    await Promise.all(batch.map((name) => recover(name)))
    await pass(6000)
    if (at % 10 === 9) {
      perMinute.push(updates(api).length - before)
      before = updates(api).length
    }
  }
  await pass(30_000)
  t.comment(`updates a minute: ${perMinute}; ${cards(api).length} cards, ${api.posted.length} messages`)
  t.ok(Math.max(...perMinute) <= 40, `${perMinute}`)
  t.ok(cards(api).length <= 12, `${cards(api).length}`)
  for (const card of cards(api)) t.ok(isGreen(card) && !/still fail/.test(shown(card)), shown(card))
  t.equal(api.limited, 0)
})
