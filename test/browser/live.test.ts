// An open page in a real browser: stays as its reader left it while it changes, says how old it is, and acts once.
import type { Browser, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { startBrowser } from '../fixtures/browser.ts'
import { about, type Relay, startRelay } from '../fixtures/relay.ts'

const browser = await startBrowser(t)
const options = browser ? {} : { skip: 'there is no chromium' }

const config = `
cluster: prod
destinations:
  apps: { slack: { webhookUrl: "$HOST/services/T0/B0/apps" }, pace: { perSecond: 50, burst: 100 } }
  db: { slack: { webhookUrl: "$HOST/services/T0/B0/db" }, pace: { perSecond: 50, burst: 100 } }
rules:
  - { name: apps, match: { severity: warn, namespace: apps }, send: apps }
  - { name: db, match: { severity: warn, namespace: db }, send: db }
`

t.test('focus, open parts and scroll positions survive a change of the page', options, async (t) => {
  const relay = await startRelay(t, { config })
  relay.slack.behave('/services/T0/B0/apps', { status: 400, body: 'invalid_payload' })
  relay.slack.behave('/services/T0/B0/db', { status: 400, body: 'no_text' })
  const log = Array.from({ length: 200 }, (_, line) => `line ${line} of a long log`).join('\n')
  const { body } = await relay.post(failing('a', 'apps', { message: log }))
  const alike = { message: 'HTTP 503 from the registry' }
  for (const [name, namespace] of pairs) await relay.post(failing(name, namespace, alike))
  await relay.logged(/dead letters/, 2)

  const dead = await open(t, relay, '/deliveries?state=dead')
  const retry = dead.locator('form', { has: dead.locator('[name=destination][value=db]') }).getByRole('button')
  await retry.focus()
  await changed(dead, '#deliveries', () => relay.post(failing('e', 'apps')))
  t.equal(
    await dead.evaluate('new FormData(document.activeElement.form).get("destination")'),
    'db',
    'the button that is about to be pressed is of the same kind'
  )

  const now = await open(t, relay, '/')
  await now.locator('#now summary').first().focus()
  await changed(now, '#now', () => relay.post(failing('f', 'db')))
  t.equal(await now.evaluate('document.activeElement.localName'), 'summary')

  const event = await open(t, relay, `/events/${body.id}`)
  await event.evaluate('document.querySelector("pre.message").scrollTo(0, 300)')
  await event.locator('pre.message').focus()
  await changed(event, '#event', () => relay.post(failing('a', 'apps', { message: 'another failure' })))
  t.equal(await event.evaluate('document.querySelector("pre.message").scrollTop'), 300)
  t.equal(await event.evaluate('document.activeElement.className'), 'message')
})

t.test('what somebody reads or selects stays in place when something new comes above it', options, async (t) => {
  const relay = await startRelay(t, { config })
  relay.slack.behave('*', { status: 400, body: 'invalid_payload' })
  const names = Array.from({ length: 20 }, (_, n) => `n${n}`)
  for (const name of names) await relay.post(failing(name, 'apps', { message: `${name} has a cause of its own` }))
  await relay.logged(/dead letters/)
  const paths = [
    ['/events', '#events'],
    ['/objects?state=failing', '#objects'],
    ['/deliveries?state=dead', '#deliveries']
  ] as const
  for (const [path, part] of paths) {
    const page = await open(t, relay, path)
    await page.setViewportSize({ width: 360, height: 640 })
    await page.getByText('apps/n9', { exact: true }).evaluate((row) => row.scrollIntoView({ block: 'center' }))
    const top = () => page.getByText('apps/n9', { exact: true }).evaluate((row) => row.getBoundingClientRect().top)
    const before = await top()
    await changed(page, part, () => relay.post(failing(`new${part.length}`, 'apps')))
    await page.getByText(`apps/new${part.length}`, { exact: true }).first().waitFor()
    t.ok(Math.abs((await top()) - before) < 3, `${path}: nothing moves under a finger`)
  }
  const page = await open(t, relay, '/events')
  const row = `[...document.querySelectorAll('#events b')].find((b) => b.textContent === 'apps/n9')`
  await page.evaluate(`getSelection().setBaseAndExtent(document.querySelector('h1'), 0, ${row}, 1)`)
  await page.waitForTimeout(2200)
  // By the second answer, the first has been shown.
  for (const name of ['unseen', 'unseen, too']) {
    await relay.post(failing(name, 'apps'))
    await page.waitForResponse((response) => response.url() === `${relay.url}/events`)
  }
  t.match(await page.evaluate('String(getSelection())'), 'apps/n9', 'what is about to be copied is still there')
})

t.test('an unfolded message stays unfolded', options, async (t) => {
  const relay = await startRelay(t, { config: preview })
  const long = Array.from({ length: 30 }, (_, line) => `resource ${line} of the release is not ready`).join('\n')
  await relay.post(failing('a', 'apps', { message: long }))
  const page = await open(t, relay, '/preview/local')
  await page.getByText('See more').first().click()
  await changed(page, '#messages', () => relay.post(failing('b', 'db', { message: 'something else' })))
  t.equal(await page.locator('.folding details[open]').count(), 1)
})

t.test('a page that cannot be fetched says how old it is, even if the event stream still works', options, async (t) => {
  const relay = await startRelay(t, { config })
  const page = await (browser as Browser).newPage({ locale: 'en-GB', timezoneId: 'UTC' })
  t.teardown(() => page.close())
  await page.clock.install({ time: '2026-09-21T03:12:00Z' })
  await page.goto(relay.url)
  await page.locator('#live[data-state=live]').waitFor()
  let answer = { status: 503, contentType: 'text/html', body: '<h1>The database does not answer</h1>' }
  await page.route(relay.url, (route) => route.fulfill(answer))
  await page.route('**/live', (route) =>
    route.fulfill({ contentType: 'text/event-stream', body: 'event: change\ndata: 1\n\n' })
  )
  await page.clock.runFor(120_000)
  await page.getByText('stale since 03:12').waitFor()

  answer = { status: 200, contentType: 'text/html', body: '<form>Sign in at the proxy</form>' }
  await page.clock.runFor(60_000)
  t.equal(await page.locator('#live').textContent(), 'stale since 03:12', 'a login page of a proxy is no news')

  answer = { status: 401, contentType: 'text/html', body: '<h1>Please sign in</h1>' }
  await page.clock.runFor(60_000)
  await page.getByText('signed out: reload').waitFor()
})

t.test('an answer that never comes is asked for again', options, async (t) => {
  const relay = await startRelay(t, { config })
  const page = await (browser as Browser).newPage()
  t.teardown(() => page.close())
  await page.clock.install()
  await page.goto(relay.url)
  await page.locator('#live[data-state=live]').waitFor()
  let asked = 0
  await page.route(relay.url, (route) => {
    asked += 1
    return asked === 1 ? undefined : route.continue()
  })
  await page.clock.runFor(3_000)
  await relay.post(failing('a', 'apps'))
  while (asked === 0) await page.clock.runFor(1_000)
  await page.clock.runFor(90_000)
  await page.getByRole('heading', { name: '1 failing' }).waitFor()
})

t.test('what was done is said once', options, async (t) => {
  const relay = await startRelay(t, { config })
  await relay.post(failing('a', 'apps'))
  const page = await open(t, relay, '/')
  await page.getByRole('button', { name: 'Acknowledge: apps/a' }).click()
  await page.getByText('Acknowledged. No reminders').waitFor()
  await page.waitForURL(`${relay.url}/`)
  await page.reload()
  t.equal(await page.getByText('Acknowledged. No reminders').count(), 0)
})

t.test('two clicks over a slow line make one silence', options, async (t) => {
  const relay = await startRelay(t, { config })
  await relay.post(failing('a', 'apps'))
  const page = await open(t, relay, '/')
  const asked: string[] = []
  await page.route(/\/silences\?/, async (route) => {
    if (route.request().method() === 'POST') asked.push(route.request().url())
    await new Promise((resolve) => setTimeout(resolve, 600))
    await route.continue().catch(() => {})
  })
  const click = `document.querySelector('button[aria-label^="Silence 1 h"]').click()`
  await page.evaluate(`${click}; setTimeout(() => ${click}, 300)`)
  await page.getByText('Silenced.').waitFor()
  t.equal(asked.length, 1)
})

const preview = `
cluster: prod
destinations:
  local: { preview: true, pace: { perSecond: 50, burst: 100 } }
templates:
  kit: { blocks: [{ type: section, text: { type: mrkdwn, text: "{{ event.message }}" } }] }
rules:
  - { name: failures, match: { severity: warn }, template: kit, send: local }
`

const pairs = [
  ['b', 'apps'],
  ['c', 'db'],
  ['d', 'db']
] as const

function failing(name: string, namespace: string, changes: Parameters<typeof about>[1] = {}) {
  const event = about(name, { message: `${name} fails`, timestamp: new Date().toISOString(), ...changes })
  return { ...event, involvedObject: { ...event.involvedObject, namespace } }
}

async function open(t: Test, relay: Relay, path: string): Promise<Page> {
  const page = await (browser as Browser).newPage()
  t.teardown(() => page.close())
  await page.goto(relay.url + path)
  await page.locator('#live[data-state=live]').waitFor()
  return page
}

/** Resolves once the part of the page has been replaced. */
async function changed(page: Page, part: string, act: () => Promise<unknown>): Promise<void> {
  await page.evaluate(`document.querySelector('${part}').dataset.old = 'yes'`)
  // The first look only learns the present state.
  await page.waitForTimeout(2200)
  await act()
  await page.locator(`${part}:not([data-old])`).waitFor({ timeout: 15_000 })
}
