// `for` on a real store: what lasts is notified once, what passes by itself never, whatever comes and however often it
// restarts.
import t, { type Test } from 'tap'
import { type Config, loadConfig } from '../../src/config/config.ts'
import { decide } from '../../src/decide.ts'
import { causesOf, holdsOf } from '../../src/deliver/gathering.ts'
import { createPace, take } from '../../src/deliver/pace.ts'
import { planNext } from '../../src/deliver/plan.ts'
import type { Transition } from '../../src/objects.ts'
import type { Plan } from '../../src/store/kept-lanes.ts'
import type { Store } from '../../src/store/store.ts'
import { event } from '../fixtures/events.ts'
import { fc } from '../fixtures/fc.ts'
import { sent } from '../fixtures/store.ts'
import { startStores } from '../fixtures/stores.ts'

const { stores } = await startStores(t)
const start = Date.parse('2026-09-21T14:00:00Z')
const seconds = (count: number) => count * 1000

function configOf(rules: string): Config {
  const names = [...new Set([...rules.matchAll(/send: \[?([\w, ]+)/g)].flatMap(([, list = '']) => list.split(/[ ,]+/)))]
  const destinations = names
    .filter(Boolean)
    .map((name) => `  ${name}: { slack: { webhookUrl: https://hooks.slack.com/services/T/B/${name} } }`)
  const { config, problems } = loadConfig(`destinations:\n${destinations.join('\n')}\nrules:\n${rules}`, 'c.yaml', {})
  if (config === undefined) throw new Error(JSON.stringify(problems))
  return config
}

type Kind = 'fails' | 'fails otherwise' | 'recovers' | 'goes on'

interface Came {
  /** Ms since the start. */
  at: number
  object: number
  kind: Kind
}

const texts: Record<Kind, { severity: 'error' | 'info'; reason: string; message: string }> = {
  fails: { severity: 'error', reason: 'BuildFailed', message: 'no such file' },
  'fails otherwise': { severity: 'error', reason: 'HealthCheckFailed', message: 'timeout waiting for web' },
  recovers: { severity: 'info', reason: 'ReconciliationSucceeded', message: 'done' },
  'goes on': { severity: 'info', reason: 'Progressing', message: 'web is on its way' }
}

interface Said {
  at: number
  object: string
  rule: string
  destination: string
  says: Transition
  payload: string
}

/** A relay on a store, without a network: it accepts events, and records what its lanes would post, in virtual time. */
function createRig(open: () => Promise<Store>, first: Config, { restarts = false } = {}) {
  const said: Said[] = []
  const known = new Map<string, Omit<Said, 'at' | 'payload'>>()
  const pace = createPace({ perSecond: 100, burst: 100 })
  let config = first
  let opened: Promise<Store> | undefined
  const own = Math.random()
  let bodies = 0

  async function turn(): Promise<Store> {
    if (restarts && opened !== undefined) {
      await (await opened).close()
      opened = undefined
    }
    opened ??= open()
    return opened
  }

  /** Posts what is due; resolves to the time, in ms, at which there is more to do. */
  async function drain(now: number): Promise<number> {
    let wakeAt = Number.POSITIVE_INFINITY
    for (const lane of await (await turn()).busyLanes()) wakeAt = Math.min(wakeAt, await drainLane(lane, now))
    return wakeAt
  }

  async function drainLane(lane: string, now: number): Promise<number> {
    let carried: readonly string[] = []
    const plan: Plan = {
      token: ({ bucket }, at) => take(bucket, pace, at),
      causesOf,
      hold: holdsOf,
      next(state, pending, gatherings, at) {
        const next = planNext(state, pending, gatherings, { pace }, at)
        if ('ids' in next) carried = next.ids
        return next
      },
      oldest: 0
    }
    for (;;) {
      const store = await turn()
      const step = await store.next(lane, plan, now)
      if (step.is === 'idle') return Number.POSITIVE_INFINITY
      if (step.is === 'wait') return step.until
      const payload = JSON.stringify(step.message.payload)
      for (const id of carried) {
        const about = known.get(id)
        if (about !== undefined) said.push({ at: now, payload, ...about })
      }
      await store.settle(step.message, { at: now, answer: '200 ok' }, sent)
    }
  }

  return {
    said,
    store: turn,
    drain,
    async reload(next: Config, now: number): Promise<void> {
      config = next
      const holdOf = (name: string) => {
        const rule = config.rules.byName.get(name)
        return { forMs: rule?.forMs ?? 0, waitMs: rule?.group?.waitMs ?? 0 }
      }
      await (await turn()).shorten(holdOf, now)
    },
    async take(came: readonly (Came & { text?: string })[], now: number): Promise<void> {
      const arrivals = came.map(({ object, kind, text }) => ({
        event: event({
          ...texts[kind],
          ...(text && { message: text }),
          object: { name: `app-${object}` },
          at: now,
          uid: ''
        }),
        body: '{}',
        identity: `body-${own}-${bodies++}`,
        receivedAt: now
      }))
      const says = new Map<string, Transition[]>()
      const receipts = await (await turn()).accept(arrivals, (arrival, memory, held) => {
        const decision = decide(arrival, memory, config, now, held)
        says.set(
          arrival.identity,
          decision.notifications.map(({ view }) => view.says)
        )
        return decision
      })
      for (const [index, receipt] of receipts.entries()) {
        if (receipt.status === 'failed') throw receipt.error
        if (receipt.status === 'duplicate') continue
        const { identity = '', event: about } = arrivals[index] ?? {}
        for (const [place, { id, rule, destination }] of receipt.notifications.entries()) {
          const transition = says.get(identity)?.[place] ?? 'informed'
          known.set(id, { object: about?.object.name ?? '', rule, destination, says: transition })
        }
      }
    },
    /** Makes all of `came` arrive, oldest first, and then lets as much time pass as anything needs. */
    async run(came: readonly Came[]): Promise<void> {
      let wakeAt = Number.POSITIVE_INFINITY
      for (let next = 0; next < came.length || wakeAt < Number.POSITIVE_INFINITY; ) {
        const now = Math.min(start + (came[next]?.at ?? Number.POSITIVE_INFINITY), wakeAt)
        const batch: Came[] = []
        for (; start + (came[next]?.at ?? 0) === now && next < came.length; next++) batch.push(came[next] as Came)
        if (batch.length > 0) await this.take(batch, now)
        wakeAt = await drain(now)
      }
    },
    async close(): Promise<void> {
      await (await opened)?.close()
    }
  }
}

interface Incident {
  object: string
  since: number
  /** In ms; infinite if it is never over. */
  lastsMs: number
}

function incidentsOf(came: readonly Came[]): Incident[] {
  const open = new Map<number, Incident>()
  const all: Incident[] = []
  for (const { at, object, kind } of came) {
    const incident = open.get(object)
    if (kind === 'recovers') {
      if (incident) incident.lastsMs = at - incident.since
      open.delete(object)
    } else if (incident === undefined) {
      const begun = { object: `app-${object}`, since: at, lastsMs: Number.POSITIVE_INFINITY }
      open.set(object, begun)
      all.push(begun)
    }
  }
  return all
}

const rules = `
  - { name: plain, send: now }
  - { name: long, for: 2m, send: [later, shared] }
  - { name: short, for: 30s, send: [soon, shared], group: { by: [namespace], wait: 5s } }
`
/** How long an incident must last before the rule notifies the destination, in ms; undefined if another rule does. */
const held: Record<string, number> = {
  'plain now': 0,
  'long later': 120_000,
  'short soon': 30_000,
  'short shared': 30_000
}

const anyHistory = fc
  .array(
    fc.record({
      at: fc.oneof(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 0, max: 60 })).map(seconds),
      object: fc.integer({ min: 0, max: 4 }),
      kind: fc.constantFrom<Kind>('fails', 'fails', 'fails otherwise', 'recovers')
    }),
    { minLength: 1, maxLength: 25 }
  )
  .map((entries) => entries.sort((a, b) => a.at - b.at))

