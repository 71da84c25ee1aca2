// Plan: picks what a lane posts next.
import t from 'tap'
import { createPace } from '../src/deliver/pace.ts'
import { planNext } from '../src/deliver/plan.ts'
import type { Gatherings, Pending } from '../src/store/kept-lanes.ts'
import { fc } from './fixtures/fc.ts'

const now = Date.parse('2026-09-21T14:00:00Z')
const pace = createPace()
const none: Gatherings = new Map()
const full = { bucket: undefined, notBefore: 0 }

function pending(event: string, changes: Partial<Pending> & { name?: string; mention?: string } = {}): Pending {
  const { name = event, mention, ...rest } = changes
  return {
    id: event,
    event,
    destination: 'team',
    createdAt: now - 1000,
    group: undefined,
    heldUntil: 0,
    holds: 0,
    view: {
      says: 'failed',
      severity: 'error',
      object: { cluster: 'prod', kind: 'Kustomization', namespace: 'apps', name },
      reason: 'BuildFailed',
      summary: 'x',
      message: 'x',
      cause: name,
      controller: 'c',
      at: now,
      ...(mention && { mention })
    },
    ...rest
  }
}

/** The ids of what is posted next, if anything. */
function idsOf(next: ReturnType<typeof planNext>): readonly string[] {
  return 'ids' in next ? next.ids : []
}

t.test('a single notification is sent at once', async (t) => {
  const next = planNext(full, [pending('1', { createdAt: now })], none, { pace }, now)
  t.match(next, { ids: ['1'], bucket: { tokens: 2 }, payload: { text: /^🔴 apps\/1 failed in prod/ } })
})

t.test('several wait for a quarter of a second after the first, for more to come', async (t) => {
  const two = [pending('1', { createdAt: now - 100 }), pending('2', { createdAt: now - 1 })]
  t.same(planNext(full, two, none, { pace }, now), { until: now + 150 })
  t.same(idsOf(planNext(full, two, none, { pace }, now + 150)), ['1'])
})

t.test('with a token for each they are sent one by one, with fewer tokens as one message', async (t) => {
  const three = [pending('1'), pending('2'), pending('3')]
  t.same(idsOf(planNext(full, three, none, { pace }, now)), ['1'])
  const next = planNext({ ...full, bucket: { tokens: 2.5, at: now } }, three, none, { pace }, now)
  t.match(next, { ids: ['1', '2', '3'], payload: { text: /^🔴 3 failing in prod/ } })
})

t.test('without a token nothing is composed', async (t) => {
  t.match(planNext({ ...full, bucket: { tokens: 0, at: now } }, [pending('1'), pending('2')], none, { pace }, now), {
    until: now + 1021
  })
})

t.test(
  'if two rules notify one destination of an event, they share a message, in the form that one of them asks for',
  async (t) => {
    const own = pending('1')
    own.view.custom = { title: 'Oh no' }
    const next = planNext(full, [own, { ...pending('1'), id: 'other' }], none, { pace }, now)
    t.match(next, { ids: ['1', 'other'], payload: { text: 'Oh no' } })
    const later = planNext(full, [own, ...[pending('2', { name: '1' })]], none, { pace }, now)
    t.match(later, { payload: { text: /^Oh no/ } }, 'each event in its own')
  }
)

t.test(
  'if two rules notify one destination of an event, they share a message, with the mention of either',
  async (t) => {
    const same = [pending('1'), { ...pending('1', { mention: '<!here>' }), id: 'other' }]
    const next = planNext(full, same, none, { pace }, now)
    t.match(next, { ids: ['1', 'other'], payload: { text: /^🔴 .* failed/ } })
    t.match(JSON.stringify(next), '<!here>')
    t.match(JSON.stringify(planNext(full, same.toReversed(), none, { pace }, now)), '<!here>')
  }
)

t.test('an object that fails repeatedly before there is a token is sent once, in full', async (t) => {
  const failing = (event: string, reason: string) => {
    const { view, ...rest } = pending(event, { name: 'shop' })
    const says = event === '1' ? ('failed' as const) : ('changed' as const)
    return { ...rest, view: { ...view, says, reason, failure: { reason, text: 'x', since: now - 5000, count: 3 } } }
  }
  const lane = { ...full, bucket: { tokens: 1, at: now } }
  const next = planNext(
    lane,
    [failing('1', 'BuildFailed'), failing('2', 'HealthCheckFailed'), failing('3', 'PruneFailed')],
    none,
    { pace },
    now
  )
  t.match(next, { ids: ['1', '2', '3'], payload: { text: /^🔴 apps\/shop failed in prod/ } })
  t.match(JSON.stringify(next), 'PruneFailed')
})

