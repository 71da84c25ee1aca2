// Slack's stand-in: is as strict, and as unkind, as Slack.
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { faultsOf, type SlackOptions, startSlack } from './fixtures/slack.ts'

const mrkdwn = (length: number) => ({ type: 'mrkdwn', text: 'x'.repeat(length), verbatim: true })
const plain = (length: number) => ({ type: 'plain_text', text: 'x'.repeat(length), emoji: false })
const section = (length = 5) => ({ type: 'section', text: mrkdwn(length) })
const image = { type: 'image', image_url: 'https://example.com/a.png', alt_text: 'a graph' }
const button = { type: 'button', text: plain(75), url: 'https://example.com', action_id: 'open' }
const rich = (type: string, elements: unknown) => ({ type: 'rich_text', elements: [{ type, elements }] })
const times = <T>(count: number, item: T): T[] => Array(count).fill(item)

const goodBlocks = {
  'a section of 3,000': section(3000),
  'a section of ten fields': { type: 'section', fields: times(10, mrkdwn(1)) },
  'a field of 2,000': { type: 'section', fields: [plain(2000)], accessory: image },
  'a header of 150': { type: 'header', text: plain(150) },
  'a context of ten': { type: 'context', elements: [...times(9, mrkdwn(1)), image] },
  'a divider': { type: 'divider', block_id: 'line' },
  'an image': image,
  'actions of 25': { type: 'actions', elements: times(25, button) },
  'preformatted rich text': rich('rich_text_preformatted', [{ type: 'text', text: '<!channel>' }]),
  'a rich list': rich('rich_text_list', [{ type: 'rich_text_section', elements: [{ type: 'text', text: 'one' }] }])
}

const badBlocks = {
  'not a block': 'section',
  'an unknown type': { type: 'constructor' },
  'an alert, which is for modals': { type: 'alert', text: mrkdwn(5) },
  'a section with nothing': { type: 'section' },
  'an empty section': section(0),
  'a section of 3,001': section(3001),
  'a section of 3,001 UTF-16 units': { type: 'section', text: { type: 'mrkdwn', text: `x${'🔥'.repeat(1500)}` } },
  'text that is a string': { type: 'section', text: 'hello' },
  'text of no type': { type: 'section', text: { text: 'hello' } },
  'mrkdwn with emoji': { type: 'section', text: { type: 'mrkdwn', text: 'hello', emoji: true } },
  'no fields': { type: 'section', fields: [] },
  'eleven fields': { type: 'section', fields: times(11, mrkdwn(1)) },
  'a field of 2,001': { type: 'section', fields: [mrkdwn(2001)] },
  'an accessory of no type': { ...section(), accessory: {} },
  'a header of 151': { type: 'header', text: plain(151) },
  'a header of mrkdwn': { type: 'header', text: mrkdwn(5) },
  'an empty context': { type: 'context', elements: [] },
  'a context of eleven': { type: 'context', elements: times(11, mrkdwn(1)) },
  'a button in a context': { type: 'context', elements: [button] },
  'an image without alt_text': { type: 'image', image_url: image.image_url },
  'actions of 26': { type: 'actions', elements: times(26, button) },
  'a button of 76': { type: 'actions', elements: [{ ...button, text: plain(76) }] },
  'a purple button': { type: 'actions', elements: [{ ...button, style: 'purple' }] },
  'empty rich text': rich('rich_text_section', [{ type: 'text', text: '' }]),
  'rich text of a made-up kind': rich('rich_text_poem', []),
  'a block_id of 256': { type: 'divider', block_id: 'x'.repeat(256) }
}

t.test('accepts every block within its limits and refuses every block beyond them', async (t) => {
  for (const [name, block] of Object.entries(goodBlocks)) {
    t.equal(faultsOf({ text: 'x', blocks: [block] }), undefined, name)
    t.equal(
      faultsOf({ text: 'x', attachments: [{ color: '#ff0000', blocks: [block] }] }),
      undefined,
      `attached: ${name}`
    )
  }
  for (const [name, block] of Object.entries(badBlocks)) {
    t.equal(faultsOf({ text: 'x', blocks: [block] }), 'invalid_blocks', name)
    t.equal(faultsOf({ text: 'x', attachments: [{ blocks: [block] }] }), 'invalid_blocks', `attached: ${name}`)
  }
})

