// `demo`: plays a day of events in seconds, prints the messages, and serves the dashboard.
import { MultiBar } from 'cli-progress'
import closeWithGrace from 'close-with-grace'
import { createFastClock } from '../demo/clock.ts'
import { createDay, dayMs, type Moment } from '../demo/day.ts'
import { countPosts } from '../demo/flux.ts'
import { drawMessage } from '../demo/screen.ts'
import { createStage, type Shown, type Stage } from '../demo/stage.ts'
import { paint } from '../paint.ts'

/** Events this close together are posted at once, unless they are about the same object. */
const sceneMs = 8000

/** Plays the day that ends now; with `once` it ends there, else the relay stays up until it is stopped. */
export async function demo({ once, port }: { once?: boolean; port: string }): Promise<void> {
  const start = Date.now() - dayMs
  let stage: Stage | undefined
  let isStopping = false
  const { close } = closeWithGrace({ delay: 10_000, logger: false }, async () => {
    isStopping = true
    await stage?.close()
  })
  // Before the relay is up: on a slow machine that takes seconds.
  process.stdout.write(
    `${paint('bold', 'A day in a cluster, in fast-forward.')} What Slack would show (times are UTC):\n\n`
  )
  stage = await createStage(createFastClock(start), Number(port))
  try {
    const day = createDay(start)
    const messages = await play(stage, day)
    process.stdout.write(summary(day, messages, stage.url))
  } catch (error) {
    // Posts that a Ctrl-C cuts off are not worth a word.
    if (isStopping) return
    await stage.close()
    throw error
  }
  if (once) await close()
  else process.stdout.write(`\nIt runs on, by itself. ${paint('bold', 'Ctrl-C')} ends it and leaves nothing behind.\n`)
}

async function play(stage: Stage, day: readonly Moment[]): Promise<Shown[]> {
  const bars = new MultiBar({
    format: '  {time} {bar} {value} of {total} events',
    barCompleteChar: '━',
    barIncompleteChar: ' ',
    hideCursor: true,
    clearOnComplete: true,
    forceRedraw: true
  })
  // A file gets the messages, and no progress bar.
  const isWatched = process.stdout.isTTY && process.stderr.isTTY
  const bar = isWatched ? bars.create(day.length, 0, { time: '' }) : undefined
  const all: Shown[] = []
  const show = (messages: readonly Shown[]) => {
    all.push(...messages)
    for (const message of messages) {
      const text = drawMessage(message, Math.min(process.stdout.columns ?? 100, 120))
      if (bar === undefined) process.stdout.write(text)
      else bars.log(text)
    }
  }
  try {
    for (const scene of scenesOf(day)) {
      show(await stage.play(scene))
      bar?.increment(scene.length, { time: new Date(scene[0]?.at ?? 0).toISOString().slice(11, 16) })
    }
    show(await stage.goLive())
  } finally {
    bars.stop()
  }
  return all
}

/** The day in pieces that can be posted at once: nothing in one of them depends on the order. */
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

function summary(day: readonly Moment[], messages: readonly Shown[], url: string): string {
  const events = day.map(({ event }) => event)
  const count = (n: number) => n.toLocaleString('en-US')
  return [
    `${paint('bold', `${count(events.length)} events → ${messages.length} messages.`)}`,
    `Flux's own Slack provider would have posted ${count(countPosts(events, 'info'))} of them;`,
    `with eventSeverity: error, ${count(countPosts(events, 'error'))}, and never that anything recovered.`,
    '',
    `The dashboard, with why each of them was sent or not: ${paint('underline', url)}`,
    ''
  ].join('\n')
}
