// Watch: measures what everyone else notices during an attack: how fast /healthz answers, whether good events are accepted, how
// large the relay grows.
import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { parentPort, Worker, workerData } from 'node:worker_threads'
import { about } from '../../test/fixtures/relay.ts'

export interface Seen {
  healthMs: number[]
  refused: string[]
  accepted: number
  mostMiB: number
}

interface Asked {
  body?: string
  /** The administrator's token. */
  token?: string | undefined
}

function ask(port: number, path: string, { body, token }: Asked = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const proof = token !== undefined && { authorization: `Bearer ${token}`, 'x-forwarded-for': '203.0.113.8' }
    const headers = { 'content-type': 'application/json', ...proof }
    const req = request({
      port,
      host: '127.0.0.1',
      path,
      method: body === undefined ? 'GET' : 'POST',
      headers,
      agent: false,
      timeout: 15_000
    })
    req.on('response', (res) => res.resume().on('end', () => resolve(res.statusCode ?? 0)))
    req.on('timeout', () => req.destroy(new Error('no answer')))
    req.on('error', reject)
    req.end(body)
  })
}

/** Resident memory of a process in MiB; 0 if the system does not report it. */
function memoryOf(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

interface Watched {
  port: number
  pid: number
  /** Token of an administrator, who must get in. */
  token?: string | undefined
}

const said = ({ message }: Error) => message

/** Measures until `signal`. */
async function watch({ port, pid, token }: Watched, signal: AbortSignal): Promise<Seen> {
  const seen: Seen = { healthMs: [], refused: [], accepted: 0, mostMiB: 0 }
  for (let count = 0; !signal.aborted; count++) {
    const started = performance.now()
    const status = await ask(port, '/healthz').catch(said)
    seen.healthMs.push(performance.now() - started)
    if (status !== 200) seen.refused.push(`healthz: ${status}`)
    if (count % 4 === 0) {
      const answer = await ask(port, '/webhook', { body: JSON.stringify(about(`good-${Date.now()}`)) }).catch(said)
      if (answer === 202) seen.accepted += 1
      else seen.refused.push(`event: ${answer}`)
      const admitted = token === undefined ? 200 : await ask(port, '/api/lanes', { token }).catch(said)
      if (admitted !== 200) seen.refused.push(`administrator: ${admitted}`)
    }
    seen.mostMiB = Math.max(seen.mostMiB, memoryOf(pid))
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
  return seen
}

/** Runs on a thread of its own; on the attacker's it would measure how busy that is. */
export function watchFromOutside(port: number, pid: number, ms: number, token?: string): Promise<Seen> {
  const worker = new Worker(new URL(import.meta.url), { workerData: { port, pid, ms, token } })
  return new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
}

if (parentPort !== null) {
  const { ms, ...watched } = workerData as Watched & { ms: number }
  parentPort.postMessage(await watch(watched, AbortSignal.timeout(ms)))
}
