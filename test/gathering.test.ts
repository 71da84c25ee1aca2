// Gathering: the first notification of a cause goes out at once; further ones share messages, ever fewer the longer it lasts.
import t from 'tap'
import { holdsOf } from '../src/deliver/gathering.ts'
import { fc } from './fixtures/fc.ts'
import { anyCame, type Came, minutes, of, run, type Sent, seconds, start } from './fixtures/lane.ts'

const everyone = '<!here>'

/** `count` objects that fail for one cause, spread evenly over `ms`. */
const failures = (count: number, ms: number, cause = 'no such repository', from = 0): Came[] =>
  Array.from({ length: count }, (_, n) => ({
    at: start + from + Math.floor((n * ms) / count),
    view: of(`${cause}-${n}`, { cause, mention: everyone })
  }))

const inOrder = (...parts: Came[][]): Came[] => parts.flat().sort((a, b) => a.at - b.at)
const pings = (sent: readonly Sent[]) => sent.filter(({ pings }) => pings.length > 0)
const named = (sent: readonly Sent[]) => sent.flatMap(({ ids }) => ids).sort((a, b) => a - b)
const all = (came: readonly Came[]) => came.map((_, id) => id)

for (const [spanMs, most] of [
  [minutes(10), 8],
  [minutes(5), 8],
  [minutes(1), 6]
] as const) {
  t.test(`150 objects with one cause over ${spanMs / 60_000} min: at most ${most} messages, one ping`, async (t) => {
    const came = failures(150, spanMs)
    const sent = run(came)
    t.ok(sent.length <= most, `${sent.length} messages`)
    t.equal(pings(sent).length, 1)
    t.equal(sent[0]?.at, start, 'the first at once')
    t.same(named(sent), all(came), 'each is in one of them')
  })
}

for (const [count, ms] of [
  [100, seconds(3)],
  [1000, seconds(3)],
  [2000, seconds(6)]
] as const) {
  t.test(`a storm of ${count} in ${ms / 1000} s is over a moment later`, async (t) => {
    const came = failures(count, ms)
    const sent = run(came)
    t.equal(sent[0]?.at, start)
    t.ok(sent.length <= 2 + ms / 1000, `${sent.length} messages`)
    t.ok((sent.at(-1)?.at ?? 0) - start <= ms + seconds(1))
    t.same(named(sent), all(came))
  })
}

/** The same with object names of 80 characters. */
const longNamed = (came: readonly Came[]): Came[] =>
  came.map(({ at, view }, n) => ({
    at,
    view: { ...view, object: { ...view.object, name: `${n}-${'of-a-very-long-name-'.repeat(4)}` } }
  }))

t.test('for a receiver with little room, the rest of a full message does not count as a further step', async (t) => {
  const later = failures(10, seconds(1), 'no such repository', seconds(12))
  const came = longNamed(inOrder(failures(150, seconds(1)), later))
  const sent = run(came, { maxText: 5000, isFull: true })
  t.ok(sent.length > 4, `${sent.length} messages`)
  t.ok((sent.at(-1)?.at ?? 0) - start <= seconds(12) + minutes(1))
  t.same(named(sent), all(came))
})

t.test('a storm that no message has room for goes on as fast as its lane may post', async (t) => {
  const later = failures(400, seconds(1), 'no such repository', seconds(4))
  const came = longNamed(inOrder(failures(700, seconds(1)), later))
  const sent = run(came, { isFull: true })
  t.ok(sent.length > 6, `${sent.length} messages`)
  t.ok((sent.at(-1)?.at ?? 0) - start < seconds(5) + sent.length * 1050 + seconds(2))
  t.same(named(sent), all(came))
})

t.test('a storm is no slower while another cause trickles', async (t) => {
  const storm = failures(1000, seconds(3), 'storm', minutes(4))
  const came = inOrder(failures(150, minutes(10)), storm)
  const of = new Set(storm.map((entry) => came.indexOf(entry)))
  const about = run(came).filter(({ ids }) => ids.some((id) => of.has(id)))
  t.equal(about[0]?.at, start + minutes(4), 'the first at once')
  const reached = about.filter(({ at }) => at <= start + minutes(4) + seconds(6)).flatMap(({ ids }) => ids)
  t.ok([...of].every((id) => reached.includes(id)))
})

