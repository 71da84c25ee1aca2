// The stand-in of Slack's Web API: is as strict as the documentation, and as unkind as people report.
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import { request } from 'undici'
import { botToken, type SlackApiOptions, startSlackApi } from './fixtures/slack-api.ts'

const fast = { perSecond: 1000, burst: 1000, latencyMs: 0 }
const section = (length = 5) => ({ type: 'section', text: { type: 'mrkdwn', text: 'x'.repeat(length) } })
const blocks = [section()]

type Answer = Record<string, unknown> & { ok: boolean; error?: string; ts?: string }

async function build(t: Test, options: SlackApiOptions = {}) {
  const api = await startSlackApi({ ...fast, ...options })
  t.teardown(() => api.close())
  const raw = (method: string, body: string, headers: Record<string, string> = {}) =>
    request(`${api.apiUrl}/${method}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json; charset=utf-8', authorization: `Bearer ${botToken}`, ...headers },
      body
    })
  const call = async (method: string, args: object = {}, headers: Record<string, string> = {}): Promise<Answer> =>
    (await (await raw(method, JSON.stringify(args), headers)).body.json()) as Answer
  const read = async (method: string, args: Record<string, string>, token = botToken): Promise<Answer> => {
    const url = `${api.apiUrl}/${method}?${new URLSearchParams(args)}`
    return (await (await request(url, { headers: { authorization: `Bearer ${token}` } })).body.json()) as Answer
  }
  const post = (args: object = {}) => call('chat.postMessage', { channel: 'C0123ABCD', text: 'hello', ...args })
  return { api, raw, call, read, post }
}

t.test("a message is posted under its channel's ID, with a time of its own, and repeated in the answer", async (t) => {
  const { api, post } = await build(t)
  const answers = [await post({ blocks }), await post({ channel: '#platform' }), await post({ channel: 'platform' })]
  for (const answer of answers) t.match(answer, { ok: true, channel: 'C0123ABCD', ts: /^\d{10}\.\d{6}$/ })
  t.equal(new Set(answers.map(({ ts }) => ts)).size, 3)
  t.match(answers[0]?.['message'], { text: 'hello', blocks })
  t.equal(api.seen('platform').length, 3)
  t.match(await post({ text: 'é/<'.repeat(9000) }), { ok: true }, 'Slack escapes it, and makes it long')
  const last = api.calls.at(-1)?.request.answer ?? ''
  t.match(last, /\\u00e9\\\//)
  t.ok(last.indexOf('"ts"') > 16 * 1024, 'when it was posted stands far behind')
})

t.test('every no is a 200 with its error code', async (t) => {
  const { raw, call, post } = await build(t, {
    apps: {
      [botToken]: { name: 'flux', userId: 'U0FLUX' },
      'xoxb-gone': { name: 'gone', userId: 'U0GONE', error: 'token_revoked' },
      'xoxb-mute': { name: 'mute', userId: 'U0MUTE', scopes: ['incoming-webhook'] },
      'xoxb-loud': { name: 'loud', userId: 'U0LOUD', scopes: ['chat:write', 'chat:write.public'] }
    },
    channels: [
      { id: 'C0123ABCD', name: 'platform', members: ['U0FLUX'] },
      { id: 'C0OTHER01', name: 'other' },
      { id: 'C0SECRET1', name: 'secret', isPrivate: true },
      { id: 'C0OLD0001', name: 'old', isArchived: true, members: ['U0FLUX'] },
      { id: 'C0READ001', name: 'read', members: ['U0FLUX'], error: 'restricted_action_read_only_channel' }
    ]
  })
  const as = (token: string) => ({ authorization: `Bearer ${token}` })
  const rows: [Promise<Answer>, string][] = [
    [call('chat.postMessage', {}, { authorization: '' }), 'not_authed'],
    [call('chat.postMessage', { token: botToken }, { authorization: '' }), 'not_authed'],
    [call('chat.postMessage', {}, as('xoxb-wrong')), 'invalid_auth'],
    [call('auth.test', {}, as('xoxb-gone')), 'token_revoked'],
    [call('chat.postMessage', { channel: 'C0123ABCD', text: 'x' }, as('xoxb-mute')), 'missing_scope'],
    [call('chat.postMessage', { text: 'x' }), 'invalid_arguments'],
    [post({ channel: 'C0NOWHERE' }), 'channel_not_found'],
    [post({ channel: 'C0OTHER01' }), 'not_in_channel'],
    [post({ channel: 'C0SECRET1' }), 'channel_not_found'],
    [post({ channel: 'C0OLD0001' }), 'is_archived'],
    [post({ channel: 'C0READ001' }), 'restricted_action_read_only_channel'],
    [post({ text: '' }), 'no_text'],
    [post({ text: 'x'.repeat(40_001) }), 'msg_too_long'],
    [post({ blocks: 'none' }), 'invalid_blocks_format'],
    [post({ blocks: [section(3001)] }), 'invalid_blocks'],
    [post({ blocks: Array(5).fill(section(2900)) }), 'msg_blocks_too_long'],
    [post({ attachments: Array(101).fill({ text: 'x' }) }), 'too_many_attachments'],
    [post({ metadata: 'none' }), 'invalid_metadata_format'],
    [post({ metadata: { event_type: 'x' } }), 'invalid_metadata_schema'],
    [post({ metadata: { event_type: 'x', event_payload: { x: 'y'.repeat(9000) } } }), 'metadata_too_large'],
    [call('chat.delete', {}), 'unknown_method']
  ]
  for (const [answer, error] of rows) t.match(await answer, { ok: false, error }, error)
  t.match(await call('chat.postMessage', { channel: '#other', text: 'x' }, as('xoxb-loud')), { ok: true })
  t.match(await call('chat.postMessage', { channel: 'C0123ABCD', text: 'x' }, as('xoxb-mute')), {
    needed: 'chat:write',
    provided: 'incoming-webhook'
  })
  t.match(await (await raw('chat.postMessage', '{')).body.json(), { error: 'invalid_json' })
  t.match(await (await raw('chat.postMessage', '[]')).body.json(), { error: 'json_not_object' })
  t.match(await (await raw('chat.postMessage', '{}', { 'content-type': 'image/png' })).body.json(), {
    error: 'invalid_post_type'
  })
  t.match(await (await raw('chat.postMessage', '{}', { 'content-type': 'application/json; charset=x' })).body.json(), {
    error: 'invalid_charset'
  })
  t.equal((await raw('../elsewhere', '{}')).statusCode, 404)
})

t.test('a fault in blocks is reported with its place', async (t) => {
  const { post } = await build(t)
  const attachments = [{ color: '#fff', blocks: [section(), { type: 'poem' }] }]
  const expected: [object, string][] = [
    [{ blocks: [section(), section(3001)] }, 'must be less than 3001 characters [json-pointer:/blocks/1/text/text]'],
    [{ blocks: [{ type: 'poem' }] }, 'failed to match all allowed schemas [json-pointer:/blocks/0]'],
    [{ blocks: Array(51).fill(section()) }, 'no more than 50 items allowed [json-pointer:/blocks]'],
    [{ attachments }, 'failed to match all allowed schemas [json-pointer:/attachments/0/blocks/1]']
  ]
  for (const [args, message] of expected) {
    t.match(await post(args), {
      error: /^invalid_blocks$/,
      errors: [message],
      response_metadata: { messages: [`[ERROR] ${message}`] }
    })
  }
})

t.test('an update shows the newest state; without blocks it removes them, and is marked', async (t) => {
  const { api, call, post } = await build(t)
  const { ts } = await post({
    blocks,
    attachments: [{ text: 'more' }],
    metadata: { event_type: 'x', event_payload: {} }
  })
  const update = (args: object) => call('chat.update', { channel: 'C0123ABCD', ts, ...args })
  t.match(await update({ text: 'now', blocks: [section(7)] }), { ok: true, ts })
  t.match(api.seen('platform'), [
    { text: 'now', blocks: [section(7)], attachments: [{ text: 'more' }], isMarkedEdited: false, versions: 2 }
  ])
  t.ok(api.seen('platform')[0]?.metadata, 'what is left out stays')
  t.match(await update({ text: 'then', attachments: [], metadata: {} }), { ok: true })
  t.match(api.seen('platform'), [{ text: 'then', blocks: [], attachments: [], isMarkedEdited: true, versions: 3 }])
  t.equal(api.seen('platform')[0]?.metadata, undefined)
  t.match(await update({ text: 'x'.repeat(4001) }), { error: 'msg_too_long' })
  t.match(await update({}), { error: 'no_text' })
  t.match(await update({ channel: '#platform', text: 'x' }), { error: 'channel_not_found' })
  t.match(await update({ ts: '1.2', text: 'x' }), { error: 'message_not_found' })
  t.match(await update({ text: 'x', reply_broadcast: true }), { error: 'no_dual_broadcast_content_update' })
  api.delete('platform', ts ?? '')
  t.match(await update({ text: 'x' }), { error: 'message_not_found' })
  t.equal(api.seen('platform').length, 0)
})

t.test('messages of others, and those that are too old, cannot be updated', async (t) => {
  const { api, call, post } = await build(t, {
    apps: { [botToken]: { name: 'flux', userId: 'U0FLUX' }, 'xoxb-else': { name: 'else', userId: 'U0ELSE' } },
    editWindowMs: 30
  })
  const { ts } = await post()
  const args = { channel: 'C0123ABCD', ts, text: 'x' }
  t.match(await call('chat.update', args, { authorization: 'Bearer xoxb-else' }), { error: 'cant_update_message' })
  await sleep(40)
  t.match(await call('chat.update', args), { error: 'edit_window_closed' })
  const channel = api.channels[0]
  if (channel) channel.isArchived = true
  t.match(await call('chat.update', args), { error: 'is_inactive' })
})

t.test('replies are seen in their thread, and in the channel if they are broadcast', async (t) => {
  const { api, call, post } = await build(t)
  const { ts: thread_ts } = await post()
  const { ts } = await post({ text: 'quiet', thread_ts })
  await post({ text: 'loud', thread_ts, reply_broadcast: true })
  const texts = (messages: { text: string }[]) => messages.map(({ text }) => text)
  t.same(texts(api.seen('platform')), ['hello', 'loud'])
  t.same(texts(api.seen('platform', thread_ts)), ['hello', 'quiet', 'loud'])
  t.match(await post({ thread_ts: ts }), { error: 'cannot_reply_to_message' }, 'a reply has none')
  t.match(await call('chat.update', { channel: 'C0123ABCD', ts, reply_broadcast: true }), { ok: true })
  t.same(texts(api.seen('platform')), ['hello', 'quiet', 'loud'])
  api.delete('platform', thread_ts ?? '')
  t.match(await post({ thread_ts }), { error: 'cannot_reply_to_message' }, 'a tombstone takes none')
})

t.test('a reply to a message that is gone is posted in the channel, and the answer is `ok`', async (t) => {
  const { api, post } = await build(t)
  const { ts: thread_ts } = await post()
  t.match(await post({ thread_ts }), { ok: true, message: { thread_ts } })
  const { ts: alone } = await post()
  api.delete('platform', alone ?? '')
  const reply = await post({ text: 'anybody?', thread_ts: alone })
  t.match(reply, { ok: true, message: { text: 'anybody?' } })
  t.notOk('thread_ts' in ((reply as { message?: object }).message ?? {}))
  t.equal(api.seen('platform').at(-1)?.text, 'anybody?')
})

t.test('history needs its scope, has metadata on request, and comes late and in pages', async (t) => {
  const { api, read, post } = await build(t, { historyLagMs: 60_000 })
  const args = { channel: 'C0123ABCD' }
  const metadata = { event_type: 'relay', event_payload: { message: '7' } }
  t.match(await read('conversations.history', args), { error: 'missing_scope', needed: 'channels:history' })
  api.apps[botToken] = { name: 'flux', userId: 'U0FLUX', scopes: ['chat:write', 'channels:history'] }
  const posted = [await post({ text: '1', metadata }), await post({ text: '2' }), await post({ text: '3' })]
  await post({ text: 'reply', thread_ts: posted[0]?.ts })
  t.same((await read('conversations.history', args))['messages'], [])
  // A minute ago.
  for (const message of api.posted) message.at -= 60_000
  const texts = async (more: Record<string, string> = {}) =>
    ((await read('conversations.history', { ...args, ...more }))['messages'] as Answer[]).map(({ text }) => text)
  t.same(await texts(), ['3', '2', '1'])
  t.same(await texts({ oldest: posted[1]?.ts ?? '' }), ['3'])
  t.same(await texts({ oldest: posted[1]?.ts ?? '', inclusive: 'true' }), ['3', '2'])
  const page = await read('conversations.history', { ...args, limit: '2' })
  t.match(page, { has_more: true, messages: [{ text: '3' }, { text: '2' }] })
  const { next_cursor: cursor } = page['response_metadata'] as { next_cursor: string }
  t.same(await texts({ limit: '2', cursor }), ['1'])
  const [, , first] = (await read('conversations.history', args))['messages'] as Answer[]
  t.notOk(first?.['metadata'])
  const asked = await read('conversations.history', { ...args, include_all_metadata: 'true' })
  t.match((asked['messages'] as Answer[])[2], { metadata })
})

t.test('a permalink leads to an existing message', async (t) => {
  const { api, read, post } = await build(t)
  const { ts = '' } = await post()
  const args = { channel: 'C0123ABCD', message_ts: ts }
  const permalink = `https://acme.slack.com/archives/C0123ABCD/p${ts.replace('.', '')}`
  t.match(await read('chat.getPermalink', args), { ok: true, permalink })
  api.delete('platform', ts)
  t.match(await read('chat.getPermalink', args), { error: 'message_not_found' })
  t.match(await read('chat.getPermalink', { channel: 'C0123ABCD' }), { error: 'invalid_arguments' })
})

