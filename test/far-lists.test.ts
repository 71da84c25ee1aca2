// Far lists: commands that need a whole list, or an entry many pages away, ask until they have it.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import { run } from './fixtures/process.ts'

const at = '2026-11-20T10:00:00.000Z'
const last = 230

/** Starts a relay that answers `list` with a page for each number up to `last`, made by `itemsOf`, and everything else with `other`. */
async function startFar(t: Test, list: string, itemsOf: (page: number) => object[], other: object) {
  const others: string[] = []
  const server = createServer(({ url = '' }, response) => {
    const { pathname, searchParams } = new URL(url, 'http://relay')
    const page = Number(searchParams.get('cursor'))
    const isList = pathname === `/api/${list}`
    if (!isList) others.push(pathname)
    const answer = isList ? { [list]: itemsOf(page), next: page < last ? String(page + 1) : null } : other
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(answer))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  const env = { RELAY_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
  return { env, others }
}

t.test('all dead letters that match are discarded, however many pages they fill', async (t) => {
  const { env, others } = await startFar(t, 'notifications', (page) => [{ id: String(page) }], { id: '1' })
  const { code, out } = await run(['discard', '--all', '--yes'], env)
  t.match({ code, out }, { code: 0, out: `Discarded: ${last + 1} dead letters.\n` })
  t.equal(new Set(others).size, last + 1)
})

t.test('a list is listed up to the limit, with a hint only if there is more', async (t) => {
  const acted = { at, name: 'ada', via: 'cli', did: 'retry', about: { notifications: ['1'] } }
  const { env } = await startFar(t, 'acts', () => [acted], {})
  const all = await run(['acts', '--limit', '1000'], env)
  t.match({ lines: all.out.split('\n').length, err: all.err }, { lines: last + 3, err: '' })
  const some = await run(['acts', '--limit', '220'], env)
  t.match(some.err, 'There are more; raise --limit (now 220).\n')
})

t.test('the incident of an object is found among more objects of its name than fit on a page', async (t) => {
  const object = { cluster: 'prod', kind: 'HelmRelease', namespace: 'db', name: 'redis' }
  const failing = { object, state: 'failing', failure: { since: at } }
  const healthy = Array.from({ length: 10 }, () => ({ object, state: 'healthy' }))
  const acknowledged = { object, since: at, acknowledged: { by: 'ada', at } }
  const { env } = await startFar(t, 'objects', (page) => (page === last ? [failing] : healthy), acknowledged)
  t.match(await run(['ack', 'db/redis'], env), { code: 0, out: /^HelmRelease prod\/db\/redis: acknowledged by ada/ })
})

t.test('the newest event of an object is found after many later events of others', async (t) => {
  const { env, others } = await startFar(t, 'events', (page) => (page === last ? [{ id: '7' }] : []), {
    ...{
      id: '7',
      receivedAt: at,
      source: 'default',
      transition: 'failed',
      severity: 'error',
      reason: 'x',
      message: ''
    },
    ...{ object: { cluster: 'prod', kind: 'HelmRelease', namespace: 'db', name: 'redis' }, gist: '' },
    ...{ trace: { verdicts: [], quiet: [] }, notifications: [], standing: null }
  })
  t.match(await run(['why', 'db/redis'], env), { code: 1, out: /\nEvent 7, / })
  t.same(others, ['/api/events/7'])
})