t.test('accepts every message within its limits and refuses every message beyond them', async (t) => {
  const attached = (attachment: object, count = 1) => ({ text: 'x', attachments: times(count, attachment) })
  const line = { type: 'divider', block_id: 'line' }
  const kilo = section(1000)
  const table: [string, unknown, string | undefined][] = [
    ['only text', { text: 'x'.repeat(40_000) }, undefined],
    ['only blocks', { blocks: times(50, section()) }, undefined],
    ['a legacy attachment', { attachments: [{ fallback: 'x', fields: [{ title: 'a', value: 'b' }] }] }, undefined],
    ['100 attachments', attached({ text: 'x' }, 100), undefined],
    ['13,000 characters of blocks', { blocks: times(13, kilo) }, undefined],
    ['an emoji', { text: '🔥' }, undefined],
    ['a string', 'hello', 'invalid_payload'],
    ['a list', [{ text: 'x' }], 'invalid_payload'],
    ['null', null, 'invalid_payload'],
    ['text that is a number', { text: 5 }, 'invalid_payload'],
    ['half an emoji', { text: 'x', blocks: [{ text: { text: '\ud83d' } }] }, 'invalid_payload'],
    ['nothing', {}, 'no_text'],
    ['nothing in everything', { text: '', blocks: [], attachments: [] }, 'no_text'],
    ['40,001 characters', { text: 'x'.repeat(40_001) }, 'msg_too_long'],
    ['51 blocks', { text: 'x', blocks: times(51, section()) }, 'invalid_blocks'],
    ['blocks in a string', { text: 'x', blocks: '[]' }, 'invalid_blocks'],
    ['a block_id twice', { blocks: [line, line] }, 'invalid_blocks'],
    ['a block_id here and attached', { blocks: [line], ...attached({ blocks: [line] }) }, 'invalid_blocks'],
    ['13,001 characters of blocks', { blocks: [...times(13, kilo), section(1)] }, 'msg_blocks_too_long'],
    ['the same, attached', { blocks: [section(1)], ...attached({ blocks: [kilo] }, 13) }, 'msg_blocks_too_long'],
    ['101 attachments', attached({ text: 'x' }, 101), 'too_many_attachments'],
    ['an attachment of nothing', attached({ color: 'danger' }), 'invalid_attachments'],
    ['an attachment of no blocks', attached({ blocks: [] }), 'invalid_attachments'],
    ['a fallback beside blocks', attached({ blocks: [section()], fallback: '' }), 'invalid_attachments']
  ]
  for (const [name, payload, fault] of table) t.equal(faultsOf(payload), fault, name)
})

async function build(t: Test, options: SlackOptions = { perSecond: 1000, burst: 100 }) {
  const slack = await startSlack(options)
  t.teardown(() => slack.close())
  const post = async (payload: unknown, path?: string, more: object = {}) => {
    const body = typeof payload === 'string' ? payload : JSON.stringify(payload)
    const headers = { 'content-type': 'application/json' }
    const answer = await request(slack.url(path), { method: 'POST', headers, body, ...more })
    return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() }
  }
  return { slack, post }
}

t.test('answers like Slack and remembers everything it was sent', async (t) => {
  const { slack, post } = await build(t)
  t.match(await post({ text: 'hello' }), { status: 200, text: 'ok', headers: { 'content-type': 'text/html' } })
  t.match(await post({}), { status: 400, text: 'no_text' })
  t.match(await post('{"text": "hello"'), { status: 400, text: 'invalid_payload' })
  t.match(await post('{"text": "\\ud83d"}'), { status: 400, text: 'invalid_payload' }, 'half an emoji')
  const latin1 = { body: Buffer.from('{"text": "caf\xe9"}', 'latin1') }
  t.match(await post('', undefined, latin1), { status: 400, text: 'invalid_payload' }, 'not UTF-8')
  t.match(await post({ text: 'x' }, undefined, { headers: {} }), { status: 400, text: 'invalid_payload' }, 'no type')
  t.match(await post('', undefined, { method: 'PUT' }), { status: 405 })
  t.match(await post({ content: 'hello' }, '/api/webhooks/1/x/slack'), { status: 200, text: 'ok' }, 'another receiver')
  t.match(await post('[]', '/hooks/x'), { status: 400, text: 'invalid_payload' }, 'another receiver, not an object')
  t.equal(slack.received.map((r) => r.status).join(), '200,400,400,400,400,400,405,200,400')
  t.match(slack.received[2], { method: 'POST', body: '{"text": "hello"', answer: 'invalid_payload' })
  t.equal(slack.accepted.map((r) => r.text).join(), '{"text":"hello"},{"content":"hello"}')
  t.ok(slack.received.every((r) => r.answered && r.at <= Date.now()))
  t.equal(slack.maxInFlight(), 1, 'one after another is never two at once')
})

t.test('accepts one message a second and a short burst, path by path, and notices who does not wait', async (t) => {
  const { slack, post } = await build(t, {})
  for (let i = 0; i < 4; i++) t.match(await post({ text: 'x' }), { status: 200 })
  const refusal = '{"retry_after":1,"ok":false,"error":"rate_limited"}'
  t.match(await post({ text: 'x' }), { status: 429, text: refusal, headers: { 'retry-after': '1' } })
  t.equal(slack.impatient, 0)
  t.match(await post({ text: 'x' }), { status: 429, text: refusal })
  t.equal(slack.impatient, 1)
  t.match(await post({ text: 'x' }, '/services/T000/B000/other'), { status: 200 })
  await sleep(1000)
  t.match(await post({ text: 'x' }), { status: 200 })
  t.equal(slack.impatient, 1)
})

