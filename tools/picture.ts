// Picture: draws docs/images/messages.png: what Slack shows of one failure in the demo's day, by Flux's own provider and by the
// relay.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { html } from 'hono/html'
import { chromium } from 'playwright-core'
import { slackMessage } from '../src/dashboard/preview.ts'
import { createDay } from '../src/demo/day.ts'
import type { Payload } from '../src/render/slack/payload.ts'

const root = join(import.meta.dirname, '..')
const style = readFileSync(join(root, 'src', 'dashboard', 'assets', 'style.css'), 'utf8')
/** The address of a relay on which `flux-relay demo` has finished. */
const [url = 'http://localhost:8080', browser = '/usr/bin/chromium'] = process.argv.slice(2)
const object = 'payments/ledger'

interface Shown {
  messages: { at: string; payload: Payload }[]
}

const answer = await fetch(`${url}/api/preview/local?limit=50`)
const { messages } = (await answer.json()) as Shown
const ours = messages.filter(({ payload }) => payload.text.includes(object)).reverse()

const start = Date.now()
const theirs = createDay(start)
  .map(({ event }) => event)
  .filter(({ involvedObject: { namespace, name } }) => `${namespace}/${name}` === object)

// The form in which notification-controller posts (internal/notifier/slack.go): an attachment with the object, the text and
// fields.
const flood = theirs.map(({ involvedObject: { kind = '', name, namespace }, message, severity, metadata }) => {
  const fields = Object.entries(metadata ?? {}).map(([key, value]) => html`<div><b>${key}</b><br>${value}</div>`)
  const title = `${kind.toLowerCase()}/${name}.${namespace}`
  return html`<div class="flux ${severity}"><b>${title}</b><br>${message}${fields}</div>`
})

const page = html`<!doctype html><html lang="en"><meta charset="utf-8"><style>${html([style] as unknown as TemplateStringsArray)}
body{margin:0;padding:20px;width:1080px;background:#fff}
main{display:grid;grid-template-columns:1fr 1fr;gap:32px;max-width:none;margin:0;padding:0}
h2{font-size:17px;margin:0 0 10px}.lock{display:none}
.column{height:640px;overflow:hidden;position:relative}
.flood::after{content:"";position:absolute;inset:70% 0 0 0;background:linear-gradient(transparent,#fff)}
.flux{border-left:4px solid #2eb886;padding:2px 10px;margin:0 0 10px;font-size:13px;white-space:pre-line;overflow-wrap:anywhere}
.flux.error{border-color:#a30200}.flux div{margin-top:3px}
.slack{margin-bottom:10px}</style>
<main><section><h2>Flux's own Slack provider: ${theirs.length} posts</h2><div class="column flood">${flood}</div></section>
<section><h2>flux-relay: ${ours.length}</h2><div class="column">${ours.map(({ payload, at }) => slackMessage(payload, Date.parse(at)))}</div></section></main></html>`

const running = await chromium.launch({ executablePath: browser, args: ['--no-sandbox'] })
const tab = await running.newPage({ viewport: { width: 1120, height: 730 }, colorScheme: 'light' })
await tab.setContent(String(await page))
await tab.screenshot({ path: join(root, 'docs', 'images', 'messages.png') })
await running.close()
