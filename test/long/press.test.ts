// Clicks on a real relay that is killed and cut off: each takes effect once, or the clicker is told. `npm run proof clicks` is
// the long form of it.
import t from 'tap'
import { pressButtons } from '../../proof/press.ts'

for (const postgres of [false, true]) {
  const where = postgres ? 'with two relays on one PostgreSQL' : 'with one relay on SQLite'
  t.test(
    `${where}, each click takes effect once or is known to have failed, and unauthorised ones never do`,
    async (t) => {
      const { faults, figures } = await pressButtons({
        ...{ calm: 20, troubled: 100, perSecond: 15, cards: 8, seed: 7, postgres }
      })
      t.same(faults, [])
      const effects = Number(new Map(figures).get('took effect once'))
      t.ok(effects > 15, `${effects} took effect`)
    }
  )
}