for (const [name, prepare] of Object.entries(stores)) {
  t.test(name, async (t) => {
    t.test('for any sequence, what lasts is notified once, and what passes by itself never', async (t) => {
      await fc.assert(
        fc.asyncProperty(anyHistory, fc.boolean(), async (came, restarts) => {
          const rig = createRig((await prepare(t)).open, configOf(rules), { restarts: restarts && name === 'sqlite' })
          try {
            await rig.run(came)
            const waits = await (await rig.store()).busyLanes()
            if (waits.length > 0) throw new Error(`something waits in ${waits}`)
            for (const [who, forMs] of Object.entries(held)) {
              const lasted = incidentsOf(came).filter(({ lastsMs }) => lastsMs >= forMs)
              const begun = rig.said.filter((one) => `${one.rule} ${one.destination}` === who && one.says === 'failed')
              if (begun.length !== lasted.length) throw new Error(`${who}: ${begun.length} of ${lasted.length}`)
              const ended = lasted.filter(({ lastsMs }) => lastsMs < Number.POSITIVE_INFINITY)
              const over = rig.said.filter(
                (one) => `${one.rule} ${one.destination}` === who && one.says === 'recovered'
              )
              if (over.length !== ended.length) throw new Error(`${who}: ${over.length} ends of ${ended.length}`)
            }
            const others = rig.said.filter(({ rule, destination }) => !Object.hasOwn(held, `${rule} ${destination}`))
            if (others.length > 0) throw new Error(`not to be notified: ${JSON.stringify(others[0])}`)
          } finally {
            await rig.close()
          }
        }),
        { numRuns: name === 'sqlite' ? 25 : 6 }
      )
    })

    const at = (ms: number) => start + ms
    const fails = (object = 0, text?: string) => [{ at: 0, object, kind: 'fails' as const, ...(text && { text }) }]
    const otherwise = [{ at: 0, object: 0, kind: 'fails otherwise' as const }]
    const recovers = [{ at: 0, object: 0, kind: 'recovers' as const }]
    const rule = '\n  - { name: r, for: 2m, send: team, mention: "<!here>" }'
    const rigOf = async (t: Test, text = rule) => {
      const rig = createRig((await prepare(t)).open, configOf(text))
      t.teardown(() => rig.close())
      return rig
    }
    type Rig = Awaited<ReturnType<typeof rigOf>>
    const newest = async (rig: Rig) => (await (await rig.store()).records.notifications({}, { limit: 20 })).items

    t.test('what lasts is notified at its time, as something that began then, with its ping', async (t) => {
      const rig = await rigOf(t)
      await rig.take(fails(), at(0))
      t.ok((await rig.drain(at(0))) <= at(seconds(120)), 'it is looked at in time')
      t.match((await newest(rig))[0], { state: 'pending', reason: /^held until 2026-09-21T14:02:00.000Z/ })
      await rig.drain(at(seconds(119)))
      t.strictSame(rig.said, [])
      await rig.drain(at(seconds(120)))
      t.match(rig.said, [{ says: 'failed', at: at(seconds(120)), payload: /<!here>/ }])
      t.notMatch(rig.said[0]?.payload, /late|delayed/, 'on purpose is not late')
      t.match((await newest(rig))[0], { state: 'sent', reason: null })
      await rig.take(recovers, at(seconds(150)))
      await rig.drain(at(seconds(160)))
      t.match(rig.said.at(-1), { says: 'recovered', payload: /after 2 m 30 s|150 s|2 m/ })
    })

    t.test('a failure that ends before is settled with its recovery, with the reason, and nothing waits', async (t) => {
      const rig = await rigOf(t)
      await rig.take(fails(), at(0))
      await rig.take(recovers, at(seconds(40)))
      t.match(await newest(rig), [{ state: 'muted', reason: 'passed by itself after 40 s', says: 'failed' }])
      const store = await rig.store()
      t.strictSame(await store.busyLanes(), [])
      t.equal(store.pending, 0)
      const { items } = await store.records.events({}, { limit: 1 })
      const event = await store.records.event(items[0]?.id ?? '')
      t.match(event?.trace.quiet, [{ rule: 'r', destination: 'team', because: 'passed by itself after 40 s' }])
      await rig.drain(at(seconds(300)))
      t.strictSame(rig.said, [])
    })

    t.test('a failure and its end in one batch notify nobody', async (t) => {
      const rig = await rigOf(t)
      await rig.take([...fails(), ...otherwise, ...recovers], at(0))
      t.match(await newest(rig), [
        { state: 'muted', reason: 'passed by itself after 0 s' },
        { state: 'muted', reason: 'a newer event says more of the failure' }
      ])
      t.strictSame(await (await rig.store()).busyLanes(), [])
      t.equal((await rig.store()).pending, 0)
    })

    t.test('if a held failure changes, the change is notified, once, at the time of the first event', async (t) => {
      const rig = await rigOf(t)
      await rig.take(fails(), at(0))
      await rig.take(otherwise, at(seconds(60)))
      await rig.take(fails(), at(seconds(70)))
      await rig.drain(at(seconds(120)))
      await rig.drain(at(seconds(600)))
      t.match(rig.said, [{ says: 'failed', at: at(seconds(120)), payload: /timeout waiting for web/ }])
      t.match(rig.said[0]?.payload, /<!here>/)
      t.equal(rig.said.length, 1)
    })

    t.test(
      'a file that shortens `for`, or drops the rule, applies to held failures; one that lengthens it does not',
      async (t) => {
        for (const [what, text, dueMs] of [
          ['shorter', rule.replace('2m', '90s'), 90_000],
          ['none', rule.replace('for: 2m, ', ''), 60_000],
          ['another rule', rule.replace('name: r', 'name: s'), 60_000],
          ['longer', rule.replace('2m', '2h'), 120_000],
          ['shorter than it has lasted', rule.replace('2m', '1s'), 60_000],
          [
            'shorter, with a longer group',
            rule.replace('for: 2m', 'for: 1s, group: { by: [name], wait: 110s }'),
            110_000
          ]
        ] as const) {
          const rig = await rigOf(t)
          await rig.take(fails(), at(0))
          await rig.drain(at(seconds(60)))
          await rig.reload(configOf(text), at(seconds(60)))
          const until = await rig.drain(at(seconds(60)))
          t.ok(dueMs === 60_000 || until <= at(dueMs), what)
          if (dueMs > 60_000) await rig.drain(at(dueMs - 1))
          await rig.drain(at(dueMs))
          t.match(rig.said, [{ says: 'failed', at: at(dueMs) }], what)
        }
      }
    )

    t.test('with a group, a failure is held for the longer of both', async (t) => {
      for (const [lasts, wait, dueMs] of [
        ['10s', '60s', 60_000],
        ['60s', '10s', 60_000]
      ] as const) {
        const rig = await rigOf(t, `\n  - { name: r, for: ${lasts}, group: { by: [name], wait: ${wait} }, send: team }`)
        await rig.take(fails(), at(0))
        t.ok((await rig.drain(at(0))) <= at(dueMs))
        await rig.take(recovers, at(30_000))
        const isShort = lasts === '60s'
        t.equal((await newest(rig)).at(-1)?.state, isShort ? 'muted' : 'pending', 'it lasted ten seconds, not sixty')
        for (const time of [dueMs, dueMs + 60_000]) await rig.drain(at(time))
        t.strictSame(
          rig.said.map(({ says }) => says),
          isShort ? [] : ['failed', 'recovered']
        )
      }
    })

    t.test('a clock that is set back neither speeds up a held failure nor loses it', async (t) => {
      for (const byMs of [-5000, -3_600_000, -40 * 86_400_000]) {
        const rig = await rigOf(t)
        await rig.take(fails(), at(0))
        // A minute later in real time.
        const set = (ms: number) => at(ms + byMs)
        await rig.drain(set(seconds(60)))
        t.strictSame(rig.said, [], 'not hastened')
        await rig.drain(set(seconds(60 + 121)))
        t.match(rig.said, [{ says: 'failed' }], 'nor later than if it had begun when the clock was set')
      }
    })

    t.test('even if a clock was set back, the end never comes before the beginning', async (t) => {
      const rig = await rigOf(t)
      await rig.take(fails(), at(0))
      await rig.drain(at(seconds(90) - 3_600_000))
      await rig.take(recovers, at(seconds(100) - 3_600_000))
      for (const time of [100, 120, 300]) await rig.drain(at(seconds(time) - 3_600_000))
      t.match(rig.said.map(({ says }) => says).join(), /^(failed,recovered|)$/)
      t.strictSame(await (await rig.store()).busyLanes(), [])
    })

    t.test('trying a lane now does not notify of what has yet to last', async (t) => {
      const rig = await rigOf(t)
      await rig.take(fails(), at(0))
      for (const lane of await (await rig.store()).busyLanes()) await (await rig.store()).tryNow(lane, at(1000))
      await rig.drain(at(1000))
      t.strictSame(rig.said, [])
    })

    t.test('neither does other news of the same object, which is not delayed either', async (t) => {
      const rig = await rigOf(t, `${rule}\n  - { name: news, match: { severity: [info] }, send: team }`)
      await rig.take([...fails(), { at: 0, object: 0, kind: 'goes on' }], at(0))
      await rig.drain(at(0))
      await rig.drain(at(seconds(15)))
      t.match(rig.said, [{ rule: 'news', says: 'informed' }])
      await rig.drain(at(seconds(121)))
      t.match(rig.said.slice(1), [{ rule: 'r', says: 'failed' }])
    })

    t.test('what has lasted but waits for its lane is not withdrawn by its end', async (t) => {
      const rig = await rigOf(t)
      const blocked = await rig.store()
      await rig.take(fails(), at(0))
      const [lane = ''] = await blocked.busyLanes()
      // It has lasted, but there is no token.
      const plan = {
        token: () => ({ until: at(seconds(500)) }),
        causesOf,
        hold: holdsOf,
        next: () => ({ until: 0 }),
        oldest: 0
      }
      await blocked.next(lane, plan, at(seconds(121)))
      await rig.take(recovers, at(seconds(130)))
      await rig.drain(at(seconds(140)))
      await rig.drain(at(seconds(150)))
      t.strictSame(
        rig.said.map(({ says }) => says),
        ['failed', 'recovered']
      )
    })
  })
}

