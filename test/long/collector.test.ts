// The collector: an answered event is freed before the next collection of the young generation, however many connections are
// open. If V8 allocates some of its objects in the old generation, each keeps the whole request until a full collection.
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { createSender, requestOf } from '../../bench/senders.ts'
import { imageEnvironment } from '../fixtures/image.ts'
import { beginRelay, freePort } from '../fixtures/process.ts'
import { about, tempFolder } from '../fixtures/relay.ts'

const connections = 128
const events = 9000
/** Posts at a time, and the pause between: a relay that is not saturated. */
const [some, pauseMs] = [15, 10]
/** An answered event leaves 100 to 600 bytes to the old generation; it used to be 4,500. */
const mostBytes = 2000

interface Collection {
  gc: string
  promoted: number
}

t.test('an answered event leaves little behind', async (t) => {
  const folder = tempFolder(t)
  const config =
    'destinations: { team: { preview: true } }\nrules: [{ name: failures, send: team, match: { severity: error } }]\n'
  writeFileSync(join(folder, 'config.yaml'), config)
  const port = await freePort()
  const through = ['sh', '-c', 'exec "$0" --trace-gc-nvp "$@"']
  const { relay, listening } = beginRelay(folder, port, { through, env: imageEnvironment })
  let output = ''
  relay.stdout?.on('data', (chunk) => {
    output += chunk
  })
  await listening
  const idle = await Promise.all(Array.from({ length: connections }, () => createSender(port)))
  const answers: Promise<boolean>[] = []
  while (answers.length < events) {
    // Each sender waits for its answer, so a slow machine takes longer but never has more under way.
    for (const post of idle.splice(0, some)) {
      const answer = post(requestOf('/webhook', JSON.stringify(heartbeat(answers.length))))
      answers.push(answer.finally(() => idle.push(post)))
    }
    await pause(pauseMs)
  }
  const answered = (await Promise.all(answers)).filter(Boolean).length
  relay.kill('SIGKILL')
  await once(relay, 'exit')
  // In the first half, much of it is what the program itself keeps.
  const collections = [...output.matchAll(/ms: GC: (\{.*\})/g)].map(([, json = '{}']) => JSON.parse(json) as Collection)
  const young = collections.filter(({ gc }) => gc === 's')
  const late = young.slice(Math.floor(young.length / 2))
  const promoted = late.reduce((sum, { promoted }) => sum + promoted, 0)
  t.equal(answered, answers.length)
  t.ok(late.length >= 5, `${young.length} collections of the young generation`)
  const bytes = promoted / ((answered * late.length) / young.length)
  t.ok(bytes < mostBytes, `${bytes.toFixed(0)} bytes of each are left`)
})

function heartbeat(n: number) {
  return about(`app-${n % 500}`, {
    severity: 'info',
    reason: 'ReconciliationSucceeded',
    message: `Reconciliation finished in ${n}ms, next run in 10m0s`
  })
}
