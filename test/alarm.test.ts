// Alarm: notifies the operator of a trouble once and of its end once, whichever process saw which of them.
import { join } from 'node:path'
import pino from 'pino'
import t, { type Test } from 'tap'
import { createAlarm } from '../src/deliver/alarm.ts'
import { createDestination } from '../src/deliver/destination.ts'
import { settle } from '../src/deliver/outcome.ts'
import { createMetrics } from '../src/metrics.ts'
import { createSlackApp } from '../src/slack-api/app.ts'
import type { LaneState } from '../src/store/kept-lanes.ts'
import { openSqlite } from '../src/store/sqlite/store.ts'
import { createClock } from './fixtures/clock.ts'
import { tempFolder } from './fixtures/relay.ts'
import { botToken } from './fixtures/slack-api.ts'

const hour = 60 * 60_000

/** An app with two channels, and processes that take turns with them: after a restart, or as replicas. */
async function build(t: Test) {
  const clock = createClock()
  const store = await openSqlite(join(tempFolder(t), 'relay.db'))
  t.teardown(() => store.close())
  const app = createSlackApp('acme', { token: botToken })
  const ops = createDestination('ops', { slack: { webhookUrl: 'https://hooks.slack.com/services/T0/B0/secret' } })
  const all = new Map(
    ['a', 'b'].map((name) => [name, createDestination(name, { slack: { app, channel: `#team-${name}` } })])
  )
  const operators = [ops]
  const blocks = new Map<string, LaneState['block']>()

  function startProcess() {
    const alarm = createAlarm({
      ...{ store, clock, metrics: createMetrics(), log: pino({ enabled: false }), wake: () => {} },
      destinations: () => all,
      operators: () => operators
    })
    /** Returns what the operator reads when `name` is answered `body`. */
    return async (name: string, body: string) => {
      const lane = all.get(name)?.lane ?? ''
      const block = blocks.get(lane)
      const message = {
        ...{ id: name, lane, destination: name, isPlain: false, failures: 0, newestAt: clock.now(), notifications: 1 },
        payload: { text: name, unfurl_links: false as const, unfurl_media: false as const }
      }
      const reply = { is: 'answer', status: 200, body, retryAfterMs: undefined } as const
      const settled = settle(message, reply, { now: clock.now(), random: 0, block, receiver: 'web-api' })
      const { block: next } = settled.settlement.lane
      const news = await alarm.ofLane(message, block, settled)
      const isNews = news && (await store.records.announce(news))
      alarm.noted(lane, block, next, isNews)
      blocks.set(lane, next)
      clock.advance(1000)
      return isNews ? news.notices.map(({ view }) => view.summary) : []
    }
  }

  return { clock, startProcess, all, operators }
}

const no = (error: string) => JSON.stringify({ ok: false, error })
const yes = '{"ok":true,"channel":"C0000001","ts":"1503435956.000247"}'

t.test("the recovery of an app's token is reported once for all channels, even after a restart", async (t) => {
  const { startProcess } = await build(t)
  const before = startProcess()
  t.match(await before('a', no('token_revoked')), [/^Slack app acme takes no messages/])
  t.same(await before('b', no('token_revoked')), [])
  const answer = startProcess()
  t.same(await answer('b', no('token_revoked')), [])
  t.match(await answer('b', yes), [/^Slack app acme takes messages again/])
  t.same(await answer('a', yes), [])
})

t.test('a channel that is blocked again is news, even if another replica saw it open', async (t) => {
  const { clock, startProcess } = await build(t)
  const [one, two] = [startProcess(), startProcess()]
  for (const time of ['first', 'second', 'third']) {
    t.match(await one('a', no('not_in_channel')), [/^destination a takes no messages/], time)
    t.match(await two('a', yes), [/^destination a takes messages again/], time)
    clock.advance(hour)
  }
})

t.test('if the only way to the operator is the lane at fault, the next operator of the file is notified', async (t) => {
  const { startProcess, all, operators } = await build(t)
  const [own, other] = [all.get('a'), operators.pop()]
  if (own === undefined || other === undefined) return t.fail('there are two')
  operators.push(own)
  const answer = startProcess()
  t.same(await answer('a', no('is_archived')), [])
  operators.push(other)
  t.match(await answer('a', no('is_archived')), [/^destination a takes no messages/])
  t.same(await answer('a', no('is_archived')), [])
})
