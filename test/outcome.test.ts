// Outcomes: follow from receivers' answers: sent, retry, blocked or dead.
import t from 'tap'
import type { Reply } from '../src/deliver/answer.ts'
import { maxAgeMs, needsEmpty, settle } from '../src/deliver/outcome.ts'
import { createPace, take, tokensAt } from '../src/deliver/pace.ts'
import type { LaneState, Message } from '../src/store/kept-lanes.ts'

type Block = LaneState['block']

const now = Date.parse('2026-09-21T14:00:00Z')
const fresh: Message = {
  id: '1',
  lane: 'slack:x',
  destination: 'team',
  payload: { text: 'x', unfurl_links: false, unfurl_media: false },
  isPlain: false,
  failures: 0,
  newestAt: now - 1000,
  notifications: 1
}
const answer = (status: number, body = '', retryAfterMs?: number): Reply => ({
  is: 'answer',
  status,
  body,
  retryAfterMs
})
const given = { now, random: 0.5, block: undefined, receiver: 'slack' } as const
const page = '<html><title>Access denied</title>'

t.test('every answer Slack is known to give leads to the right outcome', async (t) => {
  const table: [Reply, string, string][] = [
    [answer(200, 'ok'), 'sent', 'sent'],
    [answer(200, '<html>Please log in'), 'refused', 'open'],
    [answer(200, ''), 'blocked', 'open'],
    [answer(429, '{"ok":false}', 3000), 'rate_limited', 'open'],
    [answer(400, 'invalid_payload'), 'refused', 'open'],
    [answer(400, 'invalid_blocks'), 'refused', 'open'],
    [answer(400, 'no_text'), 'refused', 'open'],
    [answer(400, 'too_many_attachments'), 'refused', 'open'],
    [answer(400, 'a_word_nobody_knows'), 'refused', 'open'],
    [answer(413), 'refused', 'open'],
    [answer(403, page), 'refused', 'open'],
    [answer(404, page), 'refused', 'open'],
    [answer(407, page), 'blocked', 'open'],
    [{ is: 'proxy', status: 407 }, 'blocked', 'open'],
    [{ is: 'proxy', status: 403 }, 'blocked', 'open'],
    [{ is: 'proxy', status: 502 }, 'retry', 'open'],
    [answer(404, 'no_service'), 'blocked', 'open'],
    [answer(404, 'channel_not_found'), 'blocked', 'open'],
    [answer(400, 'user_not_found'), 'blocked', 'open'],
    [answer(403, 'invalid_token'), 'blocked', 'open'],
    [answer(403, 'action_prohibited'), 'blocked', 'open'],
    [answer(500, 'action_prohibited'), 'blocked', 'open'],
    [answer(410, 'channel_is_archived'), 'blocked', 'open'],
    [answer(302), 'blocked', 'open'],
    [answer(500, 'rollup_error'), 'retry', 'open'],
    [answer(503, '<html><title>503</title>'), 'retry', 'open'],
    [answer(408), 'retry', 'open'],
    [{ is: 'failure', code: 'ECONNRESET' }, 'retry', 'open'],
    [{ is: 'failure', code: 'TimeoutError' }, 'retry', 'open'],
    [{ is: 'failure', code: 'CERT_HAS_EXPIRED' }, 'retry', 'open']
  ]
  for (const [reply, outcome, state] of table) {
    const result = settle(fresh, reply, given)
    t.match(result, { outcome, settlement: { message: { state } } }, JSON.stringify(reply))
  }
})

t.test('only a message that the Web API took and that may become a card has a place', async (t) => {
  const yes = answer(200, '{"ok":true,"channel":"C0123ABCD","ts":"1503435956.000247"}')
  const table = [
    ['web-api', true, { channel: 'C0123ABCD', ts: '1503435956.000247' }],
    ['web-api', false, undefined],
    ['web-api', undefined, undefined],
    ['other', true, undefined]
  ] as const
  for (const [receiver, hasCards, posted] of table) {
    const { settlement } = settle(fresh, yes, { ...given, receiver, ...(hasCards !== undefined && { hasCards }) })
    t.strictSame(settlement.message, { state: 'sent', ...(posted && { posted }) }, `${receiver} ${hasCards}`)
  }
})

t.test('a rate limit is not a failure, and is waited for to the second', async (t) => {
  const { settlement } = settle({ ...fresh, failures: 4 }, answer(429, '', 30_000), given)
  t.same(settlement.message, { state: 'open', failures: 4, isPlain: false })
  t.equal(settlement.lane.notBefore, now + 30_000)
  const waits = [0, 1, 5, 50].map((failures) => {
    return settle({ ...fresh, failures }, answer(429), given).settlement.lane.notBefore - now
  })
  t.same(waits, [1000, 2000, 32_000, 60_000], 'longer each time where Slack does not say')
})

