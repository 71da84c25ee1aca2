// Proxy: stands between the relay and Slack.
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { createSlack } from '../src/deliver/slack.ts'
import { createClock } from './fixtures/clock.ts'
import { about, startRelay } from './fixtures/relay.ts'

/** Starts a proxy that answers CONNECT with `status`, and sets it in the environment until the test is over. */
async function proxy(t: Test, status: number): Promise<{ asked: string[] }> {
  const asked: string[] = []
  const server: Server = createServer()
  server.on('connect', ({ url = '' }, socket) => {
    asked.push(url)
    socket.end(`HTTP/1.1 ${status} No\r\nProxy-Authenticate: Basic realm="corp"\r\ncontent-length: 0\r\n\r\n`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  process.env['HTTPS_PROXY'] = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  t.teardown(async () => {
    delete process.env['HTTPS_PROXY']
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  return { asked }
}

t.test("the answer of a proxy that does not open the tunnel is recognised as the proxy's", async (t) => {
  for (const status of [407, 403, 502, 503]) {
    await t.test(String(status), async (t) => {
      const { asked } = await proxy(t, status)
      const slack = createSlack()
      const reply = await slack.post('https://hooks.slack.com/services/T/B/x', '{}', new AbortController().signal)
      await slack.close()
      t.same(reply, { is: 'proxy', status })
      t.same(asked, ['hooks.slack.com:443'])
    })
  }
})

t.test('a proxy that could never be reached is refused at the start, with what to write', async (t) => {
  t.teardown(() => delete process.env['HTTPS_PROXY'])
  for (const [address, says] of [
    ['https://10.0.0.7:3128', /https:\/\/ and an IP address.*as in http:\/\/10\.0\.0\.7:3128/],
    ['https://user:pass@10.0.0.7', /https:\/\/ and an IP address/],
    ['proxy.acme.dev:3128', /is not of the form http:\/\/proxy\.example:3128/]
  ] as const) {
    process.env['HTTPS_PROXY'] = address
    t.throws(createSlack, { code: 'BAD_CONFIG', message: says }, address)
  }
  for (const address of ['http://10.0.0.7:3128', 'https://proxy.acme.dev:3128', 'https://[2001:db8::1]:3128', '']) {
    process.env['HTTPS_PROXY'] = address
    await createSlack().close()
  }
})

t.test(
  'a proxy that wants a password is reported in the log, the API and to the operator, and nothing is lost',
  async (t) => {
    await proxy(t, 407)
    const clock = createClock()
    const relay = await startRelay(t, {
      clock,
      env: { HTTPS_PROXY: process.env['HTTPS_PROXY'] ?? '' },
      config: `
destinations:
  team: { slack: { webhookUrl: "https://hooks.slack.com/services/T/B/x" } }
  ops: { slack: { webhookUrl: "$SLACK" } }
operator: [ops, team]
rules: [{ name: all, send: team }]`
    })
    await relay.post(about('shop'))
    await relay.slack.until(({ accepted }) => accepted.length === 1)
    t.match(relay.slack.accepted[0]?.text, /destination team takes no messages: the answer is proxy 407/)
    t.match(relay.log.join(''), /"answer":"proxy 407".*destination rejects all messages/)
    const { lanes } = JSON.parse((await relay.get('/api/lanes')).body)
    t.match(
      lanes.find(({ destinations }: { destinations: string[] }) => destinations.includes('team')),
      { backlog: 1, block: { reason: 'proxy 407' } }
    )
  }
)
