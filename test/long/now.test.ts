// The first page: green only if all is known to be well, and otherwise its title says what is the matter.
import { execFile } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { createClock, type TestClock } from '../fixtures/clock.ts'
import { look, textOf } from '../fixtures/dashboard.ts'
import { about, type Relay, type RelayOptions, startRelay } from '../fixtures/relay.ts'

const config = `
sources:
  default: { hmacKeys: [key], cluster: home }
  prod-eu: { expectEvery: 30m, cluster: prod-eu }
  open: {}
destinations:
  team: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } }
rules: [{ name: failures, match: { severity: warn }, send: team }]`

const names = ['default', 'prod-eu', 'open'] as const

/** A relay in virtual time, and what can happen to it. */
class Stage {
  readonly relay: Relay
  readonly clock: TestClock
  readonly config: string

  constructor(relay: Relay, clock: TestClock, config: string) {
    this.relay = relay
    this.clock = clock
    this.config = config
  }

  /** Lets time pass without any events, no faster than the relay checks its sources. */
  async pass(minutes: number): Promise<void> {
    for (let step = 0; step < minutes * 2; step++) {
      this.clock.advance(30_000)
      // The check takes real time; while it is behind, the answer is that nobody knows.
      for (let tries = 0; tries < 2000; tries++) if ((await this.relay.get('/api/sources')).status === 200) break
    }
  }

  /** What a healthy cluster posts at each interval. */
  async beat(source: string, cluster = ''): Promise<void> {
    await this.post(source, { severity: 'info', reason: 'ReconciliationSucceeded', message: 'fine', cluster })
  }

  async fail(source: string, name: string): Promise<void> {
    await this.post(source, { name })
  }

  private async post(
    source: string,
    { name = 'shop', cluster = '', ...changes }: Record<string, string>
  ): Promise<void> {
    const timestamp = new Date(this.clock.now()).toISOString()
    const revision = 'main@sha1:4f2c91d0b7e84c6a9d35f1e20c7ab8d964e15f3a'
    const body = JSON.stringify(
      about(String(name), {
        timestamp,
        metadata: { revision, ...(cluster && { cluster: String(cluster) }) },
        ...changes
      })
    )
    const signature = `sha256=${createHmac('sha256', 'key').update(body).digest('hex')}`
    const { status } = await this.relay.post(body, {
      path: `/webhook/${source}`,
      headers: source === 'default' ? { 'x-signature': signature } : {}
    })
    if (status !== 202) throw new Error(`${source} was answered ${status}`)
  }

  async beatAll(): Promise<void> {
    for (const name of names) await this.beat(name)
  }

  write(config: string): void {
    writeFileSync(this.relay.app.env.CONFIG_FILE, config.replaceAll('$SLACK', this.relay.slack.url()))
    this.relay.app.reload()
  }

  /** The heading of the page with its colour, and the title of the tab. */
  async hero(): Promise<{ colour: string; title: string; text: string; tab: string; page: string }> {
    const { html } = await look(this.relay, '/')
    const [, colour = '', hero = ''] = /<section class="hero (\w+)">([\s\S]*?)<\/section>/.exec(html) ?? []
    const title = textOf(/<h1>([\s\S]*?)<\/h1>/.exec(hero)?.[1] ?? '').trim()
    const tab = textOf(/<title>([\s\S]*?) · flux-relay<\/title>/.exec(html)?.[1] ?? '')
    return { colour, title, text: inWords(hero.replace(/<h1>[\s\S]*<\/h1>/, '')), tab, page: inWords(html) }
  }
}

/** As it is read: a tag before a full stop is no space. */
function inWords(html: string): string {
  return textOf(html)
    .replace(/ (?=[.,;](?: |$))/g, '')
    .trim()
}

async function stage(t: Parameters<typeof startRelay>[0], options: RelayOptions = {}): Promise<Stage> {
  const clock = createClock()
  const text = options.config ?? config
  return new Stage(await startRelay(t, { clock, config: text, ...options }), clock, text)
}

