// Readings: notifies the operator of a config file that is refused, and when it is right again. In: the result of each reading. Out: a
// notice for each faulty text, few if it changes all the time, and one of the end, also from a relay that starts with a valid file.
import { hash } from 'node:crypto'
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import type { Reading } from '../config/watch.ts'
import { configNotice } from '../notices/relay.ts'
import { oneByOne } from '../turns.ts'
import type { Announce, Lasting } from './operator.ts'

/** Replicas read the same file within minutes; the same mistake a day later is another one. */
const withinMs = 60 * 60 * 1000
/** The notices in an hour that are sent at once. Two writers may fight over a file, or its volume may come and go, all night. */
const atOnce = 6
/** After those, only a state of the file that has lasted for so long is announced. */
const steadyMs = 10 * 60 * 1000
/** Pause before the next try, if the database did not take a notice. */
const retryMs = 10_000

export interface Readings {
  /** To be called after the first reading of `file`, which was valid, or this program would not run. */
  start(file: string): Promise<void>
  /** To be called after each further reading. */
  read(reading: Reading): Promise<void>
  stop(): void
}

export function createReadings(options: { announce: Announce; lasting: Lasting; clock: Clock; log: Logger }): Readings {
  const { announce, lasting, clock, log } = options
  let refused: { key: string; since: number } | undefined
  /** When the file was last right again, in ms. */
  let rightAt: number | undefined
  /** When the notices of the last hour were sent, in ticks. */
  let sent: number[] = []
  let cancel = () => {}
  let readings = 0
  /** One after the other: what is said of a reading depends on what was said of the one before. */
  const inTurn = oneByOne()
  /** Notices that are being sent, and may yet be added to {@link sent}. */
  let underWay = 0

  /** `now` is when the file was read. */
  async function say({ file, text, problems, isGood }: Reading, now: number): Promise<void> {
    // A good file has a key of its text as well: a replica may have missed one of the mistakes before it.
    const isRead = text !== undefined
    const key = hash('sha256', text ?? problems.join('\n'), 'base64url')
    // The same text may come again, such as a revert of a revert. What was said before `since` was about another time.
    const silentSince = (since: number) => (rightAt === undefined ? withinMs : Math.min(withinMs, clock.now() - since))
    if (isGood) {
      if (refused === undefined) return
      const view = configNotice(file, { problems, since: refused.since, isOver: true, isRead }, now)
      await announce(`config right ${key}`, view, silentSince(refused.since))
      await lasting.end('config', '')
      refused = undefined
      rightAt = now
    } else {
      if (key === refused?.key) return
      const view = configNotice(file, { problems, since: now, isOver: false, isRead }, now)
      await announce(`config refused ${key}`, view, silentSince(rightAt ?? now))
      await lasting.begin('config', '')
      refused = { key, since: refused?.since ?? now }
    }
    sent.push(clock.ticks())
  }

  return {
    async start(file) {
      const since = (await lasting.begun('config')).get('')
      if (since === undefined) return
      const view = configNotice(file, { problems: [], since, isOver: true, isRead: true }, clock.now())
      await announce('config right at a start', view, withinMs)
      await lasting.end('config', '')
    },
    async read(reading) {
      cancel()
      readings += 1
      const own = readings
      const now = clock.now()
      const attempt = async () => {
        underWay += 1
        try {
          await inTurn(() => say(reading, now))
        } catch (err) {
          log.error({ err }, 'the operator could not be notified of the config file; trying again in 10 seconds')
          if (own === readings) cancel = clock.after(retryMs, attempt)
        } finally {
          underWay -= 1
        }
      }
      sent = sent.filter((at) => clock.ticks() - at < withinMs)
      if (sent.length + underWay < atOnce) return attempt()
      cancel = clock.after(steadyMs, attempt)
    },
    stop() {
      readings += 1
      cancel()
    }
  }
}
