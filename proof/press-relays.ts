// Press relays: real processes on one database that take clicks; each can be killed, frozen and started on its own.
import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { beginRelay } from '../test/fixtures/process.ts'

export interface PressRelay {
  /** Resolves once the relay listens. Starts it again if it ends before, as it does while its database is away. */
  start(): Promise<void>
  kill(): Promise<void>
  /** Stops the process for `ms` without its notice. */
  freeze(ms: number): Promise<void>
  stop(): Promise<void>
}

export interface PressRelays {
  all: readonly PressRelay[]
  start(): Promise<void>
  stop(): Promise<void>
}

const maxStarts = 20

/** Creates a relay for each of `ports`, none of them started. */
export function createPressRelays(
  folder: string,
  { ports, database }: { ports: readonly number[]; database: string }
): PressRelays {
  const all = ports.map((port) => createRelay(folder, port, database))
  const each = async (what: 'start' | 'stop') => void (await Promise.all(all.map((relay) => relay[what]())))
  return { all, start: () => each('start'), stop: () => each('stop') }
}

function createRelay(folder: string, port: number, database: string): PressRelay {
  let child: ReturnType<typeof beginRelay>['relay'] | undefined

  async function end(signal: NodeJS.Signals): Promise<void> {
    const ending = child
    child = undefined
    if (ending === undefined || ending.exitCode !== null || ending.signalCode !== null) return
    const exit = once(ending, 'exit')
    ending.kill(signal)
    await exit
  }

  return {
    async start() {
      for (let starts = 1; ; starts++) {
        const { relay, listening } = beginRelay(folder, port, { database })
        child = relay
        const isListening = await listening.then(
          () => true,
          () => false
        )
        if (isListening) return
        if (starts === maxStarts) throw new Error(`the relay did not start ${maxStarts} times in a row`)
        await pause(500)
      }
    },
    kill: () => end('SIGKILL'),
    async freeze(ms) {
      const frozen = child
      frozen?.kill('SIGSTOP')
      await pause(ms)
      frozen?.kill('SIGCONT')
    },
    stop: () => end('SIGTERM')
  }
}
