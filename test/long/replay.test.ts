// `flux-relay replay`: compares a new config with what a relay did, against a stand-in for its API.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fastify from 'fastify'
import t, { type Test } from 'tap'
import type { Transition } from '../../src/objects.ts'
import type { StoredEvent } from '../../src/rehearsal/replay.ts'
import { run } from '../fixtures/process.ts'
import { about, tempFolder } from '../fixtures/relay.ts'

const hour = 3_600_000
const begin = Date.now() - 20 * hour
const token = 'a token'

interface Past {
  name: string
  minutes: number
  /** What the relay sent: `rule → destination`, with `, state` if that is not `sent`. */
  notified?: string[]
  transition?: Transition
  isGood?: boolean
  isHeartbeat?: boolean
  source?: string
  message?: string
  namespace?: string
}

function stored(id: number, past: Past): StoredEvent {
  const {
    name,
    minutes,
    notified = [],
    transition,
    isGood,
    isHeartbeat,
    source = 'default',
    message,
    namespace = 'apps'
  } = past
  const receivedAt = begin + minutes * 60_000
  const event = about(name, {
    timestamp: new Date(receivedAt).toISOString(),
    ...(message !== undefined && { message }),
    ...(isGood && { severity: 'info', reason: 'ReconciliationSucceeded', message: 'Reconciliation finished' }),
    ...(isHeartbeat && { metadata: { commit_status: 'update', revision: 'main@sha1:def5678' } })
  })
  return {
    id: String(id),
    receivedAt,
    source,
    body: JSON.stringify({ ...event, involvedObject: { ...event.involvedObject, namespace } }),
    ...(transition !== undefined && { transition }),
    notifications: notified.map((entry) => {
      const [rule = '', destination = '', state = 'sent'] = entry.split(/ → |, /)
      return { rule, destination, state }
    })
  }
}

/** A relay that holds `past` and returns it in pages of two. */
async function startApi(t: Test, past: readonly Past[]): Promise<{ url: string; asked: Record<string, string>[] }> {
  const events = past.map((event, index) => stored(index, event))
  const asked: Record<string, string>[] = []
  const app = fastify()
  app.get<{ Querystring: Record<string, string> }>('/relay/api/events', async ({ query, headers }, reply) => {
    if (
      Buffer.from(headers.authorization?.slice(6) ?? '', 'base64')
        .toString()
        .split(':')[1] !== token
    )
      return reply.code(401).send({ code: 'UNAUTHORIZED', message: '' })
    asked.push(query)
    const from = Number(query['cursor'] ?? 0)
    const page = events
      .slice(from, from + 2)
      .map(({ receivedAt, ...event }) => ({ ...event, receivedAt: new Date(receivedAt).toISOString() }))
    return { events: page, next: from + 2 < events.length ? String(from + 2) : null }
  })
  app.get('/other/api/events', async () => ({ events: ['world'] }))
  t.teardown(() => app.close())
  return { url: await app.listen({ host: '127.0.0.1', port: 0 }), asked }
}

const config = `
cluster: prod
destinations: { platform: { preview: true }, team: { slack: { webhookUrl: "\${TEAM_URL}" } } }
rules:
  - { name: failures, send: platform }
`

function write(t: Test, files: Record<string, string>): (name: string) => string {
  const folder = tempFolder(t)
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return (name) => join(folder, name)
}

async function replayed(t: Test, past: readonly Past[], configs: Record<string, string>) {
  const { url, asked } = await startApi(t, past)
  const at = write(t, { 'new.yaml': config, ...configs })
  const old = 'old.yaml' in configs ? ['--old', at('old.yaml')] : []
  const args = ['replay', '--config', at('new.yaml'), ...old]
  const env = { RELAY_URL: `${url}/relay`, ADMIN_TOKEN: token }
  const result = await run(args, env)
  const json = async () => JSON.parse((await run([...args, '--json'], env)).out)
  return { ...result, asked, json }
}

const notified = ['failures → platform']
const story: Past[] = [
  { name: 'shop', minutes: 0, transition: 'failed', notified },
  { name: 'shop', minutes: 5, transition: 'repeated' },
  { name: 'cart', minutes: 6, transition: 'failed', notified, namespace: 'db' },
  { name: 'shop', minutes: 10, transition: 'recovered', isGood: true, notified },
  { name: 'cart', minutes: 11, transition: 'recovered', isGood: true, notified, namespace: 'db' }
]

t.test('the config that was in use sends the same, over all pages, and the exit code is 0', async (t) => {
  const { code, out, asked } = await replayed(t, story, {})
  t.match(out, /^5 events since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\nNothing would change\.\n$/)
  t.equal(code, 0)
  t.match(asked, [{ order: 'asc', limit: '500', body: 'true' }, { cursor: '2' }, { cursor: '4' }])
  t.ok(Math.abs(Number(asked[0]?.['since']) - (Date.now() - 24 * hour)) < hour)
})

