// Answers: decide which receiver's yes counts as one, and what each no is about.
import t from 'tap'
import { isAboutToken, type Kind, kindOf, type Receiver, type Reply, receiverOf } from '../src/deliver/answer.ts'
import { adviceOn, detailsOf, quoteReply, sayReply } from '../src/deliver/saying.ts'
import { dialectNames, guessDialect } from '../src/render/receivers/dialect.ts'

const answer = (status: number, body = '', redirectsTo?: string): Reply => ({
  is: 'answer',
  status,
  body,
  retryAfterMs: undefined,
  redirectsTo
})
const login = '<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>ok</body></html>'
const all = [
  'slack',
  'web-api',
  'workflow',
  'mattermost',
  'rocketchat',
  'discord',
  'zulip',
  'other'
] as const satisfies Receiver[]

/** Answers that mean the same for every receiver. */
const everywhere: [Reply, Kind][] = [
  [answer(200, login), 'doubtful'],
  [answer(200, `\ufeff\n${login}`), 'doubtful'],
  [answer(201, '<?xml version="1.0"?><error/>'), 'doubtful'],
  [answer(200, '{"ok":false,"error":"channel_not_found"}'), 'gone'],
  [answer(200, '{"ok":false,"error":"not_authed"}'), 'gone'],
  [answer(200, '{"ok":false,"error":"invalid_blocks"}'), 'refused'],
  [answer(200, '{"ok":false,"error":"not_in_channel","needed":"chan'), 'gone'],
  [answer(200, '{"ok":false,"error":"ratelimited"}'), 'rate limit'],
  [answer(200, '{"ok":false,"error":"internal_error"}'), 'transient'],
  [answer(200, '{"ok":false,"error":"a_word_nobody_knows"}'), 'doubtful'],
  [answer(200, '{"ok":false}'), 'doubtful'],
  [answer(200, '{"success":false,"error":"Invalid integration id or token provided."}'), 'doubtful'],
  [answer(200, '{"result":"error","msg":"Invalid API key"}'), 'doubtful'],
  [answer(200, '{"status":"failed"}'), 'doubtful'],
  [answer(200, '{"error":{"code":7}}'), 'doubtful'],
  [answer(200, '{"errors":["no"]}'), 'doubtful'],
  ...[
    '{"ok":"false"}',
    '{"ok":0}',
    '{"success":"false"}',
    '{"code":401,"msg":"x"}',
    '{"status":403}',
    '"Forbidden"'
  ].map((body): [Reply, Kind] => [answer(200, body), 'doubtful']),
  ...['{"errcode":40001}', '{"statusCode":502}', '{"result":false}', '{"status":"Unauthorized"}', 'false'].map(
    (body): [Reply, Kind] => [answer(200, body), 'doubtful']
  ),
  [answer(200, '{"message":"Forbidden"}'), 'doubtful'],
  [answer(200, 'Error: there is no such hook'), 'doubtful'],
  ...[
    '{"message":"Internal server error"}',
    '{"Message":"User is not authorized to access this resource"}',
    '{"detail":"Not authenticated"}',
    '{"errorMessage":"2026-11-29 Task timed out after 3.00 seconds"}',
    '{"statusCode":"502","body":""}',
    '[{"ok":false}]',
    '{"ok":false,"error":"not_in_ch',
    '{ "success": false, "message": "it',
    '{"timestamp":"2026-11-29, 10:00","status":502,"trace":"at org.',
    '{"id":7,"error":"no such ho',
    '{"error":"channel_not_fou',
    '{"ok":false}\n{"ok":true}',
    '404 page not found',
    'HTTP/1.1 503 Service Unavailable',
    'Bad Gateway',
    'no healthy upstream',
    'RBAC: access denied',
    'upstream connect error or disconnect/reset before headers. reset reason: connection termination'
  ].map((body): [Reply, Kind] => [answer(200, body), 'doubtful']),
  [answer(200, `Warning: session in line 3\n${login}`), 'doubtful'],
  [answer(403, 'forbidden'), 'doubtful'],
  [answer(403, '{"error":"forbidden"}'), 'doubtful'],
  [answer(404, '{"error":{"code":404}}'), 'doubtful'],
  [answer(418, 'teapot'), 'doubtful'],
  [answer(451, 'blocked'), 'doubtful'],
  [answer(200, 'no_service'), 'gone'],
  [answer(429), 'rate limit'],
  [answer(429, login), 'rate limit'],
  [answer(407, login), 'proxy'],
  [{ is: 'proxy', status: 407 }, 'proxy'],
  [{ is: 'proxy', status: 503 }, 'proxy'],
  [answer(500, '<html>'), 'transient'],
  [answer(502, '<html>'), 'transient'],
  [answer(503, 'upstream connect error'), 'transient'],
  [answer(504), 'transient'],
  [answer(408), 'transient'],
  [answer(511, login), 'doubtful'],
  [answer(400, '<html><h1>400 Bad Request'), 'doubtful'],
  [answer(403, login), 'doubtful'],
  [answer(404, login), 'doubtful'],
  [answer(403), 'doubtful'],
  [answer(302, '', 'login.corp.example'), 'doubtful'],
  [answer(307, login, 'login.corp.example'), 'doubtful'],
  [answer(413, login), 'refused'],
  [answer(404, 'no_service'), 'gone'],
  [answer(400, 'invalid_blocks'), 'refused'],
  [{ is: 'failure', code: 'ECONNREFUSED' }, 'transient']
]

