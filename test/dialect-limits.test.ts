// Receivers: never take anything in an event for an order, and never refuse a message, whatever and however much is in it.
import t, { type Test } from 'tap'
import type { WireEvent } from '../src/events/flux.ts'
import { bodyFor, type Dialect, dialectNames, digestRoom } from '../src/render/receivers/dialect.ts'
import { section } from '../src/render/slack/blocks.ts'
import { type Payload, withoutBlocks } from '../src/render/slack/payload.ts'
import { anyCharacters, fc } from './fixtures/fc.ts'
import { digestOf, event, messageOf, textsIn } from './fixtures/messages.ts'

const failure = event('14:13:20', 'web', 'HealthCheckFailed', 'Deployment/web is not ready')
const recovery = event('14:27:20', 'web', 'ReconciliationSucceeded', 'done')

// What an attacker would write, for any of the receivers.
const hostile = [
  ...'@everyone @here @channel @all @**all** @_**all** @alice <!here> <!channel>'.split(' '),
  ...'<@U012AB3CD> <@&1> <#C01> <t:1:R> <https://evil.example|login> <evil.example|login>'.split(' '),
  ...':white_check_mark: :100: https://evil.example mailto:a@evil.example 1. --- === ## -# >>>'.split(' '),
  ...'[login](https://evil.example) [a][b] [b]:https://evil.example ](https://evil.example)'.split(' '),
  ...'[ ] ( ) | || \\ ` `` ``` ```` ~~~ ~ * ** _ # > - + &lt;!here&gt; &amp; < > 🔥'.split(' '),
  ...[' ', '\n', '\n\n', '\n```\n', '`\n', '\ud83d', 'a'.repeat(400), '@'.repeat(300)]
]
const anyText = fc
  .array(fc.oneof(fc.constantFrom(...hostile), anyCharacters({ maxLength: 20 })), { maxLength: 30 })
  .map((parts) => parts.join(''))
const anyEvent = fc
  .tuple(anyText, anyText, anyText, anyText, fc.constantFrom<WireEvent['severity'][]>('error', 'info', 'warn'))
  .map(
    ([name, reason, message, revision, severity]): WireEvent => ({
      ...event('14:13:20', name, reason, `MARK ${message} MARK\n${message} MARK`),
      involvedObject: { kind: name, namespace: name, name },
      severity,
      metadata: { revision, reason },
      reportingController: revision
    })
  )

const strangers = dialectNames.filter((dialect) => !dialect.startsWith('slack'))

/** Checks the message about an event, that about its recovery, both together, and each without blocks. */
function isTrueOfAll(t: Test, title: string, check: (body: Record<string, unknown>, dialect: Dialect) => string[]) {
  const property = fc.property(anyEvent, (wire) => {
    const over: WireEvent = {
      ...wire,
      severity: 'info',
      reason: 'ReconciliationSucceeded',
      timestamp: '2026-09-21T14:20:00Z'
    }
    const payloads = [messageOf([wire]), messageOf([wire, over]), digestOf([wire, failure, recovery])]
    for (const payload of [...payloads, ...payloads.map(withoutBlocks)]) {
      for (const dialect of strangers) {
        const body = bodyFor(payload, dialect) as Record<string, unknown>
        const faults = check(body, dialect)
        if (faults.length > 0) throw new Error(`${dialect}: ${faults} in ${JSON.stringify(body)}`)
      }
    }
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 300, includeErrorInReport: true }), title)
}

