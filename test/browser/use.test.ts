// Dashboard in a real browser: follows what happens, and works by the keyboard or without a script.
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import t from 'tap'
import { complaints, startBrowser } from '../fixtures/browser.ts'
import { about, type Relay, startRelay } from '../fixtures/relay.ts'

const browser = await startBrowser(t)
const options = browser ? {} : { skip: 'there is no chromium' }

const config = `
cluster: prod
destinations:
  team: { slack: { webhookUrl: "$SLACK" }, pace: { perSecond: 50, burst: 100 } }
rules:
  - { name: failures, match: { severity: warn }, send: team }
`

t.test('a page updates itself, but not where somebody is writing', options, async (t) => {
  const relay = await startRelay(t, { config })
  const page = await open(relay, '/')
  const said = complaints(page)
  await page.getByRole('heading', { name: 'Waiting for the first event' }).waitFor()
  await page.locator('#live[data-state=live]').waitFor()
  // The first look only learns the present state.
  await page.waitForTimeout(2200)
  await relay.post(about('shop', { timestamp: new Date().toISOString() }))
  await page.getByRole('heading', { name: '1 failing' }).waitFor({ timeout: 10_000 })
  await page.getByRole('link', { name: 'Silence … apps/shop' }).focus()
  await relay.post(about('cart', { message: 'another failure', timestamp: new Date().toISOString() }))
  await page.getByRole('heading', { name: '2 failing' }).waitFor({ timeout: 10_000 })
  const focused = await page.evaluate('document.activeElement.getAttribute("aria-label")')
  t.equal(focused, 'Silence … apps/shop', 'the focus stays where it was')
  t.same(said, [])
})

t.test(
  'a page that hears nothing from the relay says since when, and a slash leads to the search',
  options,
  async (t) => {
    const relay = await startRelay(t, { config })
    for (const name of ['a', 'b', 'c', 'd']) await relay.post(about(name, { timestamp: new Date().toISOString() }))
    const page = await (browser as Browser).newPage()
    t.teardown(() => page.close())
    await page.clock.install()
    await page.goto(relay.url)
    await page.locator('#live[data-state=live]').waitFor()
    await page.keyboard.press('/')
    t.equal(await page.evaluate('document.activeElement.id'), 'search')
    // Connected but silent, like a relay that hangs.
    await page.route('**/live', () => {})
    await page.clock.runFor(44_000)
    t.equal(await page.locator('#live').textContent(), 'live')
    await page.clock.runFor(60_000)
    await page.getByText(/^stale since \d/).waitFor()
  }
)

t.test('the keyboard alone suffices to silence an object and to retry a dead letter', options, async (t) => {
  const relay = await startRelay(t, { config })
  relay.slack.behave('*', { status: 400, body: 'invalid_payload' })
  await relay.post(about('shop', { timestamp: new Date().toISOString() }))
  await relay.logged(/dead letters/)
  relay.slack.calm()

  const page = await open(relay, '/')
  await page.keyboard.press('Tab')
  t.equal(await focusedText(page), 'Skip to content')
  await tabTo(page, 'Silence …')
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'New silence' }).waitFor()
  t.equal(await page.getByLabel('Name', { exact: true }).inputValue(), 'shop')
  await tabTo(page, 'Silence')
  await page.keyboard.press('Enter')
  await page.getByText('Silenced.').waitFor()

  await page.goto(`${relay.url}/deliveries?state=dead`)
  await tabTo(page, 'Retry')
  await page.keyboard.press('Enter')
  await page.getByText('1 notification waits to be sent again.').waitFor()
  await relay.slack.until(({ accepted }) => accepted.length === 1)
  t.match(relay.slack.accepted[0]?.text, 'apps/shop')
})

t.test(
  'the target of a link or of the focus is never behind the header, at any size and however one gets there',
  options,
  async (t) => {
    const relay = await startRelay(t, { config })
    for (const name of ['shop', 'cart', 'till', 'ledger', 'topics'])
      await relay.post(about(name, { reason: `${name}Failed`, timestamp: new Date().toISOString() }))
    const page = await open(relay, '/')
    for (const [width, height] of [
      [390, 844],
      [844, 390],
      [320, 256],
      [1280, 720]
    ] as const) {
      await page.setViewportSize({ width, height })
      await page.goto(relay.url)
      await page.getByRole('link', { name: '5 failing' }).click()
      t.ok(
        await page.evaluate(`${coveredBy}(document.querySelector('#failing')) < 0`),
        `the card, ${width} × ${height}`
      )
      await page.locator('#lanes a').last().focus()
      for (let presses = 0; presses < 25; presses++) {
        await page.keyboard.press('Shift+Tab')
        const isSeen = await page.evaluate(`${coveredBy}(document.activeElement) < 0`)
        if (!isSeen) t.fail(`${await focusedText(page)} is below the header, ${width} × ${height}`)
      }
    }
  }
)

/** A function in the page: how far an element reaches under the header. */
const coveredBy = `(element => element.matches('body, header *, .skip') ? -1
  : document.querySelector('header').getBoundingClientRect().bottom - element.getBoundingClientRect().top)`