const slacks = { slack: 'unclear', 'web-api': 'unclear' } as const

/** Answers that differ: `[answer, the usual meaning, { receiver: its meaning there }]`. */
const differing: [Reply, Kind, Partial<Record<Receiver, Kind>>][] = [
  // A yes of the Web API names the message, or it is not one.
  [answer(200, 'ok'), 'taken', { 'web-api': 'unclear' }],
  [answer(206, '\ufeffok'), 'taken', { 'web-api': 'unclear' }],
  [answer(200, '{"ok":true}'), 'taken', { 'web-api': 'unclear' }],
  [answer(200, '{"ok":true,"channel":"C0123ABCD"}'), 'taken', { 'web-api': 'unclear' }],
  [answer(200, '{"ok":true,"ts":"1503435956.000247"}'), 'taken', { 'web-api': 'unclear' }],
  [answer(200, '{"ok":true,"channel":"C0123ABCD","ts":1503435956.000247}'), 'taken', { 'web-api': 'unclear' }],
  [answer(200, '{"ok":true,"channel":"C0123ABCD","message":{"te'), 'unclear', { rocketchat: 'taken', other: 'taken' }],
  [answer(200, '{"ok":true,"channel":"C0123ABCD","message":{},"ts":"1503435956.000247"}'), 'taken', {}],
  [answer(200, '{"success":true}'), 'taken', { 'web-api': 'unclear' }],
  [answer(200, '{"result":"success","msg":""}'), 'taken', { 'web-api': 'unclear' }],
  [answer(200), 'taken', { ...slacks, mattermost: 'unclear', rocketchat: 'unclear', zulip: 'unclear' }],
  [answer(202), 'taken', { ...slacks, mattermost: 'unclear', rocketchat: 'unclear', zulip: 'unclear' }],
  [answer(204), 'taken', slacks],
  [answer(200, 'queued for you'), 'unclear', { rocketchat: 'taken', other: 'taken' }],
  [answer(200, '502 messages are queued'), 'unclear', { rocketchat: 'taken', other: 'taken' }],
  [answer(200, '{"id":7,"status":200,"error":null,"text":"no, '), 'unclear', { rocketchat: 'taken', other: 'taken' }],
  [
    answer(200, '{"id":"1","type":0}'),
    'taken',
    { slack: 'doubtful', 'web-api': 'doubtful', mattermost: 'doubtful', zulip: 'doubtful' }
  ],
  [answer(302, '', 'api.slack.com'), 'doubtful', { slack: 'gone' }],
  [answer(302), 'doubtful', { slack: 'gone' }],
  [
    answer(400, 'a_word_nobody_knows'),
    'doubtful',
    { slack: 'refused', 'web-api': 'refused', workflow: 'refused', other: 'refused' }
  ],
  [answer(403, 'Access Denied.'), 'doubtful', {}],
  [answer(403, '{"message":"Forbidden"}'), 'doubtful', {}],
  [
    answer(200, '{"ok":"true"}'),
    'taken',
    { slack: 'doubtful', 'web-api': 'doubtful', mattermost: 'doubtful', zulip: 'doubtful' }
  ],
  [answer(403, 'a_word_nobody_knows'), 'doubtful', { slack: 'gone', 'web-api': 'gone', workflow: 'gone' }],
  [
    answer(403, '{"ok":false,"error":"x"}'),
    'doubtful',
    { slack: 'gone', 'web-api': 'gone', workflow: 'gone', zulip: 'gone' }
  ],
  [answer(404, '{"message":"Unknown Webhook","code":10015}'), 'doubtful', { discord: 'gone' }],
  [
    answer(400, '{"message":"Cannot send an empty message","code":50006}'),
    'doubtful',
    { discord: 'refused', other: 'refused' }
  ],
  [
    answer(400, '{"id":"web.x","message":"No text","status_code":400}'),
    'doubtful',
    { mattermost: 'refused', other: 'refused' }
  ],
  [answer(404, '{"success":false,"error":"Invalid integration id"}'), 'doubtful', { rocketchat: 'gone' }],
  [answer(401, '{"result":"error","msg":"Invalid API key","code":"INVALID_API_KEY"}'), 'doubtful', { zulip: 'gone' }]
]

