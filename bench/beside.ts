// `npm run bench beside -- --against FOLDER`: what an event costs beside a checkout of another version.
// New failures from `wrk`, as for the peers. Both relays are up, and one is stopped while the other has its two seconds, so
// that other work on the machine affects both. Needs `wrk` (Debian) on the PATH.
import type { ChildProcess } from 'node:child_process'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { cpuSeconds, createFolder, kill, median, startRelay } from './servers.ts'
import { type Posted, postTo } from './wrk.ts'

const { values } = parseArgs({ options: { against: { type: 'string' }, pairs: { type: 'string', default: '16' } } })
const { against } = values
/** Long enough for V8 to compile the hot code. */
const warmSeconds = 8
const seconds = 2

interface Version {
  port: number
  relay: ChildProcess
  end(): Promise<void>
  rates: number[]
  /** CPU per event, in µs. */
  cpu: number[]
}

async function begin(main: string): Promise<Version> {
  const folder = createFolder()
  const { port, relay } = await startRelay(folder, 'relay.db', { main })
  const end = async () => {
    await kill(relay)
    rmSync(folder, { recursive: true })
  }
  return { port, relay, end, rates: [], cpu: [] }
}

async function post(port: number, connections: number, forSeconds: number, prefix: string): Promise<Posted> {
  const posting = { connections, threads: 1, seconds: forSeconds, body: 'flux', prefix } as const
  const posted = await postTo(`http://127.0.0.1:${port}/webhook`, posting)
  if (posted.refused > 0) throw new Error(`${posted.refused} events were refused`)
  return posted
}

async function measure({ port, relay, rates, cpu }: Version, connections: number, names: string): Promise<void> {
  relay.kill('SIGCONT')
  await pause(100)
  const before = cpuSeconds(relay)
  const { count, seconds: took } = await post(port, connections, seconds, names)
  rates.push(count / took)
  cpu.push((1e6 * (cpuSeconds(relay) - before)) / count)
  relay.kill('SIGSTOP')
}

async function compare(connections: number, folder: string): Promise<void> {
  const versions = [await begin(join(folder, 'src/main.js')), await begin('src/main.js')] as const
  for (const { port, relay } of versions) {
    await post(port, connections, warmSeconds, 'warm')
    relay.kill('SIGSTOP')
  }
  for (let pair = 0; pair < Number(values.pairs); pair++) {
    for (const version of pair % 2 === 0 ? versions : versions.toReversed())
      await measure(version, connections, `run-${pair}`)
  }
  const [other, own] = versions
  const ratio = (of: (version: Version) => number[]) => {
    const before = of(other)
    return median(of(own).map((value, pair) => value / (before[pair] ?? value))).toFixed(2)
  }
  const sides = [other, own].map(
    ({ rates, cpu }) => `${median([...rates]).toFixed(0)}/s ${median([...cpu]).toFixed(0)} µs`
  )
  const ratios = `${ratio(({ rates }) => rates)} of the rate, ${ratio(({ cpu }) => cpu)} of the computing`
  process.stdout.write(
    `${connections} connections: before ${sides[0]}, now ${sides[1]}; medians of the pairs: ${ratios}\n`
  )
  for (const { end } of versions) await end()
}

if (against === undefined)
  process.stdout.write('bench beside: give it a checkout of another version, with --against FOLDER\n')
else for (const connections of [64, 256]) await compare(connections, against)
