// PostgreSQL behind a pooler in transaction mode, which knows no named statements: the relay does without names by itself, and
// loses nothing while it finds out.
import t from 'tap'
import { openPostgres } from '../../src/store/postgres/store.ts'
import type { Store } from '../../src/store/store.ts'
import { noPooler, startPooler } from '../fixtures/pooler.ts'
import { execute, startPostgres } from '../fixtures/postgres.ts'
import { arrival, at, attempt, plan, sendTo, sent } from '../fixtures/store.ts'

const lanes = Array.from({ length: 6 }, (_, n) => `lane-${n}`)
const names = Array.from({ length: 40 }, (_, n) => `app-${n}`)

t.test(
  'what comes and goes through a pooler is there once, and it is said once why it costs more',
  { skip: noPooler },
  async (t) => {
    const postgres = await startPostgres(t)
    const url = await startPooler(t, postgres.url, 3)
    const warnings: string[] = []
    const open = () => openPostgres(url, { clock: 'caller', warn: (message) => warnings.push(message) })
    const [a, b] = await Promise.all([open(), open()])
    t.teardown(() => Promise.all([a.close(), b.close()]))
    const posted: string[] = []
    async function drain(store: Store, lane: string): Promise<void> {
      for (;;) {
        const step = await store.next(lane, plan, at)
        if (step.is !== 'post') return
        posted.push(step.message.payload.text)
        await store.settle(step.message, attempt, sent)
      }
    }
    // All at once, so that transactions of both are spread over the connections there are.
    await Promise.all(
      names.map(async (name, n) => {
        const lane = lanes[n % lanes.length] ?? ''
        const [receipt] = await (n % 2 === 0 ? a : b).accept([arrival(name)], sendTo(lane))
        t.equal(receipt?.status, 'accepted')
      })
    )
    await Promise.all(lanes.map((lane, n) => drain(n % 2 === 0 ? b : a, lane)))
    t.same(posted.toSorted(), names.toSorted(), 'each was posted once')
    const rows = await execute(postgres.url, 'select state, count(*)::int from notifications group by state')
    t.same(rows, [{ state: 'sent', count: names.length }])
    t.same(await execute(postgres.url, 'select count(*)::int from events'), [{ count: names.length }])
    t.match(warnings, [/named statements/, /named statements/], 'once by each of the two')
  }
)