const heroes: {
  of: string
  happens: (stage: Stage) => Promise<void>
  colour: string
  title: string | RegExp
  text?: RegExp
}[] = [
  {
    of: 'no event has ever arrived',
    happens: async () => {},
    colour: 'grey',
    title: 'Waiting for the first event',
    text: /^None of the 3 sources has ever posted\.$/
  },
  {
    of: 'all post, nothing fails',
    async happens(stage) {
      await stage.beatAll()
      await stage.pass(12)
      await stage.beat('open')
    },
    colour: 'green',
    title: 'All is well',
    text: /^Nothing fails, and 3 of 3 sources posted within the last 12 m\. Last event just now\.$/
  },
  {
    of: 'a source has never posted, and nobody expects it to',
    async happens(stage) {
      await stage.beat('default')
      await stage.beat('prod-eu')
    },
    colour: 'grey',
    title: 'Nothing is known to fail',
    text: /Nothing has ever come from open\./
  },
  {
    of: 'an expected source has never posted',
    async happens(stage) {
      for (let n = 0; n < 2; n++) {
        await stage.beat('default')
        await stage.beat('open')
        await stage.pass(16)
      }
    },
    colour: 'amber',
    title: 'Quiet: nothing from prod-eu, ever',
    text: /In that cluster: kubectl -n flux-system get events/
  },
  {
    of: 'a source is quiet for longer than its expectEvery',
    async happens(stage) {
      await stage.beatAll()
      await stage.pass(31)
    },
    colour: 'amber',
    title: 'Quiet: nothing from prod-eu since 14:00 UTC',
    text: /Flux is down or suspended there, or its posts do not arrive\..* Last event 31 m ago\.$/
  },
  {
    of: 'a source without expectEvery is quiet for an hour',
    async happens(stage) {
      await stage.beat('open')
      for (let n = 0; n < 4; n++) {
        await stage.beat('default')
        await stage.beat('prod-eu')
        await stage.pass(16)
      }
    },
    colour: 'amber',
    title: 'Quiet: nothing from open since 14:00 UTC',
    text: /If it posts this rarely, set expectEvery\./
  },
  {
    of: 'two sources are quiet, one since yesterday',
    async happens(stage) {
      await stage.beatAll()
      stage.clock.advance(11 * 3_600_000)
      await stage.pass(1)
      await stage.beat('default')
      await stage.pass(65)
      await stage.beat('open')
    },
    colour: 'amber',
    title: 'Quiet: nothing from default since 01:01 UTC, nor from prod-eu since 2026-09-21 14:00 UTC'
  },
  {
    of: 'all are quiet',
    async happens(stage) {
      await stage.beatAll()
      await stage.pass(61)
    },
    colour: 'amber',
    title: '3 of 3 sources are quiet'
  },
  {
    of: 'a cluster is quiet while others post through the same source',
    async happens(stage) {
      await stage.beat('open', 'us')
      for (let n = 0; n < 4; n++) {
        await stage.beatAll()
        await stage.beat('open', 'eu')
        await stage.pass(16)
      }
      await stage.beatAll()
    },
    colour: 'amber',
    title: 'Quiet: nothing from cluster us since 14:00 UTC, though its source open posts'
  },
  {
    of: 'requests for a source that never posted have a wrong key',
    async happens(stage) {
      for (let n = 0; n < 12; n++)
        await stage.relay.post('{}', { headers: { 'x-signature': `sha256=${'0'.repeat(64)}` } })
    },
    colour: 'amber',
    title: '12 requests for source default had a wrong or missing signature in the last hour',
    text: /what it sent is lost: compare token in the Secret of its Provider with sources\.default\.hmacKeys\..* Waiting for the first event\.$/
  },
  {
    of: 'somebody without a key sends requests to a source that posts',
    async happens(stage) {
      await stage.beatAll()
      await stage.relay.post('{}')
    },
    colour: 'amber',
    title: '1 request for source default had a wrong or missing signature in the last hour'
  },
  {
    of: 'a wrong key an hour ago no longer counts',
    async happens(stage) {
      await stage.relay.post('{}')
      await stage.pass(60)
      await stage.beatAll()
    },
    colour: 'green',
    title: 'All is well'
  },
  {
    of: 'a source posts something that is not an event',
    async happens(stage) {
      await stage.beatAll()
      await stage.relay.post('{"reason":1}', { path: '/webhook/open' })
      await stage.relay.post('no JSON', { path: '/webhook/open' })
    },
    colour: 'amber',
    title: '2 requests for source open were not Flux events in the last hour'
  },
  {
    of: 'an object fails, a source is quiet, and a key is wrong',
    async happens(stage) {
      await stage.beatAll()
      await stage.pass(31)
      await stage.fail('open', 'shop')
      await stage.relay.post('{}')
    },
    colour: 'red',
    title: '1 failing',
    text: /^Quiet: nothing from prod-eu since 14:00 UTC\. 1 request for source default had .* Last event just now\.$/
  },
  {
    of: 'an object failed at its last event',
    async happens(stage) {
      await stage.fail('open', 'old')
      stage.clock.advance(26 * 3_600_000)
      await stage.beatAll()
    },
    colour: 'amber',
    title: 'Nothing is known to fail',
    text: /1 failed at the last event; nothing is known about it since\./
  },
  {
    of: 'the config file is refused',
    async happens(stage) {
      await stage.beatAll()
      stage.write('rules: 5')
    },
    colour: 'amber',
    title: 'Nothing is known to fail',
    text: /The config file was refused; the previous version stays in effect\./
  },
  {
    of: 'Slack rejects all messages',
    async happens(stage) {
      await stage.beatAll()
      stage.relay.slack.behave('*', () => ({ status: 404, body: 'no_service' }))
      await stage.fail('open', 'shop')
      await stage.relay.logged(/rejects all messages/)
      await stage.pass(1)
      await stage.beat('open')
    },
    colour: 'red',
    title: '1 destination rejects all messages'
  },
  {
    of: 'Slack accepts nothing for now',
    async happens(stage) {
      stage.relay.slack.behave('*', () => ({ status: 500, body: 'rollup_error' }))
      await stage.beatAll()
      await stage.fail('open', 'shop')
      await stage.pass(1)
      await stage.beat('open')
      await stage.pass(8)
    },
    colour: 'amber',
    title: /^Messages to team are late: the next one has been tried for [89] m$/
  }
]

