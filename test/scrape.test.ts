// Scrape: its text is what prom-client itself would produce, made in turns, so that a fleet's series delay nobody.
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import t from 'tap'
import { counterText, gaugeText, partsOf, registryText, type Text } from '../src/scrape/text.ts'

const nameOf = (n: number) => `c${n} "quoted" \\ \n`
const values = ['active', 'quiet']
const other = { label: 'state', values }

/** The result of `work`, and how many turns others had meanwhile. */
async function withTurns(work: () => Text): Promise<{ text: string; turns: number }> {
  let turns = 0
  const onTurn = () => {
    turns += 1
    next = setImmediate(onTurn)
  }
  let next = setImmediate(onTurn)
  const pieces = await partsOf(work())
  clearImmediate(next)
  return { text: String(Buffer.concat(pieces)), turns }
}

for (const size of [0, 1, 499, 500, 501, 2300]) {
  const names = Array.from({ length: size }, (_, n) => nameOf(n))
  const leastTurns = Math.max(0, Math.ceil(size / 500) - 1)

  t.test(`a registry with ${size} sources`, async (t) => {
    const registry = new Registry()
    const registers = [registry]
    const both = { labelNames: ['source', 'state'], registers }
    const state = new Gauge({ name: 'state', help: 'Of a "source"\nor \\ none', ...both })
    const events = new Counter({ name: 'events_total', help: 'Events', labelNames: ['source'], registers })
    const seconds = new Histogram({ name: 'seconds', help: 'Time', labelNames: ['source'], registers })
    new Gauge({ name: 'nothing', help: 'Never set', labelNames: ['source'], registers })
    new Gauge({ name: 'up', help: 'Always', registers }).set(1)
    for (const [n, source] of names.entries()) {
      for (const each of values) state.set({ source, state: each }, n % 2)
      events.inc({ source }, n)
    }
    seconds.observe({ source: 'a' }, 0.2)
    const wanted = await registry.metrics()
    const left = new Counter({ name: 'left_total', help: 'Said elsewhere', registers })
    const { text, turns } = await withTurns(() => registryText(registry, new Set([left])))
    t.equal(text, `\n${wanted}`)
    t.ok(turns >= leastTurns, `others had ${turns} turns`)
  })

  t.test(`a gauge of ${size} sources that nobody updates`, async (t) => {
    const family = { name: 'state', help: 'How a source stands' }
    const kept = new Gauge({ ...family, labelNames: ['source', 'state'], registers: [new Registry()] })
    const numberOf = (n: number, value: string) => (n % 3 === 0 ? undefined : (n + value.length) / 3)
    for (const [n, source] of names.entries()) {
      for (const state of values) {
        const value = numberOf(n, state)
        if (value !== undefined) kept.set({ source, state }, value)
      }
    }
    const { text, turns } = await withTurns(() =>
      gaugeText(family, { label: 'source', names, other }, (name, state = '') => numberOf(names.indexOf(name), state))
    )
    t.equal(text, `\n${await registryOf(kept).metrics()}`)
    t.ok(turns >= leastTurns, `others had ${turns} turns`)
  })

  t.test(`a counter of ${size} sources, some of which have counted`, async (t) => {
    const counter = new Counter({ name: 'hits_total', help: 'Hits', labelNames: ['source', 'state'], registers: [] })
    const full = new Counter({ name: 'hits_total', help: 'Hits', labelNames: ['source', 'state'], registers: [] })
    counter.inc({ source: '', state: 'quiet' }, 7)
    full.inc({ source: '', state: 'quiet' }, 7)
    for (const [n, source] of names.entries()) {
      for (const state of values) full.inc({ source, state }, n % 5)
      if (n % 5 > 0) for (const state of values) counter.inc({ source, state }, n % 5)
    }
    const labels = { label: 'source', names: ['', ...names], other }
    const { text, turns } = await withTurns(() => counterText(counter, labels))
    t.equal(text, `\n${await registryOf(full).metrics()}`)
    t.ok(turns >= leastTurns, `others had ${turns} turns`)
  })
}

function registryOf(metric: Counter | Gauge): Registry {
  const registry = new Registry()
  registry.registerMetric(metric)
  return registry
}
