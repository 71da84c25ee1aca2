// Bench processes: start servers and loads, and measure what they cost.
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { imageEnvironment } from '../test/fixtures/image.ts'
import { endWithUs, freePort } from '../test/fixtures/process.ts'

export interface Load {
  count: number
  refused: number
  /** Answers per second. */
  rate: number
  /** Latency in ms. */
  p50: number
  p99: number
  p999: number
}

const root = join(import.meta.dirname, '..')

/**
 * Starts `file`, a path in this checkout or an absolute one, with only these environment variables; resolves once it listens.
 * Its log is read and thrown away.
 */
export async function start(
  file: string,
  environment: Record<string, string>,
  nodeArguments: string[] = []
): Promise<ChildProcess> {
  const args = [...nodeArguments, resolve(root, file), ...(file.endsWith('main.js') ? ['serve'] : [])]
  const server = spawn(process.execPath, args, {
    env: { PATH: process.env['PATH'], HOST: '127.0.0.1', ...imageEnvironment, ...environment },
    stdio: ['ignore', 'pipe', 'inherit']
  })
  endWithUs(server)
  await new Promise<void>((resolve, reject) => {
    server.stdout.on('data', (chunk) => String(chunk).includes('Server listening') && resolve())
    server.once('exit', (code) => reject(new Error(`${file} ended with ${code} before it listened`)))
  })
  server.stdout.removeAllListeners('data').resume()
  return server
}

/** Creates a temporary folder with a config that sends failures to a preview. The caller removes the folder. */
export function createFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'flux-relay-bench-'))
  writeFileSync(
    join(folder, 'config.yaml'),
    'destinations: { team: { preview: true } }\nrules: [{ name: failures, send: team }]\n'
  )
  return folder
}

/** Starts the relay as it is shipped, or another version by its `main`, with `config` and `database` in `folder`. */
export async function startRelay(
  folder: string,
  database: string,
  {
    config = 'config.yaml',
    main = 'src/main.js',
    env = {}
  }: { config?: string; main?: string; env?: Record<string, string> } = {}
): Promise<{ port: number; relay: ChildProcess }> {
  const port = await freePort()
  const relay = await start(main, {
    PORT: `${port}`,
    CONFIG_FILE: join(folder, config),
    DATABASE_URL: `sqlite:${join(folder, database)}`,
    ...env
  })
  return { port, relay }
}

/** Posts for `ms`, as fast as answers come or `perSecond`. With `namespaces`, the events take turns in that many. */
export async function load(
  port: number,
  connections: number,
  ms: number,
  perSecond: number,
  prefix: string,
  namespaces = 0
): Promise<Load> {
  const numbers = [port, connections, ms, perSecond].map(String)
  const args = [join(root, 'bench/load.ts'), ...numbers, prefix, `${namespaces}`]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout) as Load
}

/** User and system time so far, of the process and its ended children: fields 14 to 17 of proc_pid_stat(5), in ticks of 10 ms. */
export function cpuSeconds({ pid }: ChildProcess): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100
}

/** Resident memory in MB. */
export function memoryOf({ pid }: ChildProcess): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024
}

/** Kills a server and waits for its end. */
export async function kill(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  const end = once(server, 'exit')
  server.kill('SIGKILL')
  await end
}

export function median(values: number[]): number {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0
}

/** Writes `n` in letters, because a fingerprint leaves digits out. */
export function inLetters(n: number): string {
  return [...`${n}`].map((digit) => 'abcdefghij'[Number(digit)]).join('')
}
