// Namespace: a separate network for a relay, so that its way to the database can be cut while the one to Slack stays.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { endWithUs } from '../test/fixtures/process.ts'

export interface Namespace {
  /** Address of this machine as seen from inside. */
  host: string
  /** Command prefix that runs a program inside. */
  through: readonly string[]
  /**
   * Makes a port of this machine reachable inside, or a port inside reachable here, through a socket in `folder`; `cut` does
   * not affect it.
   */
  lend(port: number, folder: string, to: 'inside' | 'outside'): Promise<void>
  /** Drops all packets until `mend`. */
  cut(): void
  mend(): void
  end(): void
}

// A different network per proof, because one that is killed leaves its network behind.
const network = `10.231.${process.pid % 250}`
const [host, inside] = [`${network}.1`, `${network}.2`]

/** Creates the namespace; undefined if this user may not, or the kernel does not support it. */
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
