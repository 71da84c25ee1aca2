// Actions: the API and the forms of the pages accept and refuse the same.
import t from 'tap'
import { silenceLimits } from '../src/mutes/silence.ts'
import { createClock } from './fixtures/clock.ts'
import { submit, textOf } from './fixtures/dashboard.ts'
import { about, type Relay, startRelay } from './fixtures/relay.ts'

type Fields = Record<string, string>

/** Asks for the same silence with a form, as a browser does, and with the API. */
async function silenceBoth(relay: Relay, { for: lasting, starts, comment, ...match }: Fields) {
  const form = await submit(relay, '/silences', {
    ...match,
    ...(lasting !== undefined && { for: lasting }),
    ...(starts !== undefined && { starts }),
    ...(comment !== undefined && { comment })
  })
  const [, alert = ''] = /role="alert">([^<]*)</.exec(form.html) ?? []
  const api = await ask(relay, 'POST', '/api/silences', { match, for: lasting, starts, comment })
  return { form: { ...form, alert: textOf(alert) }, api }
}

async function ask(relay: Relay, method: string, path: string, content?: object) {
  const response = await fetch(relay.url + path, {
    method,
    ...(content && { body: JSON.stringify(content), headers: { 'content-type': 'application/json' } })
  })
  return { status: response.status, body: JSON.parse(await response.text()) }
}

async function silencesOf(relay: Relay): Promise<{ id: string; match: object; comment: string }[]> {
  return JSON.parse((await relay.get('/api/silences')).body).silences
}

const { commentCharacters, longestDays } = silenceLimits

const refused: Record<string, Fields> = {
  'that is about nothing': { for: '1h' },
  'without an end': { name: 'x' },
  'a malformed `for`': { name: 'x', for: 'long' },
  'for no time': { name: 'x', for: '0s' },
  'for longer than the longest': { name: 'x', for: `${longestDays}d1s` },
  'with a comment of one character too many': { name: 'x', for: '1h', comment: 'y'.repeat(commentCharacters + 1) },
  'with a comment as long as a page': { name: 'x', for: '1h', comment: 'y'.repeat(2000) },
  // `Date` parses these as a month of 2001, 12 January and 2 March.
  'that begins at no time': { name: 'x', for: '1h', starts: 'tomorrow 9' },
  'that begins in the form of some countries': { name: 'x', for: '1h', starts: '01.12.2026 06:00' },
  'that begins on a day that there is not': { name: 'x', for: '1h', starts: '2026-02-30T06:00:00Z' },
  'for a variable that nobody fills in': { kind: '${KIND}', for: '1h' }
}

t.test('the API and the pages refuse the same silences, in the same words', async (t) => {
  const relay = await startRelay(t)
  for (const [what, fields] of Object.entries(refused)) {
    const { form, api } = await silenceBoth(relay, fields)
    t.same([form.status, api.status, api.body.code], [400, 400, 'BAD_REQUEST'], what)
    t.not(api.body.message, '', what)
    t.equal(form.alert, api.body.message, what)
  }
  t.same(await silencesOf(relay), [])
})

t.test('a silence without a matcher is refused, however that is written', async (t) => {
  const relay = await startRelay(t)
  for (const match of [{}, { metadata: {} }, { message: {} }, { not: {} }, { related: {}, not: { metadata: {} } }]) {
    const { status, body } = await ask(relay, 'POST', '/api/silences', { match, for: '1h' })
    t.match({ status, body }, { status: 400, body: { message: /needs a matcher/ } }, JSON.stringify(match))
  }
  t.same(await silencesOf(relay), [])
})

t.test('a silence that begins later is refused with what is wrong with its end', async (t) => {
  const clock = createClock()
  const relay = await startRelay(t, { clock })
  const at = (hours: number) => new Date(clock.now() + hours * 3_600_000).toISOString()
  const asked: [object, RegExp][] = [
    [{ starts: '5h', until: at(2) }, /^it ends before it begins: `until` must be after `starts`$/],
    [{ starts: at(5), until: at(5) }, /it ends before it begins/],
    [{ starts: '5h', for: '367d' }, /within 366 days of its beginning/],
    [{ until: at(-1) }, /must end in the future, within 366 days$/]
  ]
  for (const [times, message] of asked) {
    const { status, body } = await ask(relay, 'POST', '/api/silences', { match: { name: 'x' }, ...times })
    t.match({ status, body }, { status: 400, body: { message } }, JSON.stringify(times))
  }
  t.same(await silencesOf(relay), [])
})

