// First post: survives a moment in which Slack's client cannot be loaded.
import Module from 'node:module'
import t, { type Test } from 'tap'
import { createClock } from './fixtures/clock.ts'
import { about, startRelay } from './fixtures/relay.ts'

/** Makes `name` fail to load for lack of file descriptors, until the returned function is called. */
function outOfFiles(t: Test, name: string): () => void {
  const loader = Module as unknown as { _load: (request: string, ...rest: unknown[]) => unknown }
  const load = loader._load
  loader._load = (request, ...rest) => {
    if (request === name) throw Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' })
    return load(request, ...rest)
  }
  const calm = () => {
    loader._load = load
  }
  t.teardown(calm)
  return calm
}

t.test('a client that could not be loaded is loaded again, and the relay is not ready until then', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock })
  const calm = outOfFiles(t, 'undici')
  t.equal((await relay.get('/readyz')).status, 200, 'nothing has been posted yet')
  await relay.post(about('shop'))
  await relay.logged(/"answer":"EMFILE".*message postponed/)
  const { status, body } = await relay.get('/readyz')
  t.match({ status, body: JSON.parse(body) }, { status: 503, body: { code: 'CANNOT_POST' } })
  t.equal((await relay.get('/healthz')).status, 200)
  calm()
  t.equal((await relay.get('/readyz')).status, 200, 'asking is enough: an event may not come before')
  clock.advance(10_000)
  await relay.slack.until(({ accepted }) => accepted.length === 1)
})