const orders: [what: string, pattern: RegExp][] = [
  ['a mention of everyone', /@(everyone|here|channel|all|\*|_\*)/i],
  ['a mention', /(?<![A-Za-z0-9])@[A-Za-z0-9]/],
  ['a tag', /<([@!#&/]|\w+[:.])/],
  ['a link that is not ours', /\][:[]|\]\((?!https:\/\/(git|flux)\.example\/[^\s()]*\))/]
]

const fallbacksIn = ({ attachments = [] }: { attachments?: { fallback?: string }[] }) =>
  attachments.map(({ fallback }) => fallback)

t.test('no event can call anybody, forge a link, or end a code block', async (t) => {
  isTrueOfAll(t, 'in every dialect', (body, dialect) =>
    textsIn(body).flatMap((text) => {
      const found = orders.filter(([, pattern]) => pattern.test(text)).map(([what]) => what)
      if (!text.isWellFormed()) found.push('half a character')
      // These have no markup.
      if (dialect === 'text' || dialect === 'workflow') return /[<>]/.test(text) ? [...found, 'a tag'] : found
      if (fallbacksIn(body).includes(text)) return found
      // Mattermost looks for it in code as well, and across lines.
      const slackLink = dialect === 'mattermost' ? /<[^<|]+\|[^>]+>/ : /<(?!\u200b)[^\s<>|]+\|[^>\n]+>/
      if (slackLink.test(text)) found.push('a link')
      const outside = text.replace(/^```(text)?\n[^`]*\n```$/gm, '').replace(/`[^`\n]+`/g, '')
      if (outside.includes('`')) found.push('half a code')
      if (/^[ \t]*(?:[#>+=-]|\d{1,9}[.)]\s)/m.test(outside)) found.push('a heading, a quotation, a list or a rule')
      if (/(?<!\]\()\b(?:https?|ftp|mailto):(?=[^\s\u200b])/i.test(outside)) found.push('a live address')
      if (/:[a-z0-9_+'-]+:/i.test(outside.replace(/\d:\d\d/g, ''))) found.push('an emoji')
      return found
    })
  )
})

/** What a receiver would refuse or cut. */
function faultsFor(body: Record<string, unknown>, dialect: Dialect): string[] {
  const texts = textsIn(body).filter((text) => !fallbacksIn(body).includes(text))
  const size = texts.reduce((sum, text) => sum + text.length + 2, 0)
  const { text = '', attachments = [] } = body as { text?: string; attachments?: { text: string; color?: string }[] }
  const embedded = attachments.map((embed) => embed.text ?? '')
  const limits: Partial<Record<Dialect, [what: string, isOver: boolean][]>> = {
    mattermost: [['over 16,383 characters', size > 16_383]],
    discord: [
      ['content', text.length > 2000],
      ['an embed', embedded.some((text) => text === '' || text.length > 4096)],
      ['all embeds', embedded.join('').length > 6000],
      ['number of embeds', embedded.length > 10],
      ['nothing', text === '' && embedded.length === 0]
    ],
    zulip: [
      ['over 10,000 characters', size + 2 * (texts.join().split('*').length - 1) > 10_000],
      ['a block that is no section', /"type":"(?!section|mrkdwn)/.test(JSON.stringify(body))]
    ],
    workflow: [
      ['other variables', Object.keys(body).join() !== 'summary,text,details'],
      ['an empty one', Object.values(body).includes('')]
    ],
    text: [['more than text', Object.keys(body).join() !== 'text' || text === '']]
  }
  return (limits[dialect] ?? []).filter(([, isOver]) => isOver).map(([what]) => what)
}

t.test('every message is within the limits of its receiver', async (t) => {
  isTrueOfAll(t, 'whatever the event', faultsFor)
  const growing = event('14:13:20', 'web', 'HealthCheckFailed', '@'.repeat(3000))
  const huge = listOf(namesOf(3000), 60, ', ')
  const more = Array.from({ length: 40 }, (_, i) => listOf(namesOf(1500, 'x'.repeat(i)), 260, ', '))
  const payloads = [messageOf([growing]), listOf(['@'.repeat(2900)], 1, ''), huge, withoutBlocks(huge)]
  for (const payload of payloads) {
    const faults = strangers.flatMap((name) => faultsFor(bodyFor(payload, name) as Record<string, unknown>, name))
    t.strictSame(faults, [])
  }
  for (const payload of more) {
    const body = bodyFor(payload, 'discord') as Record<string, unknown>
    t.strictSame(faultsFor(body, 'discord'), [])
    t.match(textsIn(body).at(-1), /\n… \(\+\d+ characters\)$/, 'what Discord has no room for is counted')
  }
})

/** A message with these lines, in sections of `perSection`. */
function listOf(lines: string[], perSection: number, joint: string): Payload {
  const blocks = Array.from({ length: Math.ceil(lines.length / perSection) }, (_, index) =>
    section(`*Failing*\n• ${lines.slice(index * perSection, (index + 1) * perSection).join(joint)}`)
  )
  return { ...messageOf([failure]), attachments: [{ color: '#a30200', blocks }] }
}

const namesOf = (count: number, prefix = 'web') => Array.from({ length: count }, (_, index) => `${prefix}-${index}`)

function lostIn(body: object, names: string[]): string[] {
  const text = textsIn(body).join('\n')
  const named = new Set(text.match(/[\w-]+/g))
  return names.filter((name) => !named.has(name))
}

t.test('a digest for Discord drops links and words before it drops a name', async (t) => {
  const cases: [count: number, kept: string[], given: string[]][] = [
    [30, ['](https://flux.example/', 'burns 🔥', '… (+9 characters)`'], ['…`']],
    [42, ['burns 🔥', '… (+9 characters)`'], ['](https://flux.example/', '…`']],
    [51, ['burns 🔥', '🔥…`'], ['](https://flux.example/', '(+9']],
    [80, ['timed out', '…`'], ['burns', '](https://flux.example/']],
    [150, [], ['BuildFailed', 'timed out', '`']]
  ]
  for (const [count, kept, given] of cases) {
    const names = namesOf(count, 'service')
    const lines = names.map((name, i) => {
      const text = `timed out waiting, it burns ${'🔥'.repeat(i % 2 ? 12 : 20)} … (+9 characters)`
      return `<https://flux.example/apps/${name}|Kustomization apps/${name}> \`BuildFailed\` \`${text}\``
    })
    const body = bodyFor(listOf(lines, 20, '\n• '), 'discord')
    const text = textsIn(body).join('\n')
    t.strictSame(lostIn(body, names), [], `${count} names in ${text.length} characters`)
    for (const part of kept) t.ok(text.includes(part), `of ${count}: ${part}`)
    for (const part of given) t.notOk(text.includes(part), `of ${count} not: ${part}`)
    t.ok(text.isWellFormed(), 'no half of a character')
  }
  const names = namesOf(780)
  const body = bodyFor(listOf(names, 260, ', '), 'discord')
  t.strictSame(lostIn(body, names), [], 'names only, 7,000 characters of them')
})

t.test('a digest for Discord has no more names than Discord has room for', async (t) => {
  const worlds: [what: string, message: (n: number) => string][] = [
    ['one cause', () => 'no such file'],
    ['a cause for each', (n) => `${n} is not ${'allowed '.repeat(20)}`]
  ]
  for (const [what, message] of worlds) {
    const events = namesOf(500, 'service').map((name, n) => ({
      ...failure,
      involvedObject: { ...failure.involvedObject, name },
      reason: `Reason${what === 'one cause' ? '' : n}`,
      message: message(n)
    }))
    const digest = digestOf(events, digestRoom('discord'))
    const names = [...new Set(JSON.stringify(digest).match(/service-\d+/g))]
    t.ok(names.length > 30, `${what}: ${names.length} names`)
    t.strictSame(lostIn(bodyFor(digest, 'discord'), names), [], what)
  }
})