t.test('auth.test says whose token it is', async (t) => {
  const { call } = await build(t)
  t.match(await call('auth.test'), { ok: true, user: 'flux', user_id: 'U0FLUX', team: 'Acme', bot_id: 'B0FLUX' })
})

t.test('a channel accepts one message a second, a method what its tier says, and both answer 429 beyond', async (t) => {
  const { api, raw, post } = await build(t, { perSecond: 1, burst: 2, tiers: { 'chat.update': 3 } })
  t.same([(await post()).ok, (await post()).ok, (await post()).error], [true, true, 'ratelimited'])
  const update = () => raw('chat.update', JSON.stringify({ channel: 'C0123ABCD', ts: '1.2', text: 'x' }))
  const statuses = []
  for (let n = 0; n < 4; n++) statuses.push(await update())
  t.same(
    statuses.map(({ statusCode }) => statusCode),
    [200, 200, 200, 429]
  )
  t.equal(statuses[3]?.headers['retry-after'], '19')
  t.equal(api.limited, 2)
  t.equal(api.impatient, 0)
  await update()
  t.equal(api.impatient, 1, 'who asks before the wait is over is counted')
})

t.test('trouble comes by method, by channel, or for one method in one channel', async (t) => {
  const { api, raw, post } = await build(t)
  api.behave('chat.postMessage C0123ABCD', [{ is: 'reset' }, { is: 'html' }])
  await t.rejects(raw('chat.postMessage', JSON.stringify({ channel: '#platform', text: 'lost' })))
  t.equal((await raw('chat.postMessage', JSON.stringify({ channel: '#platform', text: 'page' }))).statusCode, 500)
  api.behave('C0123ABCD', [{ is: 'reset-after' }])
  await t.rejects(raw('chat.postMessage', JSON.stringify({ channel: 'C0123ABCD', text: 'taken' })))
  api.behave('chat.postMessage', [{ is: 'truncated' }])
  const cut = await raw('chat.postMessage', JSON.stringify({ channel: 'C0123ABCD', text: 'half' }))
  await t.rejects(cut.body.text())
  t.match(await post(), { ok: true })
  t.same(
    api.seen('platform').map(({ text }) => text),
    ['taken', 'half', 'hello'],
    'an answer that is lost was an answer to a message that is there'
  )
})