t.test('ten causes interleaved over ten minutes: at most 30 messages, one ping each', async (t) => {
  const causes = Array.from({ length: 10 }, (_, cause) => cause)
  const cases = {
    'in turn': causes.map((cause) => failures(15, minutes(10), `cause ${cause}`, cause * seconds(4))),
    'often, in turn': causes.map((cause) => failures(150, minutes(10), `cause ${cause}`, cause * 400)),
    'one after another': causes.map((cause) => failures(60, minutes(10 - cause), `cause ${cause}`, minutes(cause)))
  }
  for (const [name, parts] of Object.entries(cases)) {
    const came = inOrder(...parts)
    const sent = run(came)
    t.ok(sent.length <= 30, `${name}: ${sent.length} messages`)
    t.ok(pings(sent).length <= 10, name)
    t.same(named(sent), all(came), name)
  }
})

t.test('failures that go on are summed up as often as documented, and several causes share messages', async (t) => {
  const atOf = (came: Came[], count: number) => run(came).flatMap(({ at }, n) => (n < count ? (at - start) / 1000 : []))
  t.same(atOf(failures(1200, minutes(20)), 7), [0, 2, 12, 42, 102, 222, 522], 'after 2, 10, 30, 60, 120 and 300 s')
  const two = inOrder(failures(600, minutes(10)), failures(600, minutes(10), 'another', seconds(20)))
  const beginnings = [0, 20]
  t.same(
    atOf(two, 8).filter((at) => !beginnings.includes(at)),
    [2, 12, 42, 102, 162, 222],
    'of several, after 10 and 30 s and then once a minute'
  )
})

t.test('25 recoveries within five seconds are one message', async (t) => {
  const came = Array.from({ length: 25 }, (_, n) => ({
    at: start + n * 200,
    view: of(`app-${n}`, { says: 'recovered' as const })
  }))
  const sent = run(came)
  t.equal(sent.length, 1)
  t.equal(sent[0]?.at, start + seconds(5), 'five seconds after the first of them')
})

t.test('a push that reaches forty objects within ten seconds is one message', async (t) => {
  const came = Array.from({ length: 40 }, (_, n) => ({
    at: start + n * 240,
    view: of(`app-${n}`, { says: 'updated' as const, cause: `chart ${n}` })
  }))
  t.equal(run(came).length, 1)
})

t.test('after a calm period a cause begins anew', async (t) => {
  const later = failures(1, 0, 'no such repository', minutes(32))
  const sent = run(inOrder(failures(150, minutes(10)), later))
  t.equal(sent.at(-1)?.at, start + minutes(32), 'it is sent at once')
  const soon = run(inOrder(later, failures(1, 0, 'no such repository', minutes(32) + seconds(1))))
  t.equal(soon.at(-1)?.at, start + minutes(32) + seconds(2), 'and what follows it waits as at first')
})

t.test('while a cause lasts, there is at most a message every five minutes, and one with a ping an hour', async (t) => {
  const sent = run(failures(12 * 60, minutes(12 * 60)))
  // A ping does not wait, so each may add a message.
  t.ok(sent.length <= 12 * 12 + 8 + 13, `${sent.length} messages`)
  t.ok(pings(sent).length <= 13, `${pings(sent).length} pings`)
})

t.test("whoever another rule mentions is pinged once, by that rule's own failure", async (t) => {
  const other = failures(20, minutes(1), 'no such repository', 500).map(({ at, view }) => ({
    at,
    view: { ...view, object: { ...view.object, namespace: 'other' }, mention: '<!subteam^S012>' }
  }))
  const sent = run(inOrder(failures(20, minutes(1)), other))
  t.same(sent.flatMap((message) => message.pings).sort(), ['<!here>', '<!subteam^S012>'])
})

t.test('a page does not wait behind failures of the same cause that page nobody', async (t) => {
  const noise = failures(20, minutes(15)).map(({ at, view: { mention: _, ...view } }) => ({ at, view }))
  for (const from of [seconds(1), minutes(3), minutes(11), minutes(14)]) {
    const page = failures(1, 0, 'no such repository', from + 500)
    const came = inOrder(noise, page)
    const id = came.findIndex(({ view }) => view.mention !== undefined)
    const sent = run(came)
    const [paged] = pings(sent)
    t.equal(paged?.at, start + from + 500, 'at once')
    t.same(paged?.ids, [id], 'and alone, so that its own object is what a phone shows')
    t.ok(sent.length <= run(noise).length + 2)
    t.same(named(sent), all(came))
  }
})

