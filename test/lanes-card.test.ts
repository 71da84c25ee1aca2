// The destinations card: describes each destination as what its lane does.
import t from 'tap'
import { lanesCard, lanesOf } from '../src/dashboard/lanes.ts'
import { createPace } from '../src/deliver/pace.ts'
import type { LaneRecord } from '../src/store/records.ts'
import { createClock } from './fixtures/clock.ts'
import { look, textOf } from './fixtures/dashboard.ts'
import { about, startRelay } from './fixtures/relay.ts'

const now = Date.parse('2026-09-21T14:00:00Z')
const team = { name: 'team', lane: 'team', pace: createPace() }
const full = { tokens: 3, at: now }
const open = { openSince: now, bucket: { tokens: 2, at: now } }

t.test('each state of a lane has its word', (t) => {
  const states: [says: string, Partial<LaneRecord> | undefined][] = [
    ['never used', undefined],
    ['never used', {}],
    ['idle', { bucket: full }],
    ['sending', { backlog: 1, ...open }],
    ['sending', { backlog: 5, bucket: { tokens: 0.5, at: now } }],
    ['held', { backlog: 2, bucket: full }],
    ['held', { backlog: 2 }],
    ['waiting', { backlog: 1, ...open, notBefore: now + 30_000 }],
    ['late', { backlog: 1, ...open, openSince: now - 6 * 60_000, notBefore: now + 30_000 }],
    ['blocked', { backlog: 1, ...open, block: { reason: '404 no_service', since: now, probes: 1 } }]
  ]
  for (const [says, changes] of states) {
    const lane = { lane: 'team', backlog: 0, oldest: null, block: null, openSince: null, notBefore: 0, bucket: null }
    const lanes = lanesOf([team], changes ? [{ ...lane, ...changes }] : [])
    const html = String(lanesCard(lanes, [], { items: [], next: null }, now))
    t.equal(/<span class="badge \w+">([^<]+)</.exec(html)?.[1], says, JSON.stringify(changes))
  }
  t.end()
})

t.test('what is held until it has lasted says so, and until when, wherever it is named', async (t) => {
  const config = `
destinations: { team: { slack: { webhookUrl: "$SLACK" } } }
rules: [{ name: failures, for: 5m, send: team }]
`
  const relay = await startRelay(t, { config, clock: createClock() })
  const { body } = await relay.post(about('shop'))
  t.match(textOf((await look(relay, '/')).html), /team held 1 waiting · nothing sent yet/)
  for (const path of ['/deliveries', `/events/${body.id}`]) {
    const text = textOf((await look(relay, path)).html)
    t.match(text, /held until 2026-09-21 14:0\d:\d\d UTC , to see whether it lasts/, path)
    t.notMatch(text, /Waiting for its turn/, path)
  }
})
