// Three relays on one PostgreSQL: lose nothing, killed and restarted at random, with the database restarted under them.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { startPostgres } from '../fixtures/postgres.ts'
import { freePort, spawnRelay } from '../fixtures/process.ts'
import { about, tempFolder } from '../fixtures/relay.ts'
import { type Slack, startSlack } from '../fixtures/slack.ts'

const lanes = 30
const eventsInLane = 100
const replicas = 3
const kills = 8

// Seeded, so that a failure can be repeated.
let state = 42
function random(below: number): number {
  state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
  return Math.floor((state / 2 ** 32) * below)
}

const laneOf = (lane: number) => `/services/T/B/lane-${lane}`
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

function namesIn(slack: Slack, lane: number): string[][] {
  return slack.accepted
    .filter(({ path }) => path === laneOf(lane))
    .map(({ text }) => [...new Set(text.match(/app-\d+-\d+/g))])
}

// A busy machine takes several times as long.
t.test(
  'replicas that die and a database that restarts lose nothing, reorder nothing and exceed no pace',
  { timeout: 100_000 },
  async (t) => {
    const postgres = await startPostgres(t, { isOwn: true })
    const slack = await startSlack({ perSecond: 1, burst: 4 })
    t.teardown(() => slack.close())
    const folder = tempFolder(t)
    const destinations = Array.from(
      { length: lanes },
      (_, n) => `  lane-${n}: { slack: { webhookUrl: "${slack.url(laneOf(n))}" } }`
    )
    const rules = Array.from(
      { length: lanes },
      (_, n) => `  - { name: lane-${n}, match: { namespace: team-${n} }, send: lane-${n} }`
    )
    writeFileSync(
      join(folder, 'config.yaml'),
      `destinations:\n${destinations.join('\n')}\nrules:\n${rules.join('\n')}\n`
    )

    const ports = await Promise.all(Array.from({ length: replicas }, freePort))
    const relays: ChildProcess[] = await Promise.all(ports.map((port) => spawnRelay(folder, port, postgres.url)))
    t.teardown(() => relays.map((relay) => relay.kill('SIGKILL')))

    const acknowledged = Array.from({ length: lanes }, () => [] as number[])
    let isPosting = true
    // One sender per lane, so its events are acknowledged in the order it sent them, by whichever replica.
    const senders = acknowledged.map(async (mine, lane) => {
      for (let n = 0; n < eventsInLane; n++) {
        const port = ports[(lane + n) % replicas]
        const event = about(`app-${lane}-${n}`)
        const body = JSON.stringify({
          ...event,
          involvedObject: { ...event.involvedObject, namespace: `team-${lane}` }
        })
        const headers = { 'content-type': 'application/json' }
        const answer = await fetch(`http://127.0.0.1:${port}/webhook`, { method: 'POST', headers, body }).catch(
          () => undefined
        )
        if (answer?.status === 202) mine.push(n)
        await answer?.text().catch(() => undefined)
        await pause(100)
      }
    })
    const chaos = (async () => {
      for (let n = 0; n < kills && isPosting; n++) {
        await pause(700 + random(600))
        if (n === kills / 2) await postgres.restart()
        const victim = random(replicas)
        relays[victim]?.kill('SIGKILL')
        if (relays[victim]?.signalCode === null) await once(relays[victim], 'exit')
        await pause(random(500))
        relays[victim] = await spawnRelay(folder, ports[victim] ?? 0, postgres.url)
      }
    })()
    await Promise.all(senders)
    isPosting = false
    await chaos

    const missing = () =>
      acknowledged.flatMap((mine, lane) => {
        const posted = new Set(namesIn(slack, lane).flat())
        return mine.map((n) => `app-${lane}-${n}`).filter((name) => !posted.has(name))
      })
    await slack.until(() => missing().length === 0, 60_000).catch(() => undefined)
    t.same(missing(), [], 'everything acknowledged was posted')
    const count = acknowledged.reduce((sum, mine) => sum + mine.length, 0)
    t.ok(count > (lanes * eventsInLane) / 2, `${count} of ${lanes * eventsInLane} were acknowledged`)

    t.equal(slack.maxInFlight(), 1, 'never two requests in flight on one lane')
    t.equal(slack.received.filter(({ status }) => status === 429).length, 0, 'never over the pace')
    for (let lane = 0; lane < lanes; lane++) {
      const messages = namesIn(slack, lane).map((names) => names.map((name) => Number(name.split('-')[2])))
      const distinct = messages.filter((names, at) => at === 0 || names.join() !== messages[at - 1]?.join())
      const repeated = messages.length - distinct.length
      t.ok(repeated <= kills + 1, `lane ${lane}: ${repeated} messages came twice`)
      const isOrdered = distinct.every(
        (names, at) => at === 0 || Math.min(...names) > Math.max(...(distinct[at - 1] ?? []))
      )
      t.ok(isOrdered, `lane ${lane} is in order`)
    }
  }
)
