// `npm run proof failover [-- --kills 10] [--seed 1]`: that nothing accepted is lost while PostgreSQL fails over repeatedly.
// Two PostgreSQL servers run under Patroni with a synchronous standby. One relay reaches them through HAProxy, one by an
// address that names both, one through HAProxy from a network of its own. The primary is killed, every other time with its
// whole machine; that network is cut; a relay is stopped for longer than its lease. Needs Debian's patroni, etcd-server,
// haproxy and postgresql; says so if they are missing.
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { beginRelay, freePort, run } from '../test/fixtures/process.ts'
import { startSlack } from '../test/fixtures/slack.ts'
import { appToken } from '../test/fixtures/slack-api.ts'
import { startTroubledApi } from './cards.ts'
import { type Case, nothingInvented, nothingLost, sentWasSeen, storedOnce } from './checks.ts'
import { createDice } from './dice.ts'
import { createEvents } from './events.ts'
import { readEvidence } from './evidence.ts'
import { duplicatesExplained, messagesInOrder, oneAtATime, postedInOrder } from './lane-checks.ts'
import { createNamespace } from './namespace.ts'
import { type Cluster, missingPackages, startCluster } from './patroni.ts'
import { drain } from './prove.ts'
import type { Journal } from './relays.ts'
import { type Acknowledged, startSending } from './sender.ts'
import { recognise } from './sightings.ts'
import { configOf, versions } from './world.ts'

/** Longer than the lease of ten seconds. */
const awayMs = 15_000
const quietMs = 4000
/**
 * If the relay does not abort such a post in time, it is still under way when others take the lane; the relay's own timeout is
 * 15 s.
 */
const longPostMs = 14_500
/** Interval and limit of the probes that are posted until one is accepted. */
const probeMs = 100
const longestMs = 120_000

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(Date.now() % 100_000) }
  }
})
// If the reader of the output goes away, everything that was started must still be ended.
process.stdout.on('error', () => {})
const say = (text: string) => process.stdout.write(`${text}\n`)
const missing = missingPackages()
if (missing.length > 0) say(`skipped: ${missing.join(', ')} not installed`)
else process.exitCode = (await prove(Number(values.kills), Number(values.seed))) ? 0 : 1

/** Resolves to true if every promise was kept. */
async function prove(kills: number, seed: number): Promise<boolean> {
  const dice = createDice(seed)
  const folder = mkdtempSync(join(tmpdir(), 'flux-relay-failover-'))
  // PostgreSQL runs as another user, in a folder below.
  chmodSync(folder, 0o755)
  const ends: (() => unknown)[] = [() => rmSync(folder, { recursive: true, force: true })]
  try {
    const slack = await startSlack({ perSecond: Number.POSITIVE_INFINITY, burst: Number.POSITIVE_INFINITY })
    ends.push(() => slack.close())
    const slow = dice.for('slack')
    // Slow enough that two posts at once would overlap visibly.
    const answerSoon = () => slack.behave('*', () => ({ is: 'slow', ms: 20 + slow.below(300) }))
    answerSoon()
    const api = await startTroubledApi(dice.for('api'))
    api.calm()
    ends.push(() => api.close())
    writeFileSync(join(folder, 'config.yaml'), configOf(versions - 1, { base: slack.url(''), apiUrl: api.apiUrl }))
    const namespace = createNamespace()
    if (namespace === undefined) say('no relay is cut off: this user may not make a network namespace')
    ends.push(() => namespace?.end())
    const addresses = [api.apiUrl, api.socket.addressFor(appToken)].map((address) => Number(new URL(address).port))
    for (const port of [slack.port, ...addresses]) await namespace?.lend(port, folder, 'inside')
    const hosts = ['127.0.0.1', ...(namespace ? [namespace.host] : [])]
    const cluster = await startCluster(join(folder, 'cluster'), hosts)
    ends.push(() => cluster.stop())

    const [proxied, multiHost, cutOff] = [await freePort(), await freePort(), await freePort()]
    const journal: Journal = {
      ...{ kills: [], terms: [], moves: [], clocks: [], restarts: [], faults: [], startsMs: [] }
    }
    const relays: ChildProcess[] = []
    ends.push(() => Promise.all(relays.map((relay) => end(relay, journal))))
    async function begin(port: number, database: string, through: readonly string[] = []): Promise<ChildProcess> {
      const { relay, listening } = beginRelay(folder, port, { database, through })
      relays.push(relay)
      await listening
      relay.once('exit', (code, by) => {
        if (relays.includes(relay)) journal.faults.push(`a relay ended by itself with ${code ?? by}`)
      })
      return relay
    }
    await begin(proxied, cluster.proxied)
    const paused = await begin(multiHost, cluster.multiHost)
    if (namespace) {
      await begin(cutOff, cluster.proxiedAt(namespace.host), namespace.through)
      await namespace.lend(cutOff, folder, 'outside')
    }

    const ports = [proxied, multiHost]
    const sending = startSending(dice.for('senders'), namespace ? [...ports, cutOff] : ports)
    const probe = createProbe(createEvents(dice.for('probe'), 1_000_000, 1))
    say('killed                503 by HAProxy   by an address of both')
    for (let n = 0; n < kills; n++) {
      await pause(quietMs)
      const withMachine = n % 2 === 1
      const took = await failOver(cluster, withMachine, ports, probe, journal)
      const what = withMachine ? 'the machine' : 'the server'
      say(`${what.padEnd(14)}${took.map((ms) => `${(ms / 1000).toFixed(1)} s`.padStart(18)).join('')}`)
    }

    await pause(quietMs)
    journal.kills.push(Date.now())
    paused.kill('SIGSTOP')
    await pause(awayMs)
    paused.kill('SIGCONT')
    journal.kills.push(Date.now())
    say(`a relay was stopped for ${awayMs / 1000} s`)
    await pause(quietMs)
    if (namespace) {
      // A post that starts now would outlast the lease.
      slack.behave('*', () => ({ is: 'slow', ms: longPostMs }))
      await pause(500)
      journal.kills.push(Date.now())
      namespace.cut()
      await pause(1000)
      answerSoon()
      await pause(awayMs)
      namespace.mend()
      journal.kills.push(Date.now())
      say(`a relay was cut off from the database for ${awayMs / 1000} s`)
    }
    await pause(2 * quietMs)
    await sending.stop()
    await drain({ ports })
    await Promise.all(relays.splice(0).map((relay) => end(relay, journal)))
    const evidence = await readEvidence(cluster.proxied, (at) => at)
    const verified = await run(['verify', cluster.proxied])

    const acknowledged = [...sending.posted.acknowledged, ...probe.acknowledged]
    const sightings = recognise(slack.received, evidence)
    const all: Case = { ...evidence, acknowledged, sightings, journal, retried: new Set() }
    const duplicates = duplicatesExplained(all, { lost: new Set(), scripted: new Map() })
    const odd = [...sending.posted.odd].map(([status, times]) => `${times} answers were ${status}`)
    say(`\n${acknowledged.length} events acknowledged, ${sending.posted.refused} posts answered 503`)
    say(`${evidence.messages.length} messages, ${duplicates.repeated} came twice`)
    return report([
      ['nothing acknowledged is lost', nothingLost(all)],
      ['what counts as sent was seen', sentWasSeen(all)],
      ['an event is stored once', storedOnce(all)],
      ['word for word, and nothing else', nothingInvented(all)],
      ['nothing is posted by two at once', oneAtATime(slack.received)],
      ['duplicates are bounded', duplicates.faults],
      ['a retry never overtakes', messagesInOrder(all)],
      ['posted in order', postedInOrder(all)],
      ['relays run, stop and answer', [...journal.faults, ...odd]],
      ['flux-relay verify', verified.code === 0 ? [] : [`${verified.code}: ${verified.out}${verified.err}`]]
    ])
  } finally {
    for (const end of ends.reverse()) await end()
  }
}

