// Demo: shows a newcomer what the relay does.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { createFastClock } from '../../src/demo/clock.ts'
import { createDay, dayMs } from '../../src/demo/day.ts'
import { countPosts } from '../../src/demo/flux.ts'
import { run, runUnread } from '../fixtures/process.ts'
import { tempFolder } from '../fixtures/relay.ts'
import { runInTerminal, type Typist } from '../fixtures/terminal.ts'

const start = Date.UTC(2026, 8, 21)

t.test('the demo sums up a day in a few messages, and says how many Flux would have posted', async (t) => {
  const folder = tempFolder(t)
  const { code, out, err } = await run(['demo', '--once', '--port', '0'], { TMPDIR: folder })
  t.equal(code, 0, err)
  for (const shown of [
    /🟢 main@4f2c91d shop: new checkout applied in `local`, 40 objects\n {9}payments 6, /,
    /🔴 payments\/ledger failed in `local`\n {9}upgrade to ledger 3\.14\.1: context deadline exceeded/,
    /⏳ payments\/ledger still fails in `local`, for 4 h/,
    /✅ payments\/ledger works again in `local` after 5 h 36 m\n.*was UpgradeFailed, 28 times {3}fixed by chart 3\.14\.2/,
    /🔴 150 failing in `local`, all for one reason\n {9}HelmRepository "charts" not found/,
    /✅ 150 recovered in `local` after 42 m/,
    /⚠️ shop\/shop-gateway waits in `local`/,
    /media\/media-worker works again in `local` after 25 m\n.*6 times {3}fixed by main@731f7ea/
  ]) {
    t.match(out, shown)
  }
  t.equal(out.match(/applied in/g)?.length, 3, 'heartbeats are quiet')
  const [, events, messages] = /([\d,]+) events → (\d+) messages/.exec(out) ?? []
  const readme = readFileSync(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8')
  t.equal(messages, /events → (\d+) messages/.exec(readme)?.[1], 'as many as the README says')
  t.notMatch(out, /delayed/, 'the day waits for the disk')
  t.equal(events, createDay(start).length.toLocaleString('en-US'))
  t.notMatch(out, /http:/, 'no page that is gone by now')
  t.notMatch(out, /Enter/, 'nobody is there to press it')
  t.strictSame(readdirSync(folder), [], 'nothing is left of it')
  t.notMatch(out, /\x1b/, 'no colours where nobody could see them')
})

t.test(
  'a demo that keeps running names the best pages and, in a container, an address that admits whoever has its token',
  async (t) => {
    const stays = (env: Record<string, string>) => {
      let isOver = false
      return runInTerminal(['demo', '--no-pause', '--port', '0'], {
        env: { TMPDIR: tempFolder(t), NO_COLOR: '1', ...env },
        whenShown: ({ shown, interrupt }) => {
          if (isOver || !shown().includes('Ctrl-C')) return
          isOver = true
          interrupt()
        }
      })
    }
    const { code, shown } = await stays({})
    t.equal(code, 0)
    t.match(shown, /Why a message was sent, rule by rule +http:\/\/localhost:\d+\/events\/\d+\n[\s\S]*\/rules\n/)
    const contained = await stays({ HOST: '0.0.0.0' })
    t.match(contained.shown, /\n {2}What fails now +http:\/\/localhost:\d+\/\?token=[\w-]{32}\n/)
  }
)

t.test('a demo ends once nobody reads it any more, and leaves nothing behind', async (t) => {
  const folder = tempFolder(t)
  t.equal(await runUnread(['demo', '--port', '0'], { TMPDIR: folder }), 0)
  t.strictSame(readdirSync(folder), [])
})

t.test('at a terminal, the demo waits for Enter whenever there is something to read', async (t) => {
  const enters = (args: string[]) => {
    let pressed = 0
    const whenShown = ({ shown, type }: Typist) => {
      if (shown().split('Enter goes on.').length - 1 === pressed) return
      pressed += 1
      type('\n')
    }
    return runInTerminal(['demo', '--once', '--port', '0', ...args], { whenShown })
  }
  const { code, shown } = await enters([])
  t.equal(code, 0)
  const stops = shown.split('Enter goes on.').slice(0, -1)
  t.equal(stops.length, 3)
  t.match(stops[0], /payments\/ledger[\s\S]*A release does not come up/, 'after its message')
  t.match(stops[2], /150 [\s\S]*150 failures with one cause, and their end/)
  t.match(shown, /7,342 events → /)
  t.notMatch((await enters(['--no-pause'])).shown, /Enter goes on/)
})

t.test('Ctrl-D at a stop lets the demo run to its end, as nobody is there any more', async (t) => {
  let isTyped = false
  const whenShown = ({ shown, type }: Typist) => {
    if (isTyped || !shown().includes('Enter goes on.')) return
    isTyped = true
    type('\x04')
  }
  const { code, shown } = await runInTerminal(['demo', '--once', '--port', '0'], { whenShown })
  t.equal(code, 0)
  t.equal(shown.split('Enter goes on.').length - 1, 1)
  t.match(shown, /7,342 events → /)
})

t.test("the day respects Flux's rate limit: no text of an object is repeated within five minutes", async (t) => {
  const last = new Map<string, number>()
  for (const { at, event } of createDay(start)) {
    const { involvedObject, message, metadata } = event
    const key = JSON.stringify([involvedObject.uid, message, metadata?.['revision']])
    if (at - (last.get(key) ?? 0) < 5 * 60_000) t.fail(`${key} after ${at - (last.get(key) ?? 0)} ms`)
    last.set(key, at)
  }
  t.ok(last.size > 5000)
})

t.test('Flux would have posted everything but heartbeats, and with eventSeverity: error only failures', async (t) => {
  const events = createDay(start).map(({ event }) => event)
  const ofHeartbeats = events.filter(({ message }) => message.startsWith('Reconciliation finished')).length
  t.equal(countPosts(events, 'info'), events.length - ofHeartbeats)
  t.equal(countPosts(events, 'error'), events.filter(({ severity }) => severity === 'error').length)
})

t.test('the README says the same of the demo as the demo itself', async (t) => {
  const events = createDay(start).map(({ event }) => event)
  const readme = readFileSync(join(import.meta.dirname, '..', '..', 'README.md'), 'utf8')
  const [, all, posts] = /\*\*([\d,]+) events → \d+ messages\.\*\* .* posted ([\d,]+) of them/.exec(readme) ?? []
  t.equal(all, events.length.toLocaleString('en-US'))
  t.equal(posts, countPosts(events, 'info').toLocaleString('en-US'))
})

t.test('the clock wakes in order, leaps while nothing waits, and then goes on in real time', async (t) => {
  const clock = createFastClock(start)
  const woken: [string, number][] = []
  const note = (name: string) => () => void woken.push([name, clock.now() - start])
  clock.after(10_000, note('second'))
  clock.after(250, note('first'))
  clock.after(60_000, note('late'))
  clock.after(5000, note('taken back'))()
  clock.after(dayMs * 2, note('never'))
  await clock.advanceTo(start + dayMs, async () => {})
  t.strictSame(woken, [
    ['first', 250],
    ['second', 10_000],
    ['late', dayMs]
  ])
  t.equal(clock.now(), start + dayMs)
  clock.goLive()
  t.ok(Math.abs(clock.now() - Date.now()) < 1000)
  await new Promise<void>((resolve) => clock.after(5, resolve))
})
