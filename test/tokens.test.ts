// Tokens: the channels of one Slack app share its budget, the waits that Slack asks for, and a refusal of the token.
import t from 'tap'
import { loadConfig } from '../src/config/config.ts'
import type { Kind, Reply } from '../src/deliver/answer.ts'
import { createTokens } from '../src/deliver/tokens.ts'
import type { LaneHead } from '../src/store/records.ts'

const now = Date.parse('2026-09-21T14:00:00Z')
const until = now + 60_000

function build() {
  const { config, problems } = loadConfig(
    `
slackApps: { acme: { token: "\${ACME}" }, other: { token: "\${OTHER}" } }
destinations:
  a: { slack: { app: acme, channel: "#a" } }
  b: { slack: { app: acme, channel: "#b" } }
  c: { slack: { app: other, channel: "#c" } }
  d: { slack: { webhookUrl: https://hooks.slack.com/services/T/B/d } }
rules: [{ name: all, send: [a, b, c, d] }]`,
    'config.yaml',
    { ACME: 'xoxb-acme', OTHER: 'xoxb-other' }
  )
  if (config === undefined) throw new Error(JSON.stringify(problems))
  const laneOf = (name: string) => config.destinations.get(name)?.lane ?? ''
  const tokens = createTokens(() => config.destinations)
  const learn = (lane: string, kind: Kind, reply: Reply, notBefore = 0) =>
    tokens.learn(
      lane,
      { outcome: 'sent', kind, reply, settlement: { message: { state: 'sent' }, lane: { notBefore } } },
      now
    )
  const lanes = { a: laneOf('a'), b: laneOf('b'), c: laneOf('c'), d: laneOf('d'), named: 'slack:acme:named' }
  return { ...lanes, tokens, learn, refuse: () => learn(lanes.a, 'gone', refusal, until) }
}

const answer = (body: object, status = 200): Reply => ({
  is: 'answer',
  status,
  body: JSON.stringify(body),
  retryAfterMs: undefined
})
const refusal = answer({ ok: false, error: 'token_revoked' })
const taken = answer({ ok: true, channel: 'C0123ABCD', ts: '1503435956.000247' })

t.test('no channel of an app tries its refused token again until the time has come', async (t) => {
  const { a, b, c, d, tokens, refuse } = build()
  t.same(refuse(), [])
  t.same(tokens.answerFor(b, now), refusal)
  t.same(tokens.answerFor(a, until - 1), refusal)
  for (const lane of [c, d]) t.equal(tokens.answerFor(lane, now), undefined, lane)
  t.equal(tokens.isRefused(b, until), false)
})

t.test('when Slack takes a token again, every other channel that waited for that is woken, once', async (t) => {
  for (const [kind, reply] of [
    ['taken', taken],
    ['refused', answer({ ok: false, error: 'invalid_blocks' })],
    ['gone', answer({ ok: false, error: 'channel_not_found' })]
  ] as const) {
    const { a, b, named, tokens, learn, refuse } = build()
    t.same(learn(a, kind, reply), [], 'nothing was refused')
    refuse()
    tokens.answerFor(named, now)
    t.same(learn(a, kind, reply).toSorted(), [b, named].toSorted(), kind)
    t.equal(tokens.isRefused(b, now), false)
    t.same(learn(a, kind, reply), [])
    refuse()
    t.same(learn(a, kind, reply), [b], 'what waited the last time waits no longer')
  }
})

t.test('an answer that says nothing about a token wakes nobody', async (t) => {
  const { a, b, c, tokens, learn, refuse } = build()
  refuse()
  t.same(learn(a, 'transient', answer({}, 503)), [])
  t.same(learn(a, 'transient', { is: 'failure', code: 'ECONNRESET' }), [])
  t.same(learn(c, 'taken', taken), [], 'that of another app')
  t.equal(tokens.isRefused(b, now), true)
})

t.test('Slack is asked again if an operator wants it, or if no lane is blocked for the token any more', async (t) => {
  const head = (lane: string, reason: string): LaneHead => ({
    ...{ lane, dueSince: null, notBefore: until, block: { reason, since: now, probes: 1 } }
  })
  const table: [what: string, (world: ReturnType<typeof build>) => void, isRefused: boolean][] = [
    ['an operator', ({ tokens, b }) => tokens.askAgain(b), false],
    ['one of another app', ({ tokens, c }) => tokens.askAgain(c), true],
    ['a lane is blocked for it', ({ tokens, b }) => tokens.follow([head(b, '200 token_revoked')]), true],
    ['a lane is blocked for its channel', ({ tokens, b }) => tokens.follow([head(b, '200 channel_not_found')]), false],
    ['a lane of another app is', ({ tokens, c }) => tokens.follow([head(c, '200 token_revoked')]), false],
    ['none is blocked', ({ tokens, b }) => tokens.follow([{ ...head(b, ''), block: null }]), false]
  ]
  for (const [what, does, isRefused] of table) {
    const world = build()
    world.refuse()
    does(world)
    t.equal(world.tokens.isRefused(world.a, now), isRefused, what)
  }
})

t.test('a wait that Slack asks for is kept by all channels of the app, and by no others', async (t) => {
  const { a, b, c, d, tokens, learn } = build()
  learn(a, 'rate limit', answer({}, 429), now + 5000)
  t.same(learn(d, 'rate limit', answer({}, 429), now + 5000), [], 'that of a webhook')
  t.equal(tokens.turnOf(b, now), now + 5000)
  for (const lane of [c, d]) t.equal(tokens.turnOf(lane, now), undefined)
})

t.test('only requests use up turns', async (t) => {
  const { a, b, c, d, tokens, refuse } = build()
  for (let n = 0; n < 20; n++) {
    t.equal(tokens.turnOf(a, now), undefined)
    tokens.giveBack(a)
  }
  for (let n = 0; n < 20; n++) {
    t.equal(tokens.turnOf(a, now), undefined)
    tokens.answerFor(a, now)
  }
  t.equal(tokens.turnOf(b, now), now + 250)
  for (const lane of [c, d]) t.equal(tokens.turnOf(lane, now), undefined)
  refuse()
  tokens.answerFor(b, now)
  t.equal(tokens.turnOf(a, now), now + 250, 'no request was made')
})