const taken: Record<string, Fields> = {
  'about an object': { kind: 'Kustomization', namespace: 'apps', name: 'shop', for: '1h', comment: 'db upgrade' },
  'for the longest time': { name: 'x', for: `${longestDays}d`, comment: '' },
  'with the longest comment': { name: 'x', for: '1h', comment: 'y'.repeat(commentCharacters) },
  'with the longest comment, of emoji': { name: 'x', for: '1h', comment: '🚀'.repeat(commentCharacters) },
  'with white space around it': { name: ' z ', for: '1h', comment: ` ${'y'.repeat(commentCharacters)}  ` },
  'about everything': { name: '*', for: '30m', comment: '' },
  'about two names in one text': { namespace: 'db, shop', for: '1h', comment: '' },
  'that no event meets': { kind: 'helmrelease', for: '1h', comment: '' }
}

t.test('the API and the pages accept the same silences, with the same result', async (t) => {
  const relay = await startRelay(t)
  for (const [what, fields] of Object.entries(taken)) {
    const before = (await silencesOf(relay)).length
    const { form, api } = await silenceBoth(relay, fields)
    t.match([form.to, api.status], [/^\/silences\?done=silenced/, 201], what)
    const [first, second, ...more] = (await silencesOf(relay)).slice(before)
    t.same(more, [])
    t.same([first?.match, first?.comment], [second?.match, second?.comment], what)
    t.match(first, { match: Object, comment: fields['comment']?.trim() ?? '' }, what)
  }
  const lines = relay.log.flatMap((line) => (line.includes('silence added') ? [JSON.parse(line)] : []))
  t.equal(lines.length, 2 * Object.keys(taken).length, 'and each is logged')
  t.ok(lines.every(({ silence, match, endsAt }) => silence && match && endsAt))
})

t.test(
  "a lane is tried by its name or its destination's; one that does not exist is refused alike by API and pages",
  async (t) => {
    const relay = await startRelay(t)
    const { lanes } = JSON.parse((await relay.get('/api/lanes')).body)
    for (const name of ['team', lanes[0].lane]) {
      t.match((await submit(relay, `/lanes/${name}/try`)).to, '/?done=tried-1')
      t.equal((await ask(relay, 'POST', `/api/lanes/${name}/try`)).status, 200)
    }
    const page = await submit(relay, '/lanes/nobody/try')
    const api = await ask(relay, 'POST', '/api/lanes/nobody/try')
    t.same([page.status, api.status], [404, 404])
    t.match(textOf(page.html), api.body.message)
  }
)

t.test('what was done to a dead letter by the API or on the pages also counts for the other', async (t) => {
  const relay = await startRelay(t)
  relay.slack.behave('*', () => ({ status: 400, body: 'invalid_blocks' }))
  for (const name of ['first', 'second']) await relay.post(about(name))
  await relay.logged(/message not delivered/, 2)
  relay.slack.calm('*')
  const { notifications } = JSON.parse((await relay.get('/api/notifications?state=dead')).body)
  const [one, two] = notifications.map(({ id }: { id: string }) => id)

  t.match((await submit(relay, `/deliveries/${one}/discard`)).to, /done=discarded-1/)
  t.equal((await ask(relay, 'POST', `/api/notifications/${one}/discard`)).status, 404)
  t.equal((await ask(relay, 'POST', `/api/notifications/${one}/retry`)).status, 404)
  t.equal((await ask(relay, 'POST', `/api/notifications/${two}/retry`)).status, 200)
  t.match((await submit(relay, `/deliveries/${two}/retry`)).to, /done=retried-0/)
  t.match((await submit(relay, `/deliveries/${two}/discard`)).to, /done=discarded-0/)
  await relay.slack.until(({ accepted }) => accepted.length === 1)
})