t.test('losses are counted by destination, with examples and reasons, and the exit code says no', async (t) => {
  const { code, out, json } = await replayed(t, story, {
    'new.yaml': config.replace('name: failures,', 'name: failures, match: { namespace: apps },')
  })
  t.equal(code, 1)
  t.match(
    out,
    /\nplatform\n {2}2 lost\n {4}\S+ \S+ UTC {2}Kustomization db\/cart \(prod\): by failures\n {6}failures: namespace is db, wanted apps\n/
  )
  t.match(await json(), { ok: false, events: 5, changes: [{ destination: 'platform', is: 'lost', count: 2 }] })
})

t.test('a new notification, or one to another destination by the same rule, is not a loss', async (t) => {
  const moved = await replayed(t, story, { 'new.yaml': config.replace('send: platform', 'send: team') })
  t.equal(moved.code, 0)
  t.match(moved.out, /\nplatform\n {2}4 re-routed to team\n[\s\S]*\n {4}… and 1 more\n/)
  t.notMatch(moved.out, /lost|added/)
  const more = await replayed(t, story, { 'new.yaml': `${config}  - { name: team, send: team }` })
  t.equal(more.code, 0)
  t.match(more.out, /\nteam\n {2}4 added\n {4}.*Kustomization apps\/shop \(prod\): failed, by team\n/)
  const renamed = await replayed(t, story, { 'new.yaml': config.replace('name: failures', 'name: errors') })
  t.match(renamed.out, /Nothing would change/, 'readers do not see the name of a rule')
})

t.test('with the old config, changes of wording are shown line by line', async (t) => {
  const severities = 'severities: [{ reason: BuildFailed, severity: warn }]\n'
  const { code, out } = await replayed(t, story, {
    'old.yaml': config.replace('name: failures,', 'name: failures, match: { severity: warn },'),
    'new.yaml': severities + config.replace('name: failures,', 'name: failures, match: { severity: warn },')
  })
  t.equal(code, 0)
  t.match(
    out,
    /platform\n {2}4 re-worded\n {4}.*: failed, by failures\n {6}- 🔴 .* failed .*\n {6}\+ ⚠️ .* has a warning .*\n/
  )
})

const withheld = (state: string) => [`${notified[0]}, ${state}`]

t.test('the running config with a mute in it sends the same: what it muted notified nobody', async (t) => {
  const until = new Date(begin + 30 * 60_000).toISOString()
  const mute = `mute: [{ name: upgrade, match: { namespace: apps }, until: "${until}" }]\n`
  const past: Past[] = [
    { name: 'shop', minutes: 0, transition: 'failed', notified: withheld('muted') },
    { name: 'shop', minutes: 5, transition: 'repeated' },
    { name: 'cart', minutes: 6, transition: 'failed', notified: withheld('muted') },
    { name: 'cart', minutes: 10, transition: 'recovered', isGood: true, notified: withheld('muted') },
    // The summary at the end of the mute covers it.
    { name: 'shop', minutes: 40, transition: 'repeated' },
    { name: 'shop', minutes: 50, transition: 'recovered', isGood: true, notified }
  ]
  const { code, out } = await replayed(t, past, { 'new.yaml': config + mute })
  t.match(out, /^6 events since .*\nNothing would change\.\n$/)
  t.equal(code, 0)
  const without = await replayed(t, past, {})
  t.equal(without.code, 0, 'what notified nobody is not lost')
  t.match(
    without.out,
    /\n2 notifications were withheld by a mute, a silence or an operator, and would not be by this file\n/
  )
  const one = await replayed(t, past.slice(0, 1), {})
  t.match(one.out, /^1 event since .*\n1 notification was withheld by a mute/)
})

t.test('what was silenced or discarded by hand, or never arrived, is neither a loss nor new', async (t) => {
  for (const state of ['muted', 'discarded', 'dead']) {
    const past: Past[] = [
      { name: 'shop', minutes: 0, transition: 'failed', notified: withheld(state) },
      // Whoever was not notified of it is notified of its next event.
      { name: 'shop', minutes: 45, transition: 'repeated', notified },
      { name: 'shop', minutes: 50, transition: 'recovered', isGood: true, notified },
      { name: 'shop', minutes: 60, transition: 'failed', notified }
    ]
    const { code, out } = await replayed(t, past, {})
    t.equal(code, 0, state)
    t.match(out, /2 of them cannot be compared: they are about what was withheld by hand, or never arrived\n/, state)
    t.match(out, /Nothing would change/, state)
    const none = await replayed(t, past, {
      'new.yaml': config.replace('name: failures,', 'name: failures, match: { namespace: db },')
    })
    t.match(
      none.out,
      new RegExp(`platform\n {2}${state === 'dead' ? 2 : 3} lost`),
      `${state}: what comes after its end counts`
    )
  }
})

