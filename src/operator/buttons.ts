// Buttons: notifies the operator when clicks in Slack do not reach this process, and when they do again. In: the standing of sockets.
// Out: a notice for each time, at most one an hour for each app.
import type { Logger } from 'pino'
import { type Clock, every } from '../clock.ts'
import { buttonsNotice } from '../notices/relay.ts'
import type { SocketStanding } from '../slack-socket/standing.ts'
import type { Lasting } from './operator.ts'

export interface ButtonsOptions {
  standing: () => readonly SocketStanding[]
  /** True if other replicas may get the clicks. */
  isShared: boolean
  lasting: Lasting
  clock: Clock
  log: Logger
}

const lookMs = 30_000
const withinMs = 60 * 60_000

export function createButtons({ standing, isShared, lasting, clock, log }: ButtonsOptions) {
  /** Apps that the operator was notified of, and since when no clicks come, in ms. */
  let lost = new Map<string, number>()
  /** When this process last notified of each, in ticks. */
  const saidAt = new Map<string, number>()
  let stop = () => {}

  async function look(): Promise<void> {
    const now = clock.now()
    const all = standing()
    for (const app of lost.keys()) {
      if (all.some((each) => each.app === app)) continue
      await lasting.end('clicks', app)
      lost.delete(app)
    }
    for (const { app, state, forMs, why = '', advice = '' } of all) {
      const since = lost.get(app)
      if (state === 'lost' && since === undefined && clock.ticks() - (saidAt.get(app) ?? -withinMs) >= withinMs) {
        const trouble = { since: now - forMs, why, advice, isShared, isOver: false } as const
        // If another replica has notified of it, it is news only if it still lasts here once that is over.
        if (!(await lasting.begin('clicks', app, buttonsNotice(app, trouble, now)))) continue
        lost.set(app, now - forMs)
        saidAt.set(app, clock.ticks())
      }
      if (state === 'connected' && since !== undefined) {
        await lasting.end('clicks', app, buttonsNotice(app, { since, isOver: true }, now))
        lost.delete(app)
      }
    }
  }

  return {
    async start(): Promise<void> {
      lost = new Map(await lasting.begun('clicks'))
      stop = every(clock, lookMs, look, (err) => log.error({ err }, 'cannot check the connections for buttons'))
    },
    stop: (): void => stop()
  }
}