/** Makes PostgreSQL fail over. Resolves to how long each of `ports` accepted nothing, in ms, once the cluster is whole again. */
async function failOver(
  cluster: Cluster,
  withMachine: boolean,
  ports: readonly number[],
  probe: Probe,
  journal: Journal
): Promise<number[]> {
  const primary = await cluster.untilWhole()
  journal.kills.push(Date.now())
  await cluster.killPrimary(primary, withMachine)
  const killed = performance.now()
  const took = await Promise.all(
    ports.map(async (port) => {
      await probe.untilAccepted(port)
      return performance.now() - killed
    })
  )
  journal.kills.push(Date.now())
  cluster.startAgain(primary)
  await cluster.untilWhole()
  return took
}

interface Probe {
  acknowledged: Acknowledged[]
  untilAccepted(port: number): Promise<void>
}

/** Posts one event after another, each once, until one is accepted. */
function createProbe(next: ReturnType<typeof createEvents>): Probe {
  const acknowledged: Acknowledged[] = []
  return {
    acknowledged,
    async untilAccepted(port) {
      const deadline = performance.now() + longestMs
      while (performance.now() < deadline) {
        let event = next()
        while (event.source !== 'default') event = next()
        const { body, ...known } = event
        const headers = { 'content-type': 'application/json' }
        const answer = await fetch(`http://127.0.0.1:${port}/webhook/default`, {
          ...{ method: 'POST', headers, body, signal: AbortSignal.timeout(10_000) }
        }).catch(() => undefined)
        const text = await answer?.text().catch(() => undefined)
        if (answer?.status === 202 && text !== undefined) {
          acknowledged.push({ ...known, ...JSON.parse(text) })
          return
        }
        await pause(probeMs)
      }
      throw new Error(`nothing was accepted on ${port} for two minutes after the primary was killed`)
    }
  }
}

async function end(relay: ChildProcess, journal: Journal): Promise<void> {
  if (relay.exitCode !== null || relay.signalCode !== null) return
  const over = once(relay, 'exit')
  relay.kill('SIGCONT')
  relay.kill('SIGTERM')
  const timer = setTimeout(() => relay.kill('SIGKILL'), 20_000)
  const [code] = await over
  clearTimeout(timer)
  if (code !== 0) journal.faults.push(`the last stop ended with ${code}`)
}

/** Prints every promise; returns true if all were kept. */
function report(checks: readonly (readonly [promise: string, found: readonly string[]])[]): boolean {
  for (const [promise, found] of checks) {
    say(`${promise.padEnd(34)}${found.length === 0 ? 'kept' : `BROKEN, ${found.length} times`}`)
    for (const fault of found.slice(0, 10)) say(`    ${fault}`)
  }
  return checks.every(([, found]) => found.length === 0)
}