for (const receiver of all) {
  t.test(`only the yes of ${receiver} counts as a yes, and each no is about the right thing`, async (t) => {
    for (const [reply, kind] of everywhere) t.equal(kindOf(reply, receiver), kind, JSON.stringify(reply))
    for (const [reply, usual, own] of differing) {
      t.equal(kindOf(reply, receiver), own[receiver] ?? usual, JSON.stringify(reply))
    }
  })
}

t.test(
  'a webhook or channel that is gone is never taken for a fault of the message, whatever the status',
  async (t) => {
    const mattermost = (id: string, status: number) =>
      answer(status, JSON.stringify({ id: `web.incoming_webhook.${id}.app_error`, message: 'x', status_code: status }))
    const rocket = (error: string) => answer(400, JSON.stringify({ success: false, error }))
    const discord = (code: number, message = 'x') => answer(400, JSON.stringify({ message, code }))
    const zulip = (code: string) => answer(400, JSON.stringify({ result: 'error', msg: 'x', code }))
    const cases: [Receiver, Reply, Kind][] = [
      ['mattermost', mattermost('invalid', 400), 'gone'],
      ['mattermost', mattermost('disabled', 501), 'gone'],
      ['mattermost', mattermost('channel', 404), 'gone'],
      ['mattermost', mattermost('channel_locked', 403), 'gone'],
      ['mattermost', mattermost('parse', 400), 'refused'],
      ['mattermost', mattermost('text', 400), 'refused'],
      ['mattermost', mattermost('general', 400), 'doubtful'],
      ['mattermost', answer(500, '{"id":"app.post.save.app_error","status_code":500}'), 'transient'],
      ['mattermost', answer(501, login), 'transient'],
      ['rocketchat', rocket('Invalid integration id or token provided.'), 'gone'],
      ['rocketchat', rocket('error-invalid-channel'), 'gone'],
      ['rocketchat', rocket('invalid-channel'), 'gone'],
      ['rocketchat', rocket('error-running-script'), 'refused'],
      ['rocketchat', rocket('unknown-error'), 'refused'],
      ['discord', discord(220001), 'gone'],
      ['discord', discord(50083), 'gone'],
      ['discord', discord(50035, 'Invalid Form Body'), 'refused'],
      ['zulip', zulip('STREAM_DOES_NOT_EXIST'), 'gone'],
      ['zulip', zulip('BAD_REQUEST'), 'refused'],
      // If anyone else says so, it was not the receiver.
      ['slack', mattermost('invalid', 400), 'doubtful'],
      ['discord', answer(400, '{"code":10015}'), 'doubtful']
    ]
    for (const [receiver, reply, kind] of cases)
      t.equal(kindOf(reply, receiver), kind, `${receiver} ${JSON.stringify(reply)}`)
  }
)

