// A short proof that nothing accepted is lost; `npm run proof:crash` is the long one.
import t from 'tap'
import { prove } from '../proof/prove.ts'

t.test('what was acknowledged survives kills, a lying Slack and moving webhooks', { timeout: 100_000 }, async (t) => {
  const { faults, figures } = await prove({ kills: 5, seed: 7 })
  for (const [promise, found] of faults) t.same(found.slice(0, 5), [], promise)
  for (const [name, value] of figures) t.comment(`${name}: ${value}`)
})