t.test('of two replicas, either one posts what has lasted or the other settles what is over, never both', async (t) => {
  const { open } = await stores.postgres(t)
  const config = configOf('\n  - { name: r, for: 2m, send: team }')
  const [one, other] = [createRig(open, config), createRig(open, config)]
  const many = Array.from({ length: 12 }, (_, object) => object)
  for (let round = 0; round < 4; round++) {
    const at = start + round * seconds(3600)
    await one.take(
      many.map((object) => ({ at: 0, object, kind: 'fails' as const })),
      at
    )
    // By one clock, each of them is at the end of its two minutes; by the other, half of them end shortly before.
    const ends = many.map((object) =>
      other.take([{ at: 0, object, kind: 'recovers' as const }], at + seconds(object % 2 === 0 ? 119 : 120))
    )
    await Promise.all([one.drain(at + seconds(120)), ...ends])
    for (let now = at + seconds(121); now < at + seconds(600); ) now = Math.max(now + 1, await one.drain(now))
    const store = await one.store()
    t.strictSame(await store.busyLanes(), [], 'nothing waits')
    const { items } = await store.records.notifications({ since: at - 1 }, { limit: 500 })
    const byObject = Map.groupBy(items, ({ object }) => object.name)
    for (const [name, of] of byObject) {
      const states = of
        .map(({ says, state }) => `${says} ${state}`)
        .sort()
        .join()
      if (!['failed muted', 'failed sent,recovered sent'].includes(states)) t.fail(`${name}: ${states}`)
    }
    t.equal(byObject.size, many.length)
  }
  await one.close()
  await other.close()
})
