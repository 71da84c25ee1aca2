// `npm run proof clicks -- --clicks 1000 [--seed 1] [--postgres]`: that each click takes effect once, or the clicker is told.
import { parseArgs } from 'node:util'
import { SingleBar } from 'cli-progress'
import { pressButtons } from './press.ts'

const { values } = parseArgs({
  options: {
    clicks: { type: 'string', default: '1000' },
    seed: { type: 'string', default: String(Date.now() % 100_000) },
    postgres: { type: 'boolean', default: false }
  }
})
const troubled = Number(values.clicks)
const seed = Number(values.seed)
const { postgres } = values
const bar = new SingleBar({ format: '{bar} {value}/{total} clicks', hideCursor: true })
if (process.stderr.isTTY) bar.start(troubled, 0)
const { faults, figures } = await pressButtons({
  ...{ calm: Math.min(300, troubled), troubled, perSecond: 10, cards: 40, seed, postgres },
  progress: (done) => process.stderr.isTTY && bar.update(done)
})
bar.stop()
const lines = [
  `${postgres ? 'PostgreSQL, two relays' : 'SQLite'}, seed ${seed}`,
  ...figures.map(([name, value]) => `${name.padEnd(36)}${value}`),
  '',
  ...(faults.length === 0 ? ['kept'] : [`BROKEN, ${faults.length} times`, ...faults.slice(0, 20)])
]
process.stdout.write(`${lines.join('\n')}\n`)
process.exitCode = faults.length > 0 ? 1 : 0
