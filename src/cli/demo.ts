// `demo`: plays a day of events in seconds, prints the messages, and serves the dashboard.
import { once } from 'node:events'
import { SingleBar } from 'cli-progress'
import closeWithGrace from 'close-with-grace'
import { createFastClock } from '../demo/clock.ts'
import { createDay, dayMs, type Moment } from '../demo/day.ts'
import { countPosts } from '../demo/flux.ts'
import { drawMessage } from '../demo/screen.ts'
import { createStage, type Shown, type Stage } from '../demo/stage.ts'
import { type Stop, stops } from '../demo/stops.ts'
import { paint } from '../paint.ts'

/** Events this close together are posted at once, unless they are about the same object. */
const sceneMs = 8000

interface DemoOptions {
  /** Ends after the day. */
  once?: boolean
  /** Waits for Enter when there is something to read, if somebody is at a terminal. */
  pause: boolean
  port: string
}

/** Plays a day that ends now. With `once` it ends there, else the relay stays up until it is stopped. */
export async function demo({ once: isShort, pause, port }: DemoOptions): Promise<void> {
  const start = Date.now() - dayMs
  let stage: Stage | undefined
  let isStopping = false
  const { close } = closeWithGrace({ delay: 10_000, logger: false }, async () => {
    isStopping = true
    await stage?.close()
  })
  // If nobody reads on (`… | head`), nobody learns the address of the dashboard that would stay up.
  process.stdout.once('error', () => void close())
  // Printed before the relay is up, which takes seconds on a slow machine.
  process.stdout.write(
    `${paint('bold', 'A day in a cluster, in fast-forward.')} What Slack would show (times are UTC):\n\n`
  )
  stage = await createStage(createFastClock(start), Number(port))
  try {
    const day = createDay(start)
    const isRead = pause && process.stdin.isTTY && process.stdout.isTTY
    const messages = await play(stage, day, isRead ? stops : [])
    process.stdout.write(summary(day, messages))
    if (!isShort) process.stdout.write(pages(stage, await stage.newestOf({ name: 'ledger', transition: 'failed' })))
  } catch (error) {
    // Ctrl-C cuts posts off, which is not worth a word.
    if (isStopping) return
    await stage.close()
    throw error
  }
  if (isShort) await close()
  else process.stdout.write(`\nIt runs on, by itself. ${paint('bold', 'Ctrl-C')} ends it and leaves nothing behind.\n`)
}

async function play(stage: Stage, day: readonly Moment[], stops: readonly Stop[]): Promise<Shown[]> {
  const all: Shown[] = []
  const progress = createProgress(day.length)
  const show = (messages: readonly Shown[]) => {
    all.push(...messages)
    if (messages.length > 0) progress.clear()
    for (const message of messages) {
      process.stdout.write(drawMessage(message, Math.min(process.stdout.columns ?? 100, 120)))
    }
  }
  let [stop, ...others] = stops
  let isNear = false
  try {
    for (const scene of scenesOf(day)) {
      const messages = await stage.play(scene)
      show(messages)
      progress.advance(scene.length, new Date(scene[0]?.at ?? 0).toISOString().slice(11, 16))
      if (stop === undefined) continue
      isNear ||= scene.some(({ event }) => stop?.isBy(event))
      if (!isNear || messages.length === 0) continue
      progress.clear()
      await readOn(stop.says)
      ;[stop, ...others] = others
      isNear = false
    }
    show(await stage.goLive())
  } finally {
    progress.clear()
  }
  return all
}

/** A progress bar below the messages; none if standard output or error is no terminal. */
function createProgress(total: number) {
  const isWatched = process.stdout.isTTY && process.stderr.isTTY
  let bar: SingleBar | undefined
  let done = 0
  return {
    /** Adds this many events, and shows the time of day. */
    advance(events: number, time: string): void {
      done += events
      if (!isWatched) return
      if (bar === undefined) {
        bar = new SingleBar({
          format: '  {time} {bar} {value} of {total} events',
          barCompleteChar: '━',
          barIncompleteChar: ' ',
          hideCursor: true,
          clearOnComplete: true
        })
        bar.start(total, done, { time })
      }
      bar.update(done, { time })
    },
    /** Makes room for text, until the next event. */
    clear(): void {
      bar?.stop()
      bar = undefined
    }
  }
}

/** Resolves when the person at the terminal presses Enter, or ends the input with Ctrl-D, after which no other stop waits. */
async function readOn(says: string): Promise<void> {
  if (process.stdin.readableEnded) return
  process.stdout.write(`${paint('cyan', says)} ${paint('bold', 'Enter goes on.')}`)
  process.stdin.resume()
  await Promise.race([once(process.stdin, 'data'), once(process.stdin, 'end')])
  process.stdin.pause()
  process.stdout.write('\n')
}

/** Splits the day into scenes that can be posted at once: nothing in one of them depends on the order. */
function scenesOf(day: readonly Moment[]): Moment[][] {
  const scenes: Moment[][] = []
  let about = new Set<string>()
  for (const moment of day) {
    const scene = scenes.at(-1)
    const uid = moment.event.involvedObject.uid ?? ''
    if (scene?.[0] !== undefined && moment.at - scene[0].at < sceneMs && !about.has(uid)) {
      scene.push(moment)
    } else {
      scenes.push([moment])
      about = new Set()
    }
    about.add(uid)
  }
  return scenes
}

function summary(day: readonly Moment[], messages: readonly Shown[]): string {
  const events = day.map(({ event }) => event)
  const count = (n: number) => n.toLocaleString('en-US')
  return [
    paint('bold', `${count(events.length)} events → ${messages.length} messages.`),
    `Flux's own Slack provider would have posted ${count(countPosts(events, 'info'))} of them;`,
    `with eventSeverity: error, ${count(countPosts(events, 'error'))}, and never that anything recovered.`,
    ''
  ].join('\n')
}

/** The pages to look at next. `event` is the id of one with a story. */
function pages({ url, invitation }: Stage, event: string | undefined): string {
  const all: [what: string, path: string][] = [
    ['What fails now', invitation === undefined ? '/' : `/?token=${invitation}`],
    ...(event === undefined ? [] : [['Why a message was sent, rule by rule', `/events/${event}`] as [string, string]]),
    ['The messages, as Slack shows them', '/preview/local'],
    ['What each rule did', '/rules']
  ]
  const first = invitation === undefined ? '' : '\n  The first page lets you in; the others work after it.\n'
  return `${first}\n${all.map(([what, path]) => `  ${what.padEnd(38)}${paint('underline', url + path)}\n`).join('')}`
}
