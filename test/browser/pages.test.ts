// Pages in a real browser: fit a phone and a desk, dark and light, empty and full.
import type { Browser, Page } from 'playwright-core'
import t, { type Test } from 'tap'
import { barriers, complaints, startBrowser } from '../fixtures/browser.ts'
import { about, type Relay, startRelay } from '../fixtures/relay.ts'

const browser = await startBrowser(t)
const options = browser ? {} : { skip: 'there is no chromium' }

const config = `
cluster: prod
destinations:
  team: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } }
  local: { preview: true, pace: { perSecond: 50, burst: 100 } }
mute:
  - { name: db upgrade, match: { namespace: db }, until: 2099-01-01T00:00:00Z }
rules:
  - { name: failures, match: { severity: warn }, send: [team, local] }
  - { name: news, match: { severity: info }, notify: every, send: local }
  - { name: payments, match: { namespace: pay, message: { include: ["(?i)timeout"] } }, send: team }
`

const pages = [
  ...[
    '/',
    '/objects',
    '/events',
    '/events?name=app-1',
    '/deliveries',
    '/deliveries?state=dead',
    '/deliveries?state=sent'
  ],
  ...['/silences', '/silences/new', '/rules', '/preview/local', '/preview/team']
]

const screens = { phone: { width: 390, height: 844 }, desk: { width: 1280, height: 900 } }
const smallPhone = { width: 320, height: 640 }

/** Looks at every page on every screen, dark and light. */
async function lookAtAll(t: Test, relay: Relay, paths: readonly string[]): Promise<void> {
  for (const [screen, viewport] of Object.entries(screens)) {
    const context = await (browser as Browser).newContext()
    const page = await context.newPage()
    const said = complaints(page)
    for (const path of paths) {
      const where = `${path} on a ${screen}`
      await page.setViewportSize(viewport)
      await page.emulateMedia({ colorScheme: 'dark' })
      const response = await page.goto(relay.url + path)
      t.equal(response?.status(), 200, where)
      t.same(await barriers(page), [], `${where} can be used by everyone`)
      t.notOk(await isTooWide(page), `${where} is not wider than the screen`)
      await page.emulateMedia({ colorScheme: 'light' })
      t.same(await barriers(page, ['color-contrast']), [], `${where} can be read in daylight`)
      await page.setViewportSize(smallPhone)
      t.notOk(await isTooWide(page), `${where} fits on a small phone`)
      t.same(said.splice(0), [], `the browser has nothing against ${where}`)
    }
    await context.close()
  }
}

function isTooWide(page: Page): Promise<unknown> {
  return page.evaluate('document.documentElement.scrollWidth > innerWidth')
}

/** Posts `count` events, some of them failures, many at a time. */
async function fill(relay: Relay, count: number): Promise<void> {
  const at = (agoMs: number) => new Date(Date.now() - agoMs).toISOString()
  for (let first = 0; first < count; first += 50) {
    const batch = Array.from({ length: 50 }, (_, offset) => {
      const n = first + offset
      const isFailure = n % 10 === 0 && n < 1000
      const timestamp = at((count - n) * 1000)
      if (!isFailure) {
        const message = `Reconciliation finished in ${n} ms, next run in 10m0s`
        return about(`app-${n % 500}`, { severity: 'info', reason: 'ReconciliationSucceeded', message, timestamp })
      }
      const message = `timeout waiting for [Deployment/${'a-very-long-name-'.repeat(5)}${n}]: <script>alert(1)</script>`
      return about(`failing-${n}-${'long-'.repeat(n % 20)}`, { message, timestamp: at(n * 60_000) })
    })
    await Promise.all(batch.map((event) => relay.post(event)))
  }
}

t.test('every page looks right when nothing has happened', options, async (t) => {
  await lookAtAll(t, await startRelay(t, { config }), pages)
})

t.test('every page looks right with 10,000 events', options, async (t) => {
  const relay = await startRelay(t, { config })
  await fill(relay, 10_000)
  relay.slack.behave('*', { status: 400, body: 'invalid_payload' })
  const { body } = await relay.post(about('refused'))
  await relay.logged(/dead letters/)
  const origin = { origin: relay.url }
  const silences = [
    { name: 'failing-1*', for: 'recovered' },
    {
      namespace: 'apps',
      name: 'none',
      starts: '1d',
      for: '1h',
      comment: `${'a-very-long-reason-'.repeat(8)} and words`
    }
  ]
  for (const asked of silences)
    await fetch(`${relay.url}/silences`, { method: 'POST', headers: origin, body: new URLSearchParams(asked) })
  await lookAtAll(t, relay, [...pages, `/events/${body.id}`])
})