const run = promisify(execFile)
const hasTools = await run('sh', ['-c', 'command -v curl && command -v openssl']).then(
  () => true,
  () => false
)

t.test('the first page says what is the matter, and is green only if nothing is known to be', async (t) => {
  for (const { of, happens, colour, title, text } of heroes) {
    await t.test(of, async (t) => {
      const on = await stage(t)
      await happens(on)
      const hero = await on.hero()
      t.match({ colour: hero.colour, title: hero.title }, { colour, title })
      t.equal(
        hero.tab,
        colour === 'red' ? hero.title.replace('1 failing', '(1) failing') : hero.title,
        'the same in the tab'
      )
      if (text) t.match(hero.text, text)
    })
  }
})

t.test('events that the relay cannot store are its own fault, and are mentioned before quiet sources', async (t) => {
  const on = await stage(t, { env: { MAX_PENDING: '1' } })
  on.relay.slack.behave('*', () => ({ status: 500, body: 'rollup_error' }))
  await on.fail('open', 'shop')
  t.equal((await on.relay.post(about('cart'), { path: '/webhook/open' })).status, 503)
  const { title, text } = await on.hero()
  t.equal(title, '1 failing')
  t.match(text, /^1 request for source open could not be stored in the last hour\./)
})

t.test('after the relay was away, no source is called quiet, and nothing is green, until it is known', async (t) => {
  const first = await stage(t)
  await first.beatAll()
  await first.pass(1)
  await first.relay.app.close()
  first.clock.advance(3 * 3_600_000)
  const folder = dirname(first.relay.app.env.CONFIG_FILE)
  const text = config.replaceAll('$SLACK', first.relay.slack.url())
  const relay = await startRelay(t, { clock: first.clock, folder, config: text })
  const second = new Stage(relay, first.clock, text)
  t.match(await second.hero(), {
    colour: 'grey',
    title: 'Not known yet: the relay was away, and nothing has come from 3 sources since 17:01 UTC'
  })
  t.match((await second.hero()).page, /without a break since 17:01 UTC\. Gaps before that mean nothing\./)
  await second.beatAll()
  t.match(await second.hero(), { colour: 'green', title: 'All is well' })
})

t.test('refused requests are not forgotten with a restart', async (t) => {
  const first = await stage(t)
  await first.beatAll()
  await first.relay.post('{}')
  await first.pass(1)
  await first.relay.app.close()
  const folder = dirname(first.relay.app.env.CONFIG_FILE)
  const text = config.replaceAll('$SLACK', first.relay.slack.url())
  const second = new Stage(await startRelay(t, { clock: first.clock, folder, config: text }), first.clock, text)
  const title = 'Requests for source default were refused by another replica or before a restart'
  t.match(await second.hero(), { colour: 'amber', title })
  await second.relay.post('{}')
  await second.pass(1)
  t.match(await second.hero(), { title: /^1 request for source default had a wrong or missing signature/ })
  await second.pass(60)
  await second.beatAll()
  t.match(await second.hero(), { colour: 'green', title: 'All is well' })
})

