// Buttons: notify the operator where clicks in Slack do not reach this process, and when they do again. In: how sockets stand.
// Out: a notice for each time, at most one an hour for each app.
import type { Logger } from 'pino'
import { type Clock, every } from '../clock.ts'
import { buttonsNotice } from '../notices/relay.ts'
import type { SocketStanding } from '../slack-socket/standing.ts'
import type { Announce } from './operator.ts'

export interface ButtonsOptions {
  standing: () => readonly SocketStanding[]
  /** Other replicas may get the clicks. */
  isShared: boolean
  announce: Announce
  clock: Clock
  log: Logger
}

const lookMs = 30_000
const withinMs = 60 * 60_000

export function createButtons({ standing, isShared, announce, clock, log }: ButtonsOptions) {
  /** Apps of which this process has notified, and since when nothing comes, in ms. */
  const lost = new Map<string, number>()
  let stop = () => {}

  async function look(): Promise<void> {
    const now = clock.now()
    const all = standing()
    for (const app of lost.keys()) if (!all.some((each) => each.app === app)) lost.delete(app)
    for (const { app, state, forMs, why = '', advice = '' } of all) {
      const since = lost.get(app)
      if (state === 'lost' && since === undefined) {
        const trouble = { since: now - forMs, why, advice, isShared, isOver: false } as const
        // What was not news is so once the hour is over, where it still lasts.
        if (await announce(`no clicks ${app}`, buttonsNotice(app, trouble, now), withinMs)) lost.set(app, now - forMs)
      }
      if (state === 'connected' && since !== undefined) {
        lost.delete(app)
        await announce(`clicks ${app} ${since}`, buttonsNotice(app, { since, isOver: true }, now), withinMs)
      }
    }
  }

  return {
    start(): void {
      stop = every(clock, lookMs, look, (err) => log.error({ err }, 'cannot look after the buttons in Slack'))
    },
    stop: (): void => stop()
  }
}