t.test('an addition to a card is given up early, so that the news behind it can be sent', async (t) => {
  const reset: Reply = { is: 'failure', code: 'ECONNRESET' }
  const aside = { ...fresh, notifications: 0 }
  t.match(settle({ ...aside, failures: 3 }, reset, given), { outcome: 'retry' })
  const { outcome, settlement } = settle({ ...aside, failures: 4 }, reset, given)
  t.equal(outcome, 'dead')
  t.match(settlement, { message: { reason: 'it can no longer follow its card' }, lane: { notBefore: 0 } })
  t.match(settle({ ...fresh, failures: 5 }, reset, given), { outcome: 'retry' }, 'news are not')
})

t.test('a rate limit leaves one token for its end, whatever was in hand', async (t) => {
  const { lane } = settle(fresh, answer(429, '', 30_000), given).settlement
  const pace = createPace({ perSecond: 1, burst: 100 })
  t.equal(tokensAt(lane.bucket, pace, now + 30_000), 1)
  t.same(take(lane.bucket, pace, now + 30_000), { bucket: { tokens: 0, at: now + 30_000 } })
})

t.test('a message that a proxy refuses, while it lets an empty one pass, becomes a dead letter alone', async (t) => {
  const plain = { ...fresh, isPlain: true, failures: 1 }
  for (const refusal of [answer(403, page), answer(404, page), answer(200, page), answer(403, 'Access Denied.')]) {
    const said = JSON.stringify(refusal)
    t.equal(needsEmpty(fresh, refusal, given), false, `first in plain text: ${said}`)
    t.equal(needsEmpty(plain, refusal, given), true)
    for (const empty of [answer(400, 'no_text'), answer(200, 'ok')]) {
      const { outcome, settlement } = settle(plain, refusal, { ...given, empty })
      t.equal(outcome, 'dead', said)
      t.match(settlement, { message: { reason: /even as plain text/ }, lane: { notBefore: 0, block: undefined } })
    }
  }
})

t.test('if an empty message is refused the same way, the lane waits and nothing becomes a dead letter', async (t) => {
  let message = { ...fresh, isPlain: true, failures: 1 }
  let block: Block
  const waits: number[] = []
  for (let probe = 0; probe < 9; probe++) {
    const result = settle(message, answer(403, page), { ...given, block, empty: answer(403, page) })
    t.match(result, { outcome: 'blocked', settlement: { message: { state: 'open', isPlain: false } } })
    waits.push((result.settlement.lane.notBefore - now) / 1000)
    block = result.settlement.lane.block
    message = { ...message, failures: message.failures + 1, isPlain: false }
    t.equal(needsEmpty(message, answer(403, page), { ...given, block }), true, 'each probe takes one along')
  }
  t.same(waits, [30, 60, 120, 240, 480, 960, 1920, 3600, 3600])
  t.match(block, { reason: '403 and a web page', since: now })
})

t.test('the answer to an empty message counts if it is about the lane itself', async (t) => {
  const plain = { ...fresh, isPlain: true }
  const outcomeWith = (empty: Reply) => settle(plain, answer(403, page), { ...given, empty })
  t.match(outcomeWith(answer(404, 'no_service')), { outcome: 'blocked', kind: 'gone' })
  t.match(outcomeWith(answer(429, '', 5000)), {
    outcome: 'rate_limited',
    settlement: { lane: { notBefore: now + 5000 } }
  })
  t.match(outcomeWith({ is: 'failure', code: 'ECONNRESET' }), { outcome: 'retry' })
  t.match(outcomeWith({ is: 'proxy', status: 407 }), { outcome: 'blocked', kind: 'proxy' })
})

t.test(
  'a receiver that fails on an empty message is asked a few times, then the lane waits and somebody is notified',
  async (t) => {
    const empty = answer(500, 'cannot read text of undefined')
    const plain = { ...fresh, isPlain: true, failures: 1 }
    t.match(settle(plain, answer(403, page), { ...given, empty }), { outcome: 'retry' })
    const later = settle({ ...plain, failures: 6 }, answer(403, page), { ...given, empty })
    t.match(later, { outcome: 'blocked', reply: { status: 403 }, settlement: { message: { state: 'open' } } })
    const { block } = later.settlement.lane
    t.match(settle(fresh, answer(403, page), { ...given, block, empty }), {
      outcome: 'blocked',
      settlement: { lane: { block: { probes: 2 } } }
    })
  }
)

t.test('a probe that gets through lets the message be tried in plain text, and ends the block', async (t) => {
  const block = { reason: '403 and a web page', since: now - 60_000, probes: 2 }
  const result = settle(fresh, answer(403, page), { ...given, block, empty: answer(400, 'no_text') })
  t.match(result.settlement, { message: { state: 'open', isPlain: true }, lane: { block: undefined } })
})

t.test('an answer that may be a yes is rarely retried, because each try may be one more message', async (t) => {
  const { outcome, settlement } = settle(fresh, answer(202), given)
  t.equal(outcome, 'blocked')
  t.match(settlement, { message: { state: 'open', isPlain: false }, lane: { notBefore: now + 5 * 60_000 } })
  t.equal(needsEmpty(fresh, answer(202), { ...given, block: settlement.lane.block }), false)
})