t.test(
  "a source's usual interval is learnt: one that posts every twenty minutes is not quiet after an hour",
  async (t) => {
    const on = await stage(t, { config: config.replace(/ {2}(default|prod-eu): .*\n/g, '') })
    const isQuiet = async () => (await on.hero()).title.startsWith('Quiet')
    for (let n = 0; n < 6; n++) {
      // Several at once, like the Kustomizations of one interval.
      for (const name of ['a', 'b', 'c']) await on.beat('open', name)
      await on.pass(20)
    }
    await on.beat('open')
    await on.pass(199)
    t.equal(await isQuiet(), false)
    await on.pass(2)
    t.equal(await isQuiet(), true)
    t.notMatch(on.relay.log.join(''), 'SourceQuiet', 'it is shown, and nobody is notified')
  }
)

t.test('the card of the sources shows each with its events and refused requests', async (t) => {
  const on = await stage(t)
  await on.pass(5)
  await on.beat('open', 'us')
  await on.beat('open', 'eu')
  await on.relay.post('{}')
  await on.pass(2)
  const { page } = await on.hero()
  t.match(
    page,
    /Sources 3 default never posted No event has ever come Cluster home 1 request had a wrong or missing signature in the last hour, the last 2 m ago\./
  )
  t.match(page, /prod-eu never posted No event has ever come · one is expected every 30 m Cluster prod-eu/)
  t.match(
    page,
    /open active Last event 2 m ago · 2 events since 14:00 UTC · quiet after 1 h Clusters, as its events say: us, eu/
  )
  await on.pass(60)
  t.match((await on.hero()).page, /open quiet Last event 1 h ago · 0 events in the last hour/)
})

t.test('senders may name clusters, but only a limited number is kept and shown', async (t) => {
  const on = await stage(t)
  for (let n = 0; n < 25; n++) await on.beat('open', `${n}-${'x'.repeat(300)}`)
  const { body } = await on.relay.get('/api/sources')
  const { clusters, hasMoreClusters } = JSON.parse(body).sources.at(-1)
  t.equal(clusters.length, 20)
  t.equal(hasMoreClusters, true)
  t.ok(clusters.every(({ cluster }: { cluster: string }) => cluster.length <= 253))
  t.match((await on.hero()).page, /, more /)
})

t.test(
  'the command for a first event works as it is pasted',
  { skip: !hasTools && 'needs curl and openssl' },
  async (t) => {
    for (const [proof, env] of [
      ['{ hmacKeys: [s3cret] }', { FLUX_HMAC_KEY: 's3cret' }],
      ['{ tokens: [s3cret] }', { FLUX_TOKEN: 's3cret' }],
      ['{}', {}]
    ] as const) {
      for (const name of ['default', 'prod-us']) {
        const on = await stage(t, {
          config: `sources: { ${name}: ${proof} }${config.slice(config.indexOf('\ndestinations'))}`
        })
        const { html } = await look(on.relay, '/')
        const command = textOf(/<pre id="by-hand">([\s\S]*?)<\/pre>/.exec(html)?.[1]?.replaceAll('\n', ' ; ') ?? '')
        const { stdout } = await run('sh', ['-c', command], { env: { ...process.env, ...env } })
        t.match(stdout, /"status":"accepted"/, `${name} ${proof}`)
        t.match(await on.hero(), { colour: 'green', title: 'All is well', text: /1 of 1 source posted/ })
        t.notMatch((await on.hero()).page, 'Get the first event')
      }
    }
  }
)

t.test('the Host header of a browser gets into no command unless it is a host', async (t) => {
  const on = await stage(t, { env: { ADMIN_TOKEN: 'open-sesame' } })
  const ask = async (host: string) => {
    const { stdout } = await run(process.execPath, [
      '-e',
      `require('http').get({ port: ${new URL(on.relay.url).port}, host: '127.0.0.1', headers: { host: ${JSON.stringify(host)},
        authorization: 'Bearer open-sesame' } }, (r) => r.pipe(process.stdout))`
    ])
    return stdout
  }
  t.match(await ask('relay.example:8443'), 'http://relay.example:8443/webhook')
  t.notMatch(await ask('x;id'), 'x;id')
})
