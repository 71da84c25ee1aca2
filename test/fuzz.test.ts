// Hostile input for everything that takes any, for a few seconds; `npm run proof:fuzz` does it a million times.
import t from 'tap'
import { runTarget } from '../proof/fuzz/run.ts'
import { targets } from '../proof/fuzz/targets.ts'

const cases = 3000
const all = targets.reduce((sum, { share }) => sum + share, 0)

for (const target of targets) {
  t.test(`no input crashes, hangs or gets through: ${target.name}`, async (t) => {
    const { failures } = await runTarget(target, { cases: Math.ceil((cases * target.share) / all), seed: 1 })
    t.strictSame(failures, [])
  })
}
