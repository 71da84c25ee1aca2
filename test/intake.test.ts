// Intake: counts what the committed transaction decided, however often the database had it run.
import t from 'tap'
import { type Config, loadConfig } from '../src/config/config.ts'
import { createBudget } from '../src/intake/budget.ts'
import { createIntake } from '../src/intake/intake.ts'
import { createMetrics } from '../src/metrics.ts'
import type { Arrival, Decide, Receipt } from '../src/store/kept.ts'
import type { Store } from '../src/store/store.ts'
import { createClock } from './fixtures/clock.ts'
import { Exposition } from './fixtures/exposition.ts'
import { arrival } from './fixtures/store.ts'

const loaded = loadConfig(
  `
destinations: { team: { slack: { webhookUrl: "https://hooks.slack.com/services/T000/B000/secret" } } }
rules: [{ name: all, send: team }]`,
  'config.yaml',
  {}
)
const config = loaded.config as Config

/** Runs the transaction twice, as PostgreSQL does after a deadlock; the second time, `known` have come to another replica. */
function startIntake(known: readonly Arrival[], maxPending: number) {
  const metrics = createMetrics()
  const store = { pending: 0, tally: () => new Map() }
  const decided = (arrival: Arrival, decide: Decide): Receipt => {
    try {
      const { transition } = decide(arrival, undefined, [])
      return { status: 'accepted', id: arrival.identity, transition, notifications: [] }
    } catch (error) {
      return { status: 'failed', error }
    }
  }
  const accept: Store['accept'] = async (batch, decide) => {
    for (const arrival of batch) decided(arrival, decide)
    return batch.map((arrival) =>
      known.includes(arrival) ? { status: 'duplicate', id: null } : decided(arrival, decide)
    )
  }
  const nothing = () => {}
  const intake = createIntake({
    store: { ...store, accept } as unknown as Store,
    config: () => config,
    budget: createBudget({ store, config: () => config, maxPending }),
    ...{ metrics, clock: createClock(), wake: nothing, full: nothing, twins: nothing, passed: nothing },
    ...{ stored: nothing, unstored: nothing }
  })
  return {
    accept: (batch: readonly Arrival[]) => Promise.all(batch.map((arrival) => intake.accept(arrival))),
    scrape: async () => new Exposition(await metrics.registry.metrics())
  }
}

t.test('what a transaction admitted takes no room when it runs again', async (t) => {
  const batch = [arrival('shop'), arrival('cart'), arrival('search')]
  const { accept } = startIntake([], batch.length)
  t.same(
    (await accept(batch)).map(({ status }) => status),
    ['accepted', 'accepted', 'accepted']
  )
})

t.test('a duplicate that only the second run sees is counted as nothing else', async (t) => {
  for (const others of [[arrival('shop')], []]) {
    const cart = arrival('cart')
    const { accept, scrape } = startIntake([cart], 100)
    await accept([...others, cart])
    const seen = await scrape()
    t.equal(seen.value('events_total') ?? 0, others.length)
    t.equal(seen.value('duplicate_events_total'), 1)
  }
})
