// `npm run proof crash -- --kills 200 [--seed 1] [--postgres]`: that nothing accepted is lost, whatever ends the relay.
import { parseArgs } from 'node:util'
import { SingleBar } from 'cli-progress'
import { prove } from './prove.ts'

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Date.now() % 100_000) },
    postgres: { type: 'boolean', default: false }
  }
})
const [kills, seed] = [Number(values.kills), Number(values.seed)]
const bar = new SingleBar({ format: '{bar} {value}/{total} kills, {eta_formatted} left', hideCursor: true })
if (process.stderr.isTTY) bar.start(kills, 0)
const { faults, figures } = await prove({
  ...{ kills, seed, postgres: values.postgres },
  progress: (done) => process.stderr.isTTY && bar.update(Math.min(done, kills))
})
bar.stop()

const shown = 10
const lines = [
  `${values.postgres ? 'PostgreSQL, two relays' : 'SQLite'}, seed ${seed}`,
  ...figures.map(([name, value]) => `${name.padEnd(34)}${value}`),
  '',
  ...faults.flatMap(([promise, found]) => [
    `${promise.padEnd(34)}${found.length === 0 ? 'kept' : `BROKEN, ${found.length} times`}`,
    ...found.slice(0, shown).map((fault) => `    ${fault}`)
  ])
]
process.stdout.write(`${lines.join('\n')}\n`)
process.exitCode = faults.some(([, found]) => found.length > 0) ? 1 : 0