/** Errors of the Web API, by what they are about (docs.slack.dev/reference/methods/chat.postMessage). */
const apiWords: Record<string, [kind: Kind, isAboutToken: boolean, words: string]> = {
  'the token': [
    'gone',
    true,
    'invalid_auth not_authed account_inactive token_revoked token_expired missing_scope not_allowed_token_type org_login_required two_factor_setup_required enterprise_is_restricted access_denied accesslimited'
  ],
  'the channel': [
    'gone',
    false,
    'not_in_channel channel_not_found is_archived is_inactive no_permission restricted_action restricted_action_read_only_channel restricted_action_thread_only_channel ekm_access_denied team_access_not_granted team_not_found messages_tab_disabled'
  ],
  'the message': [
    'refused',
    false,
    'invalid_blocks invalid_blocks_format msg_too_long msg_blocks_too_long too_many_attachments no_text invalid_arguments invalid_attachments attachment_payload_limit_exceeded invalid_metadata_format invalid_metadata_schema metadata_too_large metadata_must_be_sent_from_app restricted_action_thread_locked restricted_action_non_threadable_channel'
  ],
  'the rate': ['rate limit', false, 'ratelimited rate_limited message_limit_exceeded'],
  'a moment': [
    'transient',
    false,
    'internal_error fatal_error service_unavailable request_timeout team_added_to_org external_channel_migrating'
  ],
  'anything else': ['doubtful', false, 'invalid_charset invalid_post_type method_deprecated some_new_error']
}

for (const [what, [kind, aboutToken, words]] of Object.entries(apiWords)) {
  t.test(`the Web API's errors about ${what} are understood as such, whatever the status`, async (t) => {
    for (const word of words.split(' ')) {
      const body = `{"ok":false,"error":"${word}","response_metadata":{"messages":[]}}`
      t.equal(kindOf(answer(200, body), 'web-api'), kind, word)
      t.equal(isAboutToken(answer(200, body), 'web-api'), aboutToken, `${word} is about all channels of the app or not`)
      t.notOk(isAboutToken(answer(200, body), 'slack'), 'a webhook has no token')
      if (kind !== 'doubtful') t.equal(kindOf(answer(500, body), 'web-api'), kind, `500 ${word}`)
      const app = { name: 'acme', token: 'xoxb-1-2-three', apiUrl: 'https://slack.com/api' }
      const advice = adviceOn(kind, answer(200, body), { app })
      t.match(advice, kind === 'gone' ? /[a-z]{3}.* .*[a-z]{3}/ : /./, `${word} says what to do`)
      t.notMatch(advice, /webhook/, 'and speaks of no webhook')
    }
  })
}

t.test('an app that is not in a channel has to be invited, by its name if that is known', async (t) => {
  const app = { name: 'acme', token: 'xoxb-1-2-three', apiUrl: 'https://slack.com/api' }
  for (const word of ['not_in_channel', 'channel_not_found', 'no_permission']) {
    const reply = answer(200, `{"ok":false,"error":"${word}"}`)
    t.match(adviceOn('gone', reply, { app }, 'flux'), /\/invite @flux$/)
    t.match(adviceOn('gone', reply, { app }), /\/invite @… \(the name of the app\)$/)
  }
})

