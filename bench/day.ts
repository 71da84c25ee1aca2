// `npm run bench day`: a fleet's day as Flux's own Slack provider would have posted it, and as the relay does.
// `-- --messages FILE` writes what was posted, a JSON line each; `-- --for 2m` tries that `for` on its sources.
import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { countPosts } from '../src/demo/flux.ts'
import type { WireEvent } from '../src/events/flux.ts'
import { textsOf } from '../src/render/slack/payload.ts'
import { createFleetDay, live } from './fleet-day.ts'
import { reportLasting } from './lasting.ts'
import { type Posted, startVirtualRelay } from './virtual-relay.ts'

/** Characters of a message that a phone shows before it is opened. */
const lockScreen = 90

const { values } = parseArgs({ options: { messages: { type: 'string' }, for: { type: 'string' } } })
const start = Date.parse('2026-09-21T00:00:00Z')
if (values.for !== undefined) {
  process.stdout.write(await reportLasting(values.for, start))
  process.exit()
}
const day = createFleetDay(start)
const relay = await startVirtualRelay(
  `rules:
  - { name: failures, match: { severity: error }, mention: "<!here>", send: team }
  - { name: rollouts, match: { severity: info, reason: [Progressing, UpgradeSucceeded] }, group: { by: [cluster, revision], wait: 30s }, send: team }
`,
  start
)
await live(relay, day, start)
await relay.close()

const { posted } = relay
if (values.messages !== undefined) {
  writeFileSync(values.messages, posted.map(({ at, payload }) => `${JSON.stringify({ at, ...payload })}\n`).join(''))
}
const events = day.map(({ event }) => event)
const plain = events.filter(({ metadata }) => metadata?.['commit_status'] !== 'update')
const saysWhy = posted.filter(isClear)
const unclear = posted.filter((message) => !saysWhy.includes(message))
process.stdout.write(`${events.length} events
                          messages    pings   characters
Flux's Slack provider  ${row(countPosts(events, 'info'), 0, sum(plain.map(nativeText)))}
flux-relay             ${row(posted.length, pings(), sum(posted.map(textOf)))}
object, cluster and cause in the first ${lockScreen} characters: ${saysWhy.length} of ${posted.length}
${unclear.map(({ payload }) => `  not so: ${payload.text.slice(0, 160)}\n`).join('')}`)

function row(...numbers: number[]): string {
  return numbers.map((value, place) => String(value).padStart([11, 9, 13][place] ?? 0)).join('')
}

function pings(): number {
  return posted.filter(({ body }) => body.includes('<!here>')).length
}

function sum(texts: string[]): number {
  return texts.reduce((total, text) => total + text.length, 0)
}

/** As in internal/notifier/slack.go: the object as the author, the message, and each metadata key as a field. */
function nativeText({ involvedObject: { kind, namespace = '', name }, message, metadata }: WireEvent): string {
  return [`${kind}/${name}.${namespace}`.toLowerCase(), message, ...Object.entries(metadata ?? {}).flat()].join('')
}

/** Every text in the message's blocks and attachments. */
function textOf({ payload }: Posted): string {
  return [...textsOf(payload)].map(({ text }) => text).join('')
}

/**
 * True if the lock screen line names an object or counts several, names a cluster and, for a failure, has a word of its cause.
 */
function isClear({ payload: { text } }: Posted): boolean {
  const shown = text.slice(0, lockScreen)
  const isAbout = ({ event }: (typeof day)[number]) => shown.includes(event.involvedObject.name ?? '')
  const about = day.filter(isAbout)
  const hasObject = about.length > 0 || /\b\d+ (?:\w+ )?(?:failing|fail|failed|recovered|objects|work)/.test(shown)
  const hasCluster = /prod-eu|prod-us|staging/.test(shown)
  const isGood = /^(?:✅|🟢|:white_check_mark:|:large_green_circle:)/u.test(text)
  const hasCause = isGood || day.some(({ cause }) => cause?.test(shown))
  return hasObject && hasCluster && hasCause
}
