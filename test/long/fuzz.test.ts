// Fuzz: feeds hostile input to everything that takes any, for a few seconds. `npm run proof fuzz` does so a million times and
// measures each; here, a hang only shows as the timeout of the file.
import t from 'tap'
import { runTarget } from '../../proof/fuzz/run.ts'
import { targets } from '../../proof/fuzz/targets.ts'

const cases = 3000
const all = targets.reduce((sum, { share }) => sum + share, 0)

for (const target of targets) {
  t.test(`no input crashes, hangs or gets through: ${target.name}`, async (t) => {
    const own = Math.ceil((cases * target.share) / all)
    const { failures } = await runTarget(target, { cases: own, seed: 1, maxMs: Number.POSITIVE_INFINITY })
    t.strictSame(failures, [])
  })
}