t.test('what Slack says beside its error code is kept short, one line each, and ignored in a yes', async (t) => {
  const details = (fields: object) => detailsOf(answer(200, JSON.stringify({ ok: false, error: 'x_y', ...fields })))
  t.same(details({ response_metadata: { messages: ['[ERROR] must be less [json-pointer:/blocks/0/text/text]'] } }), [
    'must be less [json-pointer:/blocks/0/text/text]'
  ])
  t.same(details({ errors: ['no more than 5 items allowed [json-pointer:/blocks/2]'] }), [
    'no more than 5 items allowed [json-pointer:/blocks/2]'
  ])
  t.same(details({ needed: 'chat:write', provided: 'incoming-webhook' }), [
    'needs chat:write, and has incoming-webhook'
  ])
  t.same(details({ errors: ['a\n\u001b[31mb\u202e'.padEnd(500, 'x')] })[0]?.length, 201)
  t.match(details({ errors: ['a\n\u001b[31mb'] })[0], /^a \[31mb$/)
  t.equal(details({ errors: Array(50).fill('x') }).length, 5)
  for (const odd of [{ errors: 'x' }, { errors: [1, null, {}] }, { response_metadata: null }, { needed: 7 }])
    t.ok(details(odd).every((detail) => detail === 'x'))
  t.same(detailsOf(answer(200, '{"ok":true,"errors":["x"]}')), [])
  t.same(detailsOf(answer(500, '<html>')), [])
})

t.test('the address tells whose answer it is, or, if it does not show that, the dialect', async (t) => {
  const receiver = (url: string, dialect = guessDialect(url)) => receiverOf(url, dialect)
  t.equal(receiver('https://hooks.slack.com/services/T/B/x'), 'slack')
  t.equal(receiver('https://hooks.slack-gov.com/services/T/B/x'), 'slack')
  t.equal(receiver('https://hooks.slack.com/triggers/T/1/x'), 'workflow')
  t.equal(receiver('https://egress.example/services/T/B/x'), 'slack')
  t.equal(receiver('https://chat.example/hooks/64f0c9/AbCdEf'), 'rocketchat')
  t.equal(receiver('https://discord.com/api/webhooks/1/x'), 'discord')
  t.equal(receiver('https://bridge.example/in'), 'other')
  for (const dialect of dialectNames.filter((name) => name !== 'workflow')) {
    t.equal(receiver('https://hooks.slack.com/services/T/B/x', dialect), 'slack', `Slack, whatever is sent: ${dialect}`)
  }
})

t.test('an answer is described in a few words, and a page by its first ones', async (t) => {
  const said: [Reply, string, string?][] = [
    [answer(200, 'ok'), '200 ok'],
    [answer(200, '{"success":true}'), '200 ok'],
    [answer(204), '204'],
    [answer(200), '200 and nothing'],
    [answer(404, 'no_service'), '404 no_service'],
    [answer(200, '{"ok":false,"error":"not_authed"}'), '200 not_authed'],
    [answer(200, login), '200 and a web page', '200 and a web page: "Sign in"'],
    [
      answer(403, '<style>p{}</style><p>Denied:\n https://a.b/c'),
      '403 and a web page',
      '403 and a web page: "Denied: …"'
    ],
    [answer(403, 'RBAC: access denied'), '403', '403: "RBAC: access denied"'],
    [answer(302, '', 'login.corp.example'), '302 to login.corp.example'],
    [{ is: 'proxy', status: 407 }, 'proxy 407'],
    [{ is: 'failure', code: 'ECONNRESET' }, 'ECONNRESET']
  ]
  for (const [reply, short, quoted = short] of said) {
    t.equal(sayReply(reply), short)
    t.equal(quoteReply(reply), quoted)
  }
  t.ok(quoteReply(answer(403, 'x'.repeat(5000))).length < 100)
})