t.test('misbehaves as asked, then is normal again', async (t) => {
  const { slack, post } = await build(t)
  slack.behave('*', [
    { status: 404, body: 'no_service', headers: { 'X-Slack': 'no' } },
    { is: 'html' },
    { is: 'redirect', to: 'https://api.slack.com/' },
    { is: 'reset' },
    { is: 'reset-after' },
    { is: 'truncated' },
    { is: 'slow', ms: 20 }
  ])
  t.match(await post({ text: '1' }), { status: 404, text: 'no_service', headers: { 'x-slack': 'no' } })
  t.match(await post({ text: '2' }), { status: 500, text: /^<!DOCTYPE html>/ })
  t.match(await post({ text: '3' }), { status: 302, headers: { location: 'https://api.slack.com/' } })
  for (const text of ['4', '5', '6']) await t.rejects(post({ text }), { code: /UND_ERR_SOCKET|ECONNRESET/ })
  t.match(await post({ text: '7' }), { status: 200, text: 'ok' })
  t.match(await post({ text: '8' }), { status: 200, text: 'ok' })
  t.equal(slack.accepted.map((r) => r.text).join(), '{"text":"5"},{"text":"6"},{"text":"7"},{"text":"8"}')
  t.equal(slack.received.map((r) => (r.answered ? 'y' : 'n')).join(''), 'yyynnnyy')

  slack.behave('/services/a', (request, index) => (index === 1 ? { status: 503, body: request.path } : undefined))
  slack.behave('*', { status: 410, body: 'channel_is_archived' })
  t.match(await post({ text: 'x' }, '/services/a'), { status: 200 })
  t.match(await post({ text: 'x' }, '/services/a'), { status: 503, text: '/services/a' })
  t.match(await post({ text: 'x' }), { status: 410 })
  slack.calm('*')
  t.match(await post({ text: 'x' }), { status: 200 })

  slack.behave('/services/b', [{ is: 'rate-limited', retryAfterSeconds: 30 }])
  t.match(await post({ text: 'x' }, '/services/b'), { status: 429, headers: { 'retry-after': '30' } })
  slack.calm()
  t.match(await post({ text: 'x' }, '/services/b'), { status: 429, headers: { 'retry-after': '30' } })
  t.equal(slack.impatient, 1, 'a Retry-After outlives the script that gave it')
})

t.test('accepts the slow message of a client that has hung up, and counts simultaneous requests', async (t) => {
  const { slack, post } = await build(t)
  const hangUp = async (text: string) => {
    const client = new AbortController()
    const gone = t.rejects(post({ text }, undefined, { signal: client.signal }))
    await slack.until(({ received }) => received.at(-1)?.text.includes(text) ?? false)
    client.abort()
    await gone
  }
  slack.behave('*', [{ is: 'slow', ms: 100 }, { is: 'hang' }])
  await hangUp('slow')
  await hangUp('hang')
  await post({ text: 'again' })
  await slack.until(({ accepted }) => accepted.length === 2)
  const accounts = slack.received.map((r) => `${r.status} ${r.taken ? 'taken' : ''} ${r.answered ? 'answered' : ''}`)
  t.same(accounts, ['200 taken ', '0  ', '200 taken answered'])
  t.equal(slack.maxInFlight(), 1, 'a client that hung up is not there any more')

  slack.behave('*', { is: 'hang' })
  const hanging = [post({ text: 'a' }), post({ text: 'b' }), post({ text: 'c' }, '/services/c')].map((p) =>
    t.rejects(p)
  )
  await slack.until(({ received }) => received.length === 6)
  t.equal(slack.maxInFlight('/services/c'), 1)
  t.equal(slack.maxInFlight(), 2)
  await Promise.all([slack.close(), ...hanging])
})

t.test('says what a test is still waiting for, and closes on hanging clients', async (t) => {
  const { slack, post } = await build(t)
  slack.behave('*', { is: 'hang' })
  const hanging = t.rejects(post({ text: 'hello' }))
  await slack.until(({ received }) => received.length === 1)
  await t.rejects(
    slack.until(({ accepted }) => accepted.length > 0, 5),
    {
      message: /5 ms went by.*accepted\.length > 0.*received 1:\n {2}1\. POST \/services.* no answer .*"hello"/s
    }
  )
  const waiting = t.rejects(
    slack.until(() => false),
    { message: /was closed/ }
  )
  await Promise.all([slack.close(), hanging, waiting])
  const next = await startSlack({ port: slack.port })
  t.equal(next.url('/x'), `http://127.0.0.1:${slack.port}/x`, 'and comes back where it was')
  await next.close()
})
