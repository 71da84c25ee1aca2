// Another version: the command line meets a relay whose API has less than it expects, or more.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { run } from './fixtures/process.ts'

const at = '2026-11-20T10:00:00.000Z'
const object = { cluster: 'prod', kind: 'HelmRelease', namespace: 'db', name: 'redis' }
const advice = 'where the relay is of another version, use the command line of that version'

/** Answers each path with its part of `answers`, others with 404; resolves to its address and a request counter. */
async function startOther(t: Test, answers: Record<string, object>): Promise<{ url: string; asked: () => number }> {
  let asked = 0
  const server = createServer(({ url = '' }, response) => {
    asked++
    const answer = answers[url.split('?', 1)[0] ?? '']
    response.statusCode = answer === undefined ? 404 : 200
    response.setHeader('content-type', 'application/json')
    // Stops a client that would ask for ever.
    if (asked > 20) response.destroy()
    else response.end(JSON.stringify(answer ?? { code: 'NOT_FOUND', message: 'there is no such path' }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked: () => asked }
}

t.test('every command that needs missing fields says that the relay is of another version', async (t) => {
  const { url } = await startOther(t, {
    '/api/objects': { objects: [{ object, state: 'failing', since: at, revision: '', told: [] }], next: null },
    '/api/events': { events: [{ id: '1', receivedAt: at, transition: 'failed', object, reason: 'x' }], next: null },
    '/api/events/1': { id: '1', receivedAt: at, object },
    '/api/lanes': { lanes: [{ lane: 'a', backlog: 1 }] },
    '/api/sources': { sources: [{ source: 'default', lastEventAt: null }] },
    '/api/silences': { silences: [{ id: '1', match: {}, comment: '', endsAt: at }] }
  })
  for (const call of [['objects'], ['events'], ['why', '1'], ['lanes'], ['sources'], ['silence', 'list']]) {
    const { code, out, err } = await run(call, { RELAY_URL: url })
    t.match({ code, out }, { code: 2, out: '' }, call.join(' '))
    t.ok(err.startsWith(`${url} answers in a form that this command line cannot read; ${advice}`), err)
  }
})

t.test('a missing list is explained by another version', async (t) => {
  const { url } = await startOther(t, { '/api/objects': { objects: [], next: null } })
  const { code, err } = await run(['acts'], { RELAY_URL: url })
  t.match({ code, err }, { code: 2, err: `answers 404: there is no such path; ${advice}\n` })
})

t.test('if a list does not say whether it goes on, nothing is asked, retried or listed twice', async (t) => {
  for (const [call, path, page] of [
    [['retry', '--all'], '/api/notifications/retry', { retried: [{ id: '1', destination: 'a', lane: 'a' }] }],
    [['notifications'], '/api/notifications', { notifications: [] }],
    [['ack', 'db/redis'], '/api/objects', { objects: [] }]
  ] as const) {
    const { url, asked } = await startOther(t, { [path]: page })
    const { code, out, err } = await run([...call], { RELAY_URL: url })
    t.match({ code, out }, { code: 2, out: '' }, call.join(' '))
    t.match(err, `${url} answers in a form that this command line cannot read; ${advice} ("next" is missing)\n`)
    t.equal(asked(), 1, 'once')
  }
})

t.test('additions of a newer relay change nothing', async (t) => {
  const { url } = await startOther(t, {
    '/api/lanes': {
      lanes: [{ lane: 'a', destinations: ['a'], backlog: 0, oldest: null, block: null, notBefore: null, mood: 'good' }],
      weather: 'fine'
    }
  })
  const { code, out } = await run(['lanes'], { RELAY_URL: url })
  t.equal(code, 0)
  t.match(out, /^DESTINATIONS +LANE +STATE/)
})