t.test('with the old config, what the relay really sent does not count', async (t) => {
  const silent = story.map(({ notified: _, ...past }) => past)
  const { out } = await replayed(t, silent, { 'old.yaml': config })
  t.match(out, /Nothing would change/)
})

t.test('what went to a removed destination, or came from a removed source, is lost', async (t) => {
  const past: Past[] = [
    { name: 'a', minutes: 0, transition: 'failed', notified: ['failures → gone'] },
    { name: 'b', minutes: 1, transition: 'failed', notified, source: 'edge' }
  ]
  const { code, out } = await replayed(t, past, { 'new.yaml': config.replace('send: platform', 'send: team') })
  t.equal(code, 1)
  t.match(out, /\n {6}there is no source edge\n/)
  const other = await replayed(t, past, { 'new.yaml': config.replace('name: failures', 'name: f') })
  t.match(other.out, /\ngone\n {2}1 lost\n.*\n {6}there is no destination gone\n/)
})

t.test('failures from before the first event are not compared until they are over', async (t) => {
  const past: Past[] = [
    { name: 'shop', minutes: 0, transition: 'repeated' },
    { name: 'shop', minutes: 5, transition: 'recovered', isGood: true, notified },
    { name: 'shop', minutes: 10, transition: 'failed', notified },
    { name: 'shop', minutes: 15, transition: 'recovered', isGood: true }
  ]
  const { code, out } = await replayed(t, past, {})
  t.match(out, /2 of them cannot be compared: they are about what began before\n\nplatform\n {2}1 added\n.*: recovered/)
  t.equal(code, 0)
})

t.test('with the old config they are, because both begin with nothing', async (t) => {
  const past: Past[] = [{ name: 'shop', minutes: 0, transition: 'repeated' }]
  const { code, out } = await replayed(t, past, {
    'old.yaml': config,
    'new.yaml': config.replace('send: platform', 'send: platform, match: { namespace: db }')
  })
  t.equal(code, 1)
  t.match(out, /\nplatform\n {2}1 lost\n/)
})

t.test('an update counts as one even if the previous revision is older than the first event', async (t) => {
  const deploys = `${config}  - { name: deploys, match: { severity: [info] }, send: team }`
  const update: Past = { name: 'shop', minutes: 0, transition: 'updated', isGood: true, isHeartbeat: true }
  const same = await replayed(t, [{ ...update, notified: ['deploys → team'] }], { 'new.yaml': deploys })
  t.match(same.out, /Nothing would change/)

  const failure: Past = { name: 'shop', minutes: 0, transition: 'failed', notified }
  const recovery: Past = { ...update, minutes: 10, transition: 'recovered', notified: [...notified, 'deploys → team'] }
  const unsure = await replayed(t, [failure, recovery], { 'new.yaml': deploys })
  t.match(unsure.out, /1 of them cannot be compared.*\nNothing/, 'whether it came with a recovery is not known')
})

t.test('an example has the time of its event, and nothing that a terminal obeys', async (t) => {
  const past: Past[] = [{ name: '\u001b[2Jshop', minutes: 60, transition: 'failed', notified: ['failures → gone'] }]
  const { out } = await replayed(t, past, { 'new.yaml': config.replace('send: platform', 'send: team') })
  const at = new Date(begin + hour).toISOString().slice(0, 19).replace('T', ' ')
  t.match(out, ` ${at} UTC  Kustomization apps/shop (prod)`)
})

t.test('unreadable events are counted', async (t) => {
  const { out } = await replayed(t, [...story, { name: 'x'.repeat(300), minutes: 20 }], {})
  t.match(out, /6 events since .*\n1 of them cannot be read\n/)
})

t.test('something that answers unlike a relay is reported in a sentence', async (t) => {
  const { url } = await startApi(t, story)
  const at = write(t, { 'new.yaml': config, 'bad.yaml': 'rules: []' })
  const good = ['--config', at('new.yaml')]
  const cases: [string[], RegExp][] = [
    [['--url', `${url}/relay`, ...good], /answers 401: .*; give it as --token/],
    [['--url', `${url}/other`, ...good], /\/other does not answer with stored events: answer must/],
    [['--url', `${url}/nowhere`, ...good], /answers 404/],
    [['--url', 'http://127.0.0.1:1', ...good], /no answer from http:\/\/127.0.0.1:1: ECONNREFUSED/],
    [['--url', 'relay:8080', ...good], /--url is not a URL; write http/],
    [['--url', url, ...good, '--since', 'yesterday'], /--since yesterday is not a duration; write 24h or 7d/],
    [['--url', url, '--config', at('bad.yaml')], /"destinations" is missing/]
  ]
  for (const [args, text] of cases) {
    const { code, err } = await run(['replay', ...args])
    t.equal(code, 2, args.join(' '))
    t.match(err, text)
    t.notMatch(err, /\n {4}at /, 'no stack')
  }
})