t.test('nothing waits longer in all than announced, nor for a clock that was set back', async (t) => {
  const now = start + minutes(30)
  const gathering = { step: 1, gapMs: seconds(10), pinged: {} }
  const cause = `failure ${of('a').cause}`
  const pending = (createdAt: number, holds = 1) => [
    { id: '1', event: '1', destination: 'team', createdAt, group: undefined, heldUntil: 0, holds, view: of('a') }
  ]
  const gatherings = new Map([
    [cause, { ...gathering, postedAt: now - seconds(50) }],
    ['lane', { ...gathering, postedAt: now - 1, gapMs: minutes(1) }]
  ])
  const held = (createdAt: number, holds?: number) => holdsOf(pending(createdAt, holds), gatherings, now)
  t.same(held(now), [{ ids: ['1'], until: now - 1 + minutes(1), holds: 2 }], 'with the others of the lane')
  t.same(held(now - seconds(40)), [{ ids: ['1'], until: now + seconds(20), holds: 2 }], 'a minute in all')
  t.same(held(now - seconds(40), 2), [], 'once')
  t.same(held(now + minutes(5), 0), [], 'its own time has not come yet')
})

t.test('a group is sent together, as late as its rule or its gathering asks for', async (t) => {
  const now = start + seconds(10)
  const pending = Array.from({ length: 20 }, (_, n) => ({
    ...{ id: `${n}`, event: `${n}`, destination: 'team', createdAt: start + n * 450, group: 'revision' },
    ...{ heldUntil: now, holds: 0, view: of(`app-${n}`, { says: 'updated' }) }
  }))
  t.same(holdsOf(pending, new Map(), now), [])
  const news = { postedAt: now - seconds(20), step: 2, gapMs: seconds(30), pinged: {} }
  t.match(holdsOf(pending, new Map([['news', news]]), now), [
    { ids: pending.map(({ id }) => id), until: now + seconds(10) }
  ])
})

t.test('a group is not held longer for an event that came while the clock was ahead', async (t) => {
  for (const [first, second] of [
    [minutes(300), -seconds(10)],
    [-seconds(10), minutes(300)]
  ] as const) {
    const pending = [first, second].map((cameIn, n) => ({
      ...{ id: `${n}`, event: `${n}`, destination: 'team', createdAt: start + cameIn, group: 'revision' },
      ...{ heldUntil: start, holds: 0, view: of(`app-${n}`) }
    }))
    t.same(holdsOf(pending, new Map(), start), [])
  }
})

t.test('a mention in a template counts as a ping too', async (t) => {
  const came = failures(20, minutes(1)).map(({ at, view: { mention: _, ...view } }, n) => ({
    at,
    view: { ...view, custom: { summary: `chart ${n} is gone <!subteam^S012>`, title: `Gone: ${n} <!subteam^S012>` } }
  }))
  const sent = run(came)
  t.same(
    sent.flatMap((message) => message.pings),
    ['<!subteam^S012>']
  )
  t.match(sent[1]?.payload, /Gone: 1/, 'and the rest of it is said all the same')
})

