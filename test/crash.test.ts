// Crash: after kill -9 at any point, everything that was answered 202 still reaches Slack.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { beginRelay, freePort, spawnRelay } from './fixtures/process.ts'
import { about, openConfig, tempFolder } from './fixtures/relay.ts'
import { startSlack } from './fixtures/slack.ts'

async function serve(t: Test, folder: string, port: number): Promise<ChildProcess> {
  const relay = await spawnRelay(folder, port)
  t.teardown(() => relay.kill('SIGKILL'))
  return relay
}

t.test('what was acknowledged before kill -9 reaches Slack after the restart', async (t) => {
  const slack = await startSlack({ perSecond: Number.POSITIVE_INFINITY, burst: Number.POSITIVE_INFINITY, latencyMs: 0 })
  t.teardown(() => slack.close())
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'config.yaml'), openConfig.replaceAll('$SLACK', slack.url()))
  const port = await freePort()
  const url = `http://127.0.0.1:${port}/webhook`

  const first = await serve(t, folder, port)
  const acknowledged: string[] = []
  const names = Array.from({ length: 500 }, (_, n) => `app-${n}`)
  const senders = Array.from({ length: 8 }, async () => {
    for (let name = names.shift(); name !== undefined; name = names.shift()) {
      const headers = { 'content-type': 'application/json' }
      const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(about(name)) }).catch(
        () => undefined
      )
      if (answer?.status !== 202) continue
      acknowledged.push(name)
      if (acknowledged.length === 150) first.kill('SIGKILL')
    }
  })
  await Promise.all(senders)
  if (first.exitCode === null && first.signalCode === null) await once(first, 'exit')
  t.ok(acknowledged.length >= 150 && acknowledged.length < 500, `${acknowledged.length} acknowledged before the kill`)

  await serve(t, folder, port)
  const missing = () => {
    const posted = new Set(slack.accepted.flatMap(({ text }) => text.match(/app-\d+/g) ?? []))
    return acknowledged.filter((name) => !posted.has(name))
  }
  await slack.until(() => missing().length === 0, 30_000)
  t.same(missing(), [])

  const counts = new Map<string, number>()
  for (const { text } of slack.accepted) counts.set(text, (counts.get(text) ?? 0) + 1)
  const repeated = [...counts.values()].filter((count) => count > 1)
  t.ok(repeated.length <= 1 && repeated.every((count) => count === 2), 'at most the one message under way came twice')
  t.equal(slack.maxInFlight(), 1)
})

t.test('a log reader that goes away does not keep the relay from ending', async (t) => {
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'config.yaml'), 'destinations: { look: { preview: true } }\nrules: []')
  const relay = await serve(t, folder, await freePort())
  relay.stdout?.destroy()
  relay.kill('SIGTERM')
  const [code] = await once(relay, 'exit')
  t.equal(code, 0)
})

t.test('SIGTERM ends the relay cleanly', async (t) => {
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'config.yaml'), 'destinations: { look: { preview: true } }\nrules: []')
  const relay = await serve(t, folder, await freePort())
  relay.kill('SIGTERM')
  const [code] = await once(relay, 'exit')
  t.equal(code, 0)
})

t.test('SIGHUP does not end a relay that still waits for its database', async (t) => {
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'config.yaml'), 'destinations: { look: { preview: true } }\nrules: []')
  const silent = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.teardown(() => silent.close())
  const { port } = silent.address() as { port: number }
  const database = `postgres://relay:secret@127.0.0.1:${port}/relay`
  const { relay } = beginRelay(folder, await freePort(), { database })
  let log = ''
  for await (const chunk of relay.stdout ?? []) {
    log += chunk
    if (/waiting for the database/.test(log)) break
  }
  relay.kill('SIGHUP')
  relay.kill('SIGTERM')
  const [code, signal] = await once(relay, 'exit')
  t.strictSame([code, signal], [0, null])
})
