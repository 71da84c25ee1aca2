// Looking before posting again: asks Slack for a message where it may have been posted, and believes only its own mark.
import t from 'tap'
import type { Reply } from '../src/deliver/answer.ts'
import type { Place } from '../src/deliver/destination.ts'
import { createLookBefore, metadataOf } from '../src/deliver/look-before.ts'
import { createLog } from '../src/log.ts'
import { createSlackApp } from '../src/slack-api/app.ts'
import type { Message } from '../src/store/kept-lanes.ts'

const newestAt = Date.parse('2026-09-21T14:00:00Z')
const message: Message = {
  ...{ id: '7', lane: 'slack:acme:team', destination: 'team', payload: { text: 'x' } as Message['payload'] },
  ...{ isPlain: false, failures: 1, newestAt, notifications: 1 }
}
const thread = { id: '1', channel: 'C0THREAD1', ts: '5.5', isBroadcast: false }

const answer = (body: object | string, status = 200): Reply => ({
  ...{ is: 'answer', status, body: typeof body === 'string' ? body : JSON.stringify(body), retryAfterMs: undefined }
})
const no = (error: string) => answer({ ok: false, error })
const reset: Reply = { is: 'failure', code: 'ECONNRESET' }
const posted = answer({ ok: true, channel: 'C0LEARNED', ts: '1.1' })

/** Makes a page of the history, with messages that have these marks. */
const page = (marks: object[], next = '') =>
  answer({
    ...{ ok: true, response_metadata: { next_cursor: next } },
    messages: [{ ts: '0.1' }, ...marks.map((metadata, n) => ({ ts: `${n + 2}.2`, metadata }))]
  })
const mark = metadataOf(message)
const found = { body: JSON.stringify({ ok: true, channel: 'C0123ABCD', ts: '2.2' }), status: 200 }

/** Answers each question with the next of `replies`, and all further ones with the last. */
function build(replies: Reply[], { channel = 'C0123ABCD', history = true } = {}) {
  const asked: { url: string; fields: Record<string, string> }[] = []
  const lines: string[] = []
  const post = async (url: string, body: string | URLSearchParams) => {
    asked.push({ url, fields: Object.fromEntries(new URLSearchParams(body)) })
    return replies[Math.min(asked.length, replies.length) - 1] as Reply
  }
  const log = createLog([], () => [], { write: (line: string) => void lines.push(line) })
  const { answerTo, learn } = createLookBefore({ post, close: async () => {} }, log)
  const app = createSlackApp('acme', { token: 'xoxb-1', ...(history && { history }) })
  const place: Place = { url: '', dialect: 'slack', receiver: 'web-api', sender: { channel }, app }
  const look = (of: Partial<Message> = {}) => answerTo(place, { ...message, ...of }, new AbortController().signal)
  return { asked, lines, learn, look }
}

t.test('a message is found by its own mark, on any of the first ten pages', async (t) => {
  const other = { ...mark, event_payload: { ...mark.event_payload, message: '8' } }
  const before = { ...mark, event_payload: { ...mark.event_payload, newest_at: newestAt - 1 } }
  const foreign = { ...mark, event_type: 'another_app' }
  const rest = page([other], 'more')
  const table: [what: string, replies: Reply[], expected: object | undefined, pages: number][] = [
    ['the first page', [page([mark])], found, 1],
    ['a later page', [rest, rest, page([mark])], found, 3],
    ['none', [page([])], undefined, 1],
    ['another message', [page([other])], undefined, 1],
    ['one with its id, of another database', [page([before])], undefined, 1],
    ['one of another app', [page([foreign])], undefined, 1],
    ['a channel that never ends', [rest], undefined, 10]
  ]
  for (const [what, replies, expected, pages] of table) {
    const { look, asked } = build(replies)
    const reply = await look()
    if (expected === undefined) t.equal(reply, undefined, what)
    else t.match(reply, expected, what)
    t.equal(asked.length, pages, what)
  }
})

t.test('Slack is asked for messages where this one would be, since shortly before it', async (t) => {
  const oldest = `${newestAt / 1000 - 120}.000000`
  const { look, asked } = build([page([], 'more'), page([])])
  await look()
  t.match(asked, [
    { url: 'https://slack.com/api/conversations.history', fields: { channel: 'C0123ABCD', oldest } },
    { fields: { channel: 'C0123ABCD', oldest, cursor: 'more' } }
  ])
  t.equal(asked[0]?.fields['ts'], undefined)
  const reply = build([page([mark])])
  t.match(await reply.look({ thread }), { body: /C0THREAD1/ })
  t.match(reply.asked, [
    { url: 'https://slack.com/api/conversations.replies', fields: { channel: 'C0THREAD1', ts: '5.5' } }
  ])
})

t.test('a channel that is known only by its name is asked as soon as an answer has told its ID', async (t) => {
  const { look, asked, learn } = build([page([mark])], { channel: '#team' })
  t.equal(await look(), undefined)
  for (const reply of [reset, no('not_in_channel')]) learn({ ...message, id: '1' }, reply, false)
  t.equal(await look(), undefined)
  t.same(asked, [])
  learn({ ...message, id: '2', lane: 'slack:acme:other' }, posted, true)
  t.equal(await look(), undefined, 'that of another channel')
  learn({ ...message, id: '2' }, posted, true)
  t.match(await look(), { body: /C0LEARNED/ })
})

t.test('Slack is not asked without the right to read, nor about a message that it has just refused', async (t) => {
  const blind = build([page([mark])], { history: false })
  t.equal(await blind.look(), undefined)
  t.same(blind.asked, [])
  for (const [reply, isAsked] of [
    [answer({}, 429), false],
    [no('invalid_blocks'), false],
    [no('is_archived'), false],
    [reset, true],
    [answer({}, 503), true]
  ] as const) {
    const { look, learn, asked } = build([page([mark])])
    learn(message, reply, false)
    await look()
    t.equal(asked.length, isAsked ? 1 : 0, JSON.stringify(reply))
    learn(message, reply, true)
    await look()
    t.equal(asked.length, isAsked ? 2 : 1, 'its id may be used again')
  }
})

t.test(
  'trouble with the history delays a message for a while, and is logged if the message is then posted unchecked',
  async (t) => {
    const table: [Reply, failures: number, isTold: boolean][] = [
      [answer({}, 429), 1, true],
      [answer({}, 429), 50, true],
      [answer({}, 500), 4, true],
      [answer({}, 500), 5, false],
      [reset, 4, true],
      [reset, 5, false],
      [{ is: 'failure', code: 'CERT_HAS_EXPIRED' }, 4, true],
      [{ is: 'failure', code: 'CERT_HAS_EXPIRED' }, 5, false],
      [no('missing_scope'), 1, false],
      [answer(JSON.parse((page([mark]) as { body: string }).body), 503), 1, true]
    ]
    for (const [reply, failures, isTold] of table) {
      const { look, lines } = build([reply])
      const said = `${JSON.stringify(reply)} ${failures}`
      t.same(await look({ failures }), isTold ? reply : undefined, said)
      t.equal(/posting it again/.test(lines.join()), !isTold, said)
    }
  }
)
