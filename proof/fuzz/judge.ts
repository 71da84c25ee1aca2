// Judge: finds what must never be in a message, for Slack and for the receivers that only resemble it.
import { bodyFor, type Dialect, dialectNames } from '../../src/render/receivers/dialect.ts'
import { type Payload, textsOf, withoutBlocks } from '../../src/render/slack/payload.ts'
import { textsIn } from '../../test/fixtures/messages.ts'
import { faultsOf } from '../../test/fixtures/slack.ts'
import { hidden } from './mrkdwn.ts'
import { faultsAmong } from './target.ts'

// What angle brackets may contain: times, and links to the hosts that the targets' configs name.
const ours =
  /<!date\^-?\d+\^\{date_short_pretty\} \{time\}\|[^<>]* UTC>|<https:\/\/(?:git|flux|x)\.example\/[^<>|\s]*\|[^<>\n]*>/g

/** Everything in `payload` that Slack would refuse or take for an order. */
export function slackFaults(payload: Payload): string[] {
  const texts = [payload.text, ...[...textsOf(payload)].map(({ text }) => text)]
  const json = JSON.stringify(payload)
  const plain = withoutBlocks(payload)
  return [
    ...[payload, plain].flatMap((form) => faultsOf(form) ?? []),
    ...faultsAmong({
      'an order': texts.some((text) => /[<>]/.test(text.replace(ours, ''))),
      'a hidden character': texts.some((text) => hidden.test(text)),
      'over 15,000 bytes': Buffer.byteLength(json) > 15_000,
      'a lock screen that is too long': payload.text.length > 300 || payload.text.includes('\n'),
      'a text that is not verbatim':
        json.split('"verbatim":true').length !== json.split('"type":"mrkdwn"').length && !json.includes('"plain_text"')
    })
  ]
}

const signs: readonly (readonly [what: string, pattern: RegExp])[] = [
  ['a call of everyone', /@(everyone|here|channel|all|\*|_\*)/i],
  ['a call', /(?<![A-Za-z0-9])@[A-Za-z0-9]/],
  ['a tag', /<([@!#&/]|\w+[:.])/],
  ['a link elsewhere', /\][:[]|\]\((?!https:\/\/(git|flux|x)\.example\/[^\s()]*\))/],
  ['a hidden character', hidden]
]

/** {@link slackFaults} for all other receivers, each in its own words. */
export function strangerFaults(payload: Payload): string[] {
  const strangers = dialectNames.filter((dialect) => !dialect.startsWith('slack'))
  return strangers.flatMap((dialect) => {
    const body = bodyFor(payload, dialect) as Record<string, unknown>
    const texts = textsIn(body)
    const found = signs.filter(([, pattern]) => texts.some((text) => pattern.test(text))).map(([what]) => what)
    if (texts.some((text) => !text.isWellFormed())) found.push('half a character')
    return [...found, ...sizeFaults(body, texts, dialect)].map((fault) => `${dialect}: ${fault}`)
  })
}

function sizeFaults(body: Record<string, unknown>, texts: readonly string[], dialect: Dialect): string[] {
  const { text = '', attachments = [] } = body as {
    text?: string
    attachments?: { text?: string; fallback?: string }[]
  }
  const shown = texts.filter((text) => !attachments.some(({ fallback }) => fallback === text))
  const size = shown.reduce((sum, text) => sum + text.length + 2, 0)
  const embeds = attachments.map((embed) => embed.text ?? '')
  const most: Partial<Record<Dialect, boolean>> = {
    mattermost: size > 16_383,
    zulip: size > 10_000,
    discord:
      text.length > 2000 ||
      embeds.length > 10 ||
      embeds.some(({ length }) => length > 4096) ||
      embeds.join('').length > 6000,
    workflow: Object.values(body).includes('')
  }
  return most[dialect] ? ['too long, or empty'] : []
}