t.test('a proxy that cannot reach Slack is asked a few times before the lane waits', async (t) => {
  const bad: Reply = { is: 'proxy', status: 502 }
  t.equal(settle({ ...fresh, failures: 4 }, bad, given).outcome, 'retry')
  const result = settle({ ...fresh, failures: 5 }, bad, given)
  t.match(result, { outcome: 'blocked', settlement: { lane: { block: { reason: 'proxy 502' } } } })
})

t.test('the backoff doubles from one second to ten, with full jitter', async (t) => {
  const waits = [0, 1, 2, 3, 4, 50].map((failures) => {
    const message = { ...fresh, failures }
    return settle(message, answer(500), { ...given, random: 0.999_999 }).settlement.lane.notBefore - now
  })
  t.same(waits, [1000, 2000, 4000, 8000, 10_000, 10_000])
  t.equal(settle(fresh, answer(500), { ...given, random: 0 }).settlement.lane.notBefore, now)
})

t.test('what may have been accepted is retried less often, what was not sent as soon as ever', async (t) => {
  const waitsFor = (reply: Reply, looks = false) =>
    [0, 3, 4, 50].map((failures) => {
      const message = { ...fresh, failures }
      return settle(message, reply, { ...given, random: 0.999_999, looks }).settlement.lane.notBefore - now
    })
  const soon = [1000, 8000, 10_000, 10_000]
  const failed = (code: string): Reply => ({ is: 'failure', code })
  const unsent = [
    'ECONNREFUSED',
    'ENOTFOUND',
    'EAI_AGAIN',
    'EHOSTUNREACH',
    'UND_ERR_CONNECT_TIMEOUT',
    'UND_ERR_PRX_CONN'
  ]
  for (const code of unsent) t.same(waitsFor(failed(code)), soon, code)
  for (const status of [500, 502, 503]) t.same(waitsFor(answer(status)), soon, String(status))
  const inDoubt = [
    'ECONNRESET',
    'EPIPE',
    'TimeoutError',
    'UND_ERR_SOCKET',
    'HTTPParserError',
    'UND_ERR_HEADERS_OVERFLOW'
  ]
  for (const reply of [...inDoubt.map(failed), answer(504)]) {
    t.same(waitsFor(reply), [1000, 8000, 16_000, 300_000], JSON.stringify(reply))
    // The relay looks for the message first.
    t.same(waitsFor(reply, true), [2000, ...soon.slice(1)])
  }
})

t.test('a refused payload is tried once as plain text, then it is dead', async (t) => {
  const first = settle(fresh, answer(400, 'invalid_blocks'), given)
  t.match(first.settlement.message, { state: 'open', isPlain: true })
  const second = settle({ ...fresh, isPlain: true }, answer(400, 'no_text'), given)
  t.match(second.settlement.message, { state: 'dead', reason: /plain text: 400 no_text/ })
})

t.test('a removed destination is probed after 5, 10, 20, 40 and then every 60 minutes', async (t) => {
  let block = settle(fresh, answer(404, 'no_service'), given).settlement.lane.block
  const minutes = [0, 1, 2, 3, 4].map(() => {
    const { lane } = settle(fresh, answer(404, 'no_service'), { ...given, now: now + 1, block }).settlement
    block = lane.block
    return (lane.notBefore - now - 1) / 60_000
  })
  t.same(minutes, [10, 20, 40, 60, 60])
  t.match(block, { reason: '404 no_service', since: now, probes: 6 })
  t.equal(
    settle(fresh, answer(200, 'ok'), { ...given, block }).settlement.lane.block,
    undefined,
    'one success unblocks'
  )
  t.match(settle(fresh, answer(500), { ...given, block }).settlement.lane.block, { probes: 6 }, 'a hiccup does not')
})

t.test('after a day a message becomes a dead letter, whatever keeps it from being sent', async (t) => {
  const old = { ...fresh, newestAt: now - maxAgeMs }
  for (const reply of [
    answer(500),
    answer(404, 'no_service'),
    answer(429, '', 1000),
    { is: 'failure', code: 'ECONNREFUSED' } as Reply
  ]) {
    t.match(settle(old, reply, given).settlement.message, { state: 'dead', reason: /24 hours/ }, JSON.stringify(reply))
  }
  t.equal(settle(old, answer(200, 'ok'), given).outcome, 'sent', 'unless it went at last')
  const limited = settle(old, answer(429, '', 30_000), {
    ...given,
    block: { reason: '404 no_service', since: now, probes: 1 }
  })
  const until = now + 30_000
  const lane = { notBefore: until, bucket: { tokens: 1, at: until }, block: { reason: '404 no_service' } }
  t.match(limited.settlement, { message: { state: 'dead' }, lane }, 'what comes behind it waits all the same')
})