t.test('a message says how long further notifications wait at most', async (t) => {
  const sent = run(failures(150, minutes(10)))
  const said = sent.map(({ payload }) => /next word in ([^"]*?) at most/.exec(payload)?.[1])
  t.equal(said[0], undefined, 'the first does not')
  t.ok(said.slice(2).every(Boolean))
  t.equal(said.at(-1), '5 m')
})

t.test('a message that nothing has to wait for announces no wait', async (t) => {
  const recoveries = Array.from({ length: 25 }, (_, n) => ({ at: start, view: of(`app-${n}`, { says: 'recovered' }) }))
  const causes = Array.from({ length: 25 }, (_, n) => ({ at: start, view: of(`app-${n}`, { cause: `cause ${n}` }) }))
  for (const came of [recoveries, causes]) {
    const [first] = run(came)
    t.equal(first?.ids.length, 25)
    t.notMatch(first?.payload, /next word/)
  }
})

t.test('what was held on purpose is not said to be delayed', async (t) => {
  for (const { payload } of run(failures(150, minutes(10)))) t.notMatch(payload, /delayed/)
})

t.test('when an object fails for another reason, what is held about it is sent along', async (t) => {
  const came = [
    ...failures(3, seconds(1)),
    { at: start + seconds(1), view: of('no such repository-2', { says: 'changed', cause: 'another' }) }
  ]
  const sent = run(came)
  t.equal(sent.find(({ ids }) => ids.includes(3))?.at, start + seconds(1), 'at once')
  t.ok(sent.find(({ ids }) => ids.includes(3))?.ids.includes(2), 'with what is held of the same object')
})

const isGood = ({ view }: Came) => view.says === 'recovered' || view.says === 'updated'
const fast = { perSecond: 50, burst: 100 }

t.test('whatever comes is sent once, each object in its order, and within its time', async (t) => {
  fc.assert(
    fc.property(anyCame(60, minutes(30), 4), (came) => {
      const sent = run(came, { pace: fast })
      t.same(named(sent), all(came))
      const sentAt = (id: number) => sent.find(({ ids }) => ids.includes(id))?.at ?? 0
      for (const [id, { at, view, destination }] of came.entries()) {
        if (sentAt(id) - at > minutes(5) + seconds(1)) return false
        const later = came.findIndex(
          (other, place) =>
            place > id && other.view.object.name === view.object.name && other.destination === destination
        )
        if (later > 0 && sentAt(later) < sentAt(id)) return false
      }
      return true
    }),
    { numRuns: 300 }
  )
})

t.test('the first notification of a cause is never held', async (t) => {
  fc.assert(
    fc.property(anyCame(60, minutes(40), 6), (came) => {
      const sent = run(came, { pace: fast })
      return came.every((entry, id) => {
        const isFirst = !came.some(
          ({ at, view }, other) =>
            other < id && view.cause === entry.view.cause && at > entry.at - minutes(20) && !isGood(came[other] as Came)
        )
        const at = sent.find(({ ids }) => ids.includes(id))?.at ?? 0
        // A moment for what comes with it, and the time until a token is available.
        return isGood(entry) || !isFirst || at - entry.at <= 500
      })
    }),
    { numRuns: 300 }
  )
  t.pass()
})

t.test('there is one ping per cause, mention and hour', async (t) => {
  fc.assert(
    fc.property(anyCame(60, minutes(180), 3), (came) => {
      const sent = run(came, { pace: fast })
      const lastPing = new Map<string, number>()
      return sent.every(({ ids, pings, at }) =>
        pings.every((mention) => {
          const causes = new Set(
            ids.filter((id) => came[id]?.view.mention === mention).map((id) => came[id]?.view.cause)
          )
          const isDue = [...causes].some((cause) => at - (lastPing.get(`${mention} ${cause}`) ?? 0) >= minutes(60))
          for (const cause of causes) lastPing.set(`${mention} ${cause}`, at)
          return isDue
        })
      )
    }),
    { numRuns: 300 }
  )
  t.pass()
})

t.test('however they come, 150 of one cause within ten minutes are at most eight messages', async (t) => {
  const moments = fc.array(fc.integer({ min: 0, max: minutes(10) }), { minLength: 2, maxLength: 150 })
  // Mostly bunched, around two moments.
  const bunched = fc
    .tuple(moments, fc.integer({ min: 0, max: minutes(10) }))
    .map(([entries, place]) => entries.map((at, n) => (n % 3 === 0 ? at : n % 3 === 1 ? at / 300 : place + at / 300)))
  fc.assert(
    fc.property(fc.oneof(moments, bunched), (moments) => {
      const views = moments.map((at, n) => ({
        at: start + Math.floor(at),
        view: of(`app-${n}`, { mention: everyone })
      }))
      const sent = run(views.sort((a, b) => a.at - b.at))
      return sent.length <= 8 && pings(sent).length === 1
    }),
    { numRuns: 200 }
  )
  t.pass()
})

t.test('a restart at any moment changes nothing', async (t) => {
  fc.assert(
    fc.property(
      anyCame(40, minutes(15), 3),
      fc.array(fc.integer({ min: 0, max: minutes(20) }), { minLength: 1, maxLength: 20 }),
      (came, moments) => {
        const restarts = moments.map((moment) => start + moment)
        t.same(run(came, { restarts }), run(came))
      }
    ),
    { numRuns: 200 }
  )
})

t.test('a clock that is set back does not hold anything longer', async (t) => {
  const trickling = { came: failures(60, minutes(2)), setAt: start + minutes(1) }
  // Nothing is held at that moment.
  const paused = {
    came: inOrder(failures(1, 0), failures(20, minutes(1), 'again', seconds(20))),
    setAt: start + seconds(10)
  }
  paused.came = paused.came.map((entry) => ({ ...entry, view: { ...entry.view, cause: 'one' } }))
  const cases = [minutes(60), minutes(5), seconds(3)].flatMap((setMs) =>
    [trickling, paused].map((one) => ({ ...one, setMs }))
  )
  for (const { came, setAt, setMs } of cases) {
    const sent = run(came, { set: { at: setAt, byMs: -setMs } })
    t.same(named(sent), all(came), `by ${setMs} ms: all are sent`)
    // In time that passed, whatever the clock says.
    for (const [id, { at }] of came.entries()) {
      const passed = (sent.find(({ ids }) => ids.includes(id))?.passedAt ?? Number.POSITIVE_INFINITY) - at
      t.ok(passed <= minutes(5) + seconds(2), `${passed} ms`)
    }
  }
})