t.test('news of an object after its failure is not shown as the failure', async (t) => {
  const failure = { reason: 'BuildFailed', text: 'no such file', since: now - 5000, count: 1 }
  const of = (event: string, changes: Partial<Pending['view']>) => {
    const { view, ...rest } = pending(event, { name: 'shop' })
    return { ...rest, view: { ...view, failure, ...changes } }
  }
  const news = of('2', { says: 'informed', severity: 'info', reason: 'Progressing', summary: '3 configured' })
  const lane = { ...full, bucket: { tokens: 1, at: now } }
  const next = planNext(lane, [of('1', { summary: 'no such file' }), news], none, { pace }, now)
  t.match(next, { ids: ['1', '2'], payload: { text: /^🔴 .* failed in prod: no such file$/ } })
})

t.test(
  'in a channel with cards, a lasting failure has its log in the thread, and a finished one has none',
  async (t) => {
    const log = `upgrade failed: timed out\n\nLast Helm logs:\n\n${'Deployment is not ready: apps/shop\n'.repeat(9)}`
    const shown = (says: 'failed' | 'recovered') => {
      const { view, ...rest } = pending('1')
      const failure = { reason: 'UpgradeFailed', text: log, since: now - 5000, count: 1 }
      const entry = { ...rest, view: { ...view, says, message: log, failure } }
      const [plain, carded] = [{}, { hasCards: true }].map((form) =>
        planNext(full, [entry], none, { pace, ...form }, now)
      )
      return { plain, carded }
    }
    t.match(shown('failed').carded, { payload: { reply: {} } })
    const { plain, carded } = shown('recovered')
    t.same(carded, plain)
  }
)

t.test('a group that is due is one message, however many tokens there are', async (t) => {
  const group = { group: 'revision' }
  const next = planNext(full, [pending('1', group), pending('2', group), pending('3')], none, { pace }, now)
  t.match(next, { payload: { text: /^🔴 2 failing in prod/ } })
  t.same(idsOf(next), ['1', '2'])
})

t.test('a clock set back does not stop the lane', async (t) => {
  const later = { createdAt: now + 3_600_000 }
  t.same(idsOf(planNext(full, [pending('1', later), pending('2', later)], none, { pace }, now)), ['1'])
})

t.test('a lone message that comes late says so', async (t) => {
  const next = planNext(full, [pending('1', { createdAt: now - 3 * 3_600_000 })], none, { pace }, now)
  t.match(JSON.stringify(next), /delayed 3 h/)
})

t.test('whatever waits and however it is held, nothing overtakes older news of the same object', async (t) => {
  const causes = ['a', 'b', 'c']
  const entry = fc.record({
    name: fc.constantFrom('x', 'y', 'z'),
    cause: fc.constantFrom(...causes),
    says: fc.constantFrom('failed' as const, 'changed' as const, 'recovered' as const, 'updated' as const),
    // Without a group, an entry is either due or held to be gathered.
    held: fc.constantFrom(
      { heldUntil: 0 },
      { heldUntil: now - 10, holds: 1 },
      { heldUntil: now + 60_000, holds: 1 },
      { heldUntil: now - 10, group: 'ready' },
      { heldUntil: now + 60_000, group: 'waiting' }
    )
  })
  fc.assert(
    fc.property(
      fc.array(entry, { minLength: 1, maxLength: 12 }),
      fc.subarray(causes),
      fc.integer({ min: 1, max: 9 }),
      (entries, known, tokens) => {
        const waiting = entries.map(({ name, cause, says, held }, place) => {
          const { view, ...rest } = pending(String(place), { name, ...held })
          return { ...rest, view: { ...view, cause, says } }
        })
        fc.pre(waiting.some(({ heldUntil }) => heldUntil <= now))
        const gatherings: Gatherings = new Map(
          known.map((cause) => [`failure ${cause}`, { postedAt: now - 5000, step: 1, gapMs: 1, pinged: {} }])
        )
        const next = planNext({ bucket: { tokens, at: now }, notBefore: 0 }, waiting, gatherings, { pace }, now)
        if ('until' in next) return false
        const left = waiting.filter(({ id }) => !next.ids.includes(id))
        return next.ids.every((id) => {
          const { name } = waiting[Number(id)]?.view.object ?? {}
          return left.every((other) => other.view.object.name !== name || Number(other.id) > Number(id))
        })
      }
    ),
    { numRuns: 500 }
  )
  t.pass()
})
