// Answers: decide whose yes counts as one, and what each no is about.
import t from 'tap'
import { type Kind, kindOf, type Receiver, type Reply, receiverOf } from '../src/deliver/answer.ts'
import { quoteReply, sayReply } from '../src/deliver/saying.ts'
import { dialectNames, guessDialect } from '../src/render/receivers/dialect.ts'

const answer = (status: number, body = '', redirectsTo?: string): Reply => ({
  is: 'answer',
  status,
  body,
  retryAfterMs: undefined,
  redirectsTo
})
const login = '<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>ok</body></html>'
const all = ['slack', 'workflow', 'mattermost', 'rocketchat', 'discord', 'zulip', 'other'] as const satisfies Receiver[]

/** The same for every receiver. */
const everywhere: [Reply, Kind][] = [
  [answer(200, 'ok'), 'taken'],
  [answer(200, '{"ok":true}'), 'taken'],
  [answer(200, '{"success":true}'), 'taken'],
  [answer(200, '{"result":"success","msg":""}'), 'taken'],
  [answer(200, login), 'doubtful'],
  [answer(200, `\ufeff\n${login}`), 'doubtful'],
  [answer(201, '<?xml version="1.0"?><error/>'), 'doubtful'],
  [answer(200, '{"ok":false,"error":"channel_not_found"}'), 'gone'],
  [answer(200, '{"ok":false,"error":"not_authed"}'), 'gone'],
  [answer(200, '{"ok":false,"error":"invalid_blocks"}'), 'refused'],
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
  [answer(200, `Warning: session in line 3\n${login}`), 'doubtful'],
  [answer(206, '\ufeffok'), 'taken'],
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

/** And what differs: `[answer, the usual, { receiver: what it is there }]`. */
const differing: [Reply, Kind, Partial<Record<Receiver, Kind>>][] = [
  [answer(200), 'taken', { slack: 'unclear', mattermost: 'unclear', rocketchat: 'unclear', zulip: 'unclear' }],
  [answer(202), 'taken', { slack: 'unclear', mattermost: 'unclear', rocketchat: 'unclear', zulip: 'unclear' }],
  [answer(204), 'taken', { slack: 'unclear' }],
  [answer(200, 'queued for you'), 'unclear', { rocketchat: 'taken', other: 'taken' }],
  [answer(200, '{"id":"1","type":0}'), 'taken', { slack: 'doubtful', mattermost: 'doubtful', zulip: 'doubtful' }],
  [answer(302, '', 'api.slack.com'), 'doubtful', { slack: 'gone' }],
  [answer(302), 'doubtful', { slack: 'gone' }],
  [answer(400, 'a_word_nobody_knows'), 'doubtful', { slack: 'refused', workflow: 'refused', other: 'refused' }],
  [answer(403, 'Access Denied.'), 'doubtful', {}],
  [answer(403, '{"message":"Forbidden"}'), 'doubtful', {}],
  [answer(200, '{"ok":"true"}'), 'taken', { slack: 'doubtful', mattermost: 'doubtful', zulip: 'doubtful' }],
  [answer(403, 'a_word_nobody_knows'), 'doubtful', { slack: 'gone', workflow: 'gone' }],
  [answer(403, '{"ok":false,"error":"x"}'), 'doubtful', { slack: 'gone', workflow: 'gone', zulip: 'gone' }],
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
  t.test(`only the yes of ${receiver} is a yes, and each no is about what it is about`, async (t) => {
    for (const [reply, kind] of everywhere) t.equal(kindOf(reply, receiver), kind, JSON.stringify(reply))
    for (const [reply, usual, own] of differing) {
      t.equal(kindOf(reply, receiver), own[receiver] ?? usual, JSON.stringify(reply))
    }
  })
}

t.test(
  'whose answers they are follows from the address, and where that does not show it, from the dialect',
  async (t) => {
    const receiver = (url: string, dialect = guessDialect(url)) => receiverOf(url, dialect)
    t.equal(receiver('https://hooks.slack.com/services/T/B/x'), 'slack')
    t.equal(receiver('https://hooks.slack-gov.com/services/T/B/x'), 'slack')
    t.equal(receiver('https://hooks.slack.com/triggers/T/1/x'), 'workflow')
    t.equal(receiver('https://egress.example/services/T/B/x'), 'slack')
    t.equal(receiver('https://chat.example/hooks/64f0c9/AbCdEf'), 'rocketchat')
    t.equal(receiver('https://discord.com/api/webhooks/1/x'), 'discord')
    t.equal(receiver('https://bridge.example/in'), 'other')
    for (const dialect of dialectNames.filter((name) => name !== 'workflow')) {
      t.equal(
        receiver('https://hooks.slack.com/services/T/B/x', dialect),
        'slack',
        `Slack, whatever is sent: ${dialect}`
      )
    }
  }
)

t.test('an answer is said in a few words, and a page by its first', async (t) => {
  const url = 'https://hooks.slack.com/services/T0AAAAAA/B0BBBBBB/s3cr3tS3cr3t?token=qqqqqqq1'
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
    [answer(403, `no ${url}`), '403', '403: "no …"'],
    [answer(403, `no ${new URL(url).pathname}`), '403', '403: "no …"'],
    [answer(403, 'B0BBBBBB s3cr3tS3cr3t qqqqqqq1'), '403', '403: "… … …"'],
    [answer(302, '', 'login.corp.example'), '302 to login.corp.example'],
    [{ is: 'proxy', status: 407 }, 'proxy 407'],
    [{ is: 'failure', code: 'ECONNRESET' }, 'ECONNRESET']
  ]
  for (const [reply, short, quoted = short] of said) {
    t.equal(sayReply(reply), short)
    t.equal(quoteReply(reply, url), quoted)
  }
  t.ok(quoteReply(answer(403, 'x'.repeat(5000)), url).length < 100)
})
