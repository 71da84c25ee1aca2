import t from 'tap'
import { maxAgeMs, type Reply, settle } from '../src/deliver/outcome.ts'
import type { Message } from '../src/store/store.ts'

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
const given = { now, random: 0.5, block: undefined, isStrict: true }

t.test('every answer Slack is known to give leads to the right end', async (t) => {
  const table: [Reply, string, string][] = [
    [answer(200, 'ok'), 'sent', 'sent'],
    [answer(200, '<html>Please log in'), 'dead', 'dead'],
    [answer(200, ''), 'dead', 'dead'],
    [answer(429, '{"ok":false}', 3000), 'rate_limited', 'open'],
    [answer(400, 'invalid_payload'), 'refused', 'open'],
    [answer(400, 'invalid_blocks'), 'refused', 'open'],
    [answer(400, 'no_text'), 'refused', 'open'],
    [answer(400, 'too_many_attachments'), 'refused', 'open'],
    [answer(400, 'a_word_nobody_knows'), 'refused', 'open'],
    [answer(413), 'refused', 'open'],
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
    [{ is: 'failure', code: 'TimeoutError' }, 'retry', 'open']
  ]
  for (const [reply, outcome, state] of table) {
    const result = settle(fresh, reply, given)
    t.match(result, { outcome, settlement: { message: { state } } }, JSON.stringify(reply))
  }
})

t.test('any 2xx is success where the receiver is not Slack', async (t) => {
  t.equal(settle(fresh, answer(200, '{"success":true}'), { ...given, isStrict: false }).outcome, 'sent')
})

t.test('a rate limit is no failure, and is waited for to the second', async (t) => {
  const { settlement } = settle({ ...fresh, failures: 4 }, answer(429, '', 30_000), given)
  t.same(settlement.message, { state: 'open', failures: 4, isPlain: false })
  t.equal(settlement.lane.notBefore, now + 30_000)
  t.equal(settle(fresh, answer(429), given).settlement.lane.notBefore, now + 1000, 'a second where Slack does not say')
})

t.test('the backoff doubles from one second to ten, with full jitter', async (t) => {
  const waits = [0, 1, 2, 3, 4, 50].map((failures) => {
    const message = { ...fresh, failures }
    return settle(message, answer(500), { ...given, random: 0.999_999 }).settlement.lane.notBefore - now
  })
  t.same(waits, [1000, 2000, 4000, 8000, 10_000, 10_000])
  t.equal(settle(fresh, answer(500), { ...given, random: 0 }).settlement.lane.notBefore, now)
})

t.test('a refused payload is tried once as plain text, then it is dead', async (t) => {
  const first = settle(fresh, answer(400, 'invalid_blocks'), given)
  t.match(first.settlement.message, { state: 'open', isPlain: true })
  const second = settle({ ...fresh, isPlain: true }, answer(400, 'no_text'), given)
  t.match(second.settlement.message, { state: 'dead', reason: /plain text: 400 no_text/ })
})

t.test('a destination that is gone is asked again after 5, 10, 20, 40 and then every 60 minutes', async (t) => {
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

t.test('after a day it is given up, whatever keeps it from going', async (t) => {
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
})