t.test(
  'on paper a log is complete and has no buttons, and in forced colours the current page is recognisable',
  options,
  async (t) => {
    const relay = await startRelay(t, { config })
    const log = Array.from({ length: 200 }, (_, line) => `line ${line} of a long log`).join('\n')
    const { body } = await relay.post(about('shop', { message: log, timestamp: new Date().toISOString() }))
    const page = await open(relay, `/events/${body.id}`)
    await page.emulateMedia({ media: 'print', colorScheme: 'dark' })
    t.equal(
      await page.evaluate(
        'document.querySelector("pre.message").scrollHeight - document.querySelector("pre.message").clientHeight'
      ),
      0
    )
    t.notOk(await page.getByRole('button', { name: 'Acknowledge' }).isVisible())
    t.equal(await page.evaluate('getComputedStyle(document.body).color'), 'rgb(22, 24, 29)', 'dark on paper')
    await page.emulateMedia({ media: 'screen', forcedColors: 'active' })
    const lines = await page.evaluate(`[...document.querySelectorAll('header nav a')]
    .filter(link => getComputedStyle(link).borderBottomColor !== getComputedStyle(document.body).backgroundColor).map(link => link.textContent)`)
    t.same(lines, ['Events'])
  }
)

t.test(
  'one tap silences an object as long as it fails: on a small phone without a script, and by the keyboard',
  options,
  async (t) => {
    const relay = await startRelay(t, { config })
    for (const name of ['shop', 'cart']) await relay.post(about(name, { timestamp: new Date().toISOString() }))
    const viewport = { width: 320, height: 640 }
    const context = await (browser as Browser).newContext({ javaScriptEnabled: false, viewport, colorScheme: 'dark' })
    t.teardown(() => context.close())
    const phone = await context.newPage()
    await phone.goto(relay.url)
    const { x = 0, width = 0 } =
      (await phone.getByRole('button', { name: /^Until it recovers.*cart/ }).boundingBox()) ?? {}
    t.ok(x >= 0 && width > 0 && x + width <= viewport.width, 'the button is on the screen')
    await phone.getByRole('button', { name: /^Until it recovers.*cart/ }).click()
    await phone.getByText('ends when it recovers').waitFor()

    const page = await open(relay, '/')
    await page.getByRole('heading', { name: '1 failing · 1 muted' }).waitFor()
    await tabTo(page, 'Until it recovers')
    await page.keyboard.press('Enter')
    await page.getByText('Silenced.').waitFor()
    t.equal(await page.getByText('ends when it recovers').count(), 2)
    await tabTo(page, 'Undo')
    await page.keyboard.press('Enter')
    await page.getByText('Ended.').waitFor()

    await page.goto(`${relay.url}/silences/new?name=shop`)
    await page.getByLabel('For').selectOption('as long as it fails')
    await page.getByRole('button', { name: 'Silence' }).click()
    await page.getByText('Silenced.').waitFor()
    t.equal(await page.getByText('ends when it recovers').count(), 2)
  }
)

t.test('everything can be read and done without JavaScript', options, async (t) => {
  const relay = await startRelay(t, { config, env: { ADMIN_TOKEN: 'open-sesame' } })
  await relay.post(about('shop', { timestamp: new Date().toISOString() }))
  const context = await (browser as Browser).newContext({
    javaScriptEnabled: false,
    httpCredentials: { username: 'anyone', password: 'open-sesame' }
  })
  t.teardown(() => context.close())
  const page = await context.newPage()
  await page.goto(relay.url)
  await page.getByRole('link', { name: 'Silence … apps/shop' }).click()
  await page.getByLabel('For').selectOption('2 hours')
  await page.getByRole('button', { name: 'Silence' }).click()
  await page.getByText('silenced apps/shop').waitFor()
  await page.getByRole('button', { name: /^End/ }).click()
  await page.getByText('No silences.').waitFor()
  await page.getByRole('link', { name: 'Events' }).click()
  await page.getByText('Filter').click()
  await page.getByLabel('Severity').selectOption('info')
  await page.getByRole('button', { name: 'Show' }).click()
  await page.getByText('No events match').waitFor()
  t.pass('done')
})

t.test('a signed-in user can follow a link on another site, but a form there does nothing', options, async (t) => {
  const relay = await startRelay(t, { config, env: { ADMIN_OPEN_TO: '' } })
  const invitation = /\/\?token=[\w-]+/.exec(relay.log.join(''))?.[0]
  const site = createServer((_, response) => {
    response.setHeader('content-type', 'text/html')
    response.end(`<a href="${relay.url}${invitation}">the start</a> <a href="${relay.url}/objects">a message</a>
      <form method="post" action="${relay.url}/silences"><input name="name" value="x"><input name="for" value="1h"><button>win</button></form>`)
  }).listen(0, '127.0.0.1')
  await once(site, 'listening')
  t.teardown(() => site.close())
  // For a browser, `localhost` is another site than the relay's 127.0.0.1.
  const elsewhere = `http://localhost:${(site.address() as AddressInfo).port}`
  const page = await (browser as Browser).newPage()
  t.teardown(() => page.close())
  for (const link of ['the start', 'a message']) {
    await page.goto(elsewhere)
    await page.getByRole('link', { name: link }).click()
    await page.getByRole('link', { name: 'Silences' }).first().waitFor()
  }
  await page.goto(elsewhere)
  await page.getByRole('button', { name: 'win' }).click()
  await page.getByText('a page of another site must not do this').waitFor()
  await page.goto(`${relay.url}/silences`)
  await page.getByText('No silences.').waitFor()
  t.pass('done')
})

async function open(relay: Relay, path: string): Promise<Page> {
  const page = await (browser as Browser).newPage()
  t.teardown(() => page.close())
  await page.goto(relay.url + path)
  return page
}

function focusedText(page: Page): Promise<unknown> {
  return page.evaluate('document.activeElement.textContent')
}

/** Presses Tab until the element that says `text` has the focus. */
async function tabTo(page: Page, text: string): Promise<void> {
  for (let presses = 0; presses < 60; presses++) {
    await page.keyboard.press('Tab')
    if ((await focusedText(page)) === text) return
  }
  throw new Error(`"${text}" is not reached by Tab`)
}
