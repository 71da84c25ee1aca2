// Scrape: its text is what prom-client itself would say, made in turns, so that a fleet's series keep nobody waiting.
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import t from 'tap'
import { textOf } from '../src/scrape/scrape.ts'

function registryOf(sources: number): Registry {
  const registry = new Registry()
  const registers = [registry]
  const state = new Gauge({
    name: 'state',
    help: 'Of a "source"\nor \\ none',
    labelNames: ['source', 'state'],
    registers
  })
  const events = new Counter({ name: 'events_total', help: 'Events', labelNames: ['source'], registers })
  const seconds = new Histogram({ name: 'seconds', help: 'Time', labelNames: ['source'], registers })
  new Gauge({ name: 'nothing', help: 'Never set', labelNames: ['source'], registers })
  new Gauge({ name: 'up', help: 'Always', registers }).set(1)
  for (let n = 0; n < sources; n++) {
    for (const each of ['active', 'quiet']) state.set({ source: `c${n}`, state: each }, n % 2)
    events.inc({ source: `c${n} "quoted" \\ \n` }, n)
  }
  seconds.observe({ source: 'a' }, 0.2)
  return registry
}

for (const sources of [0, 1, 499, 500, 501, 2300]) {
  t.test(`${sources} sources`, async (t) => {
    const registry = registryOf(sources)
    const wanted = await registry.metrics()
    let turns = 0
    const onTurn = () => {
      turns += 1
      next = setImmediate(onTurn)
    }
    let next = setImmediate(onTurn)
    const text = await textOf(registry)
    clearImmediate(next)
    t.equal(text, wanted)
    t.ok(turns >= Math.floor(sources / 500), `others had ${turns} turns`)
  })
}
