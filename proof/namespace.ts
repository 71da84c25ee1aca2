// Namespace: a network of its own for a relay, whose way to the database can be cut while the one to Slack stays.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { endWithUs } from '../test/fixtures/process.ts'

export interface Namespace {
  /** This machine's, as seen from inside. */
  host: string
  /** What runs a program inside. */
  through: readonly string[]
  /** Lends a port of this machine to the inside, or one of the inside to this machine, by way of a socket in `folder`; never cut. */
  lend(port: number, folder: string, to: 'inside' | 'outside'): Promise<void>
  /** From now on packets vanish, until `mend`. */
  cut(): void
  mend(): void
  end(): void
}

// Its own for each proof: one that was killed leaves its network behind.
const network = `10.231.${process.pid % 250}`
const [host, inside] = [`${network}.1`, `${network}.2`]

/** Undefined where this user may not, or the kernel has none. */
export function createNamespace(): Namespace | undefined {
  const name = `relay-${process.pid}`
  const [outer, inner] = [`rp${process.pid}`, `ri${process.pid}`]
  const through = ['ip', 'netns', 'exec', name]
  const run = (...args: string[]) => spawnSync('ip', args).status === 0
  const runInside = (...args: string[]) => run('netns', 'exec', name, 'ip', ...args)
  const forwarders: ChildProcess[] = []

  function end(): void {
    for (const forwarder of forwarders) forwarder.kill('SIGKILL')
    run('netns', 'delete', name)
    run('link', 'delete', outer)
  }

  const isThere =
    run('netns', 'add', name) &&
    run('link', 'add', outer, 'type', 'veth', 'peer', 'name', inner, 'netns', name) &&
    run('address', 'add', `${host}/30`, 'dev', outer) &&
    run('link', 'set', outer, 'up') &&
    runInside('address', 'add', `${inside}/30`, 'dev', inner) &&
    runInside('link', 'set', inner, 'up') &&
    runInside('link', 'set', 'lo', 'up')
  if (!isThere) {
    end()
    return undefined
  }

  async function forward(from: string, to: string, before: readonly string[]): Promise<void> {
    const [program = '', ...args] = [...before, process.execPath, join(import.meta.dirname, 'forward.ts'), from, to]
    const forwarder = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    endWithUs(forwarder)
    forwarders.push(forwarder)
    await once(forwarder.stdout, 'data')
  }

  return {
    ...{ host, through, end },
    async lend(port, folder, to) {
      const socket = join(folder, `${port}.socket`)
      await forward(socket, `${port}`, to === 'inside' ? [] : through)
      await forward(`${port}`, socket, to === 'inside' ? through : [])
    },
    cut: () => void run('link', 'set', outer, 'down'),
    mend: () => void run('link', 'set', outer, 'up')
  }
}
