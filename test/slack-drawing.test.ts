// Messages drawn as Slack shows them: its marks and nothing else become HTML.
import t from 'tap'
import { slackMessage } from '../src/dashboard/preview.ts'
import { slackText } from '../src/dashboard/slack-text.ts'
import { mrkdwn } from '../src/render/slack/blocks.ts'
import type { Payload } from '../src/render/slack/payload.ts'
import { cpuMs } from './fixtures/cpu.ts'

t.test('mrkdwn becomes HTML', async (t) => {
  for (const [text, wanted] of [
    ['*bold* and ~gone~ and _slanted_', '<b>bold</b> and <s>gone</s> and <i>slanted</i>'],
    ['~Failed~ → *Ready*', '<s>Failed</s> → <b>Ready</b>'],
    ['a*b*c snake_case_name 2~3~4', 'a*b*c snake_case_name 2~3~4'],
    ['`x < y`', '<code>x &lt; y</code>'],
    ['`a &lt;b&gt; &amp;lt;`', '<code>a &lt;b&gt; &amp;lt;</code>'],
    ['```one\n*two*```', '<pre tabindex="0">one\n*two*</pre>'],
    ['one\ntwo', 'one<br>two'],
    [':red_circle: :unknown_one:', '🔴 :unknown_one:'],
    [
      '*<https://flux.acme.dev/a_b_c?x=1&amp;y=2|apps/shop>*',
      '<b><a href="https://flux.acme.dev/a_b_c?x=1&amp;y=2" rel="noreferrer noopener">apps/shop</a></b>'
    ],
    ['<javascript:alert(1)|x>', '<span class="mention">@javascript:alert(1)</span>'],
    ['<data:text/html,x|y>', '<span class="mention">@data:text/html,x</span>'],
    ['<!subteam^S012AB3CD> <!here>', '<span class="mention">@S012AB3CD</span> <span class="mention">@here</span>'],
    ['<!date^1795260020^{date}|2026-11-21 UTC>', '<time datetime="2026-11-21T11:20:20.000Z">2026-11-21 UTC</time>'],
    ['<!date^9999999999999^{date}|never>', 'never'],
    ['&lt;script&gt;alert(1)&lt;/script&gt;', '&lt;script&gt;alert(1)&lt;/script&gt;'],
    ['&amp;lt;b&amp;gt;', '&amp;lt;b&amp;gt;'],
    ['"quoted" \'text\'', '&quot;quoted&quot; &#39;text&#39;']
  ] as const) {
    t.equal(String(slackText(text)), wanted, text)
  }
})

t.test('text made to be slow is drawn quickly', async (t) => {
  const started = cpuMs()
  for (const mark of ['*', '_', '~', '`', '<', '```', '*_~', '<!date^1^', ':a']) slackText(mark.repeat(20_000))
  t.ok(cpuMs() - started < 2000)
})

t.test('every block has its form, and images stay where they are', async (t) => {
  const payload: Payload = {
    text: 'fallback &lt;b&gt; :red_circle:',
    blocks: [
      { type: 'header', text: { type: 'plain_text', text: 'A <title>' } },
      {
        type: 'section',
        text: mrkdwn('*text*'),
        fields: [mrkdwn('*Cluster*\nprod')],
        accessory: { type: 'button', text: { type: 'plain_text', text: 'Open' }, url: 'https://acme.dev/' }
      },
      { type: 'divider' },
      { type: 'image', image_url: 'https://acme.dev/x.png', alt_text: 'a graph' },
      {
        type: 'actions',
        elements: [{ type: 'button', text: { type: 'plain_text', text: 'Bad' }, url: 'javascript:1' }]
      }
    ],
    attachments: [{ color: '"><script>', blocks: [{ type: 'context', elements: [mrkdwn('small')] }] }],
    unfurl_links: false,
    unfurl_media: false
  }
  const drawn = String(slackMessage(payload))
  t.match(drawn, 'A &lt;title&gt;')
  t.match(drawn, /<div class="fields"><div><b>Cluster<\/b><br>prod<\/div>/)
  t.match(drawn, '<a href="https://acme.dev/" rel="noreferrer noopener">Open</a>')
  t.match(drawn, '<a href="https://acme.dev/x.png" rel="noreferrer noopener">🖼 a graph</a>')
  t.notMatch(drawn, /<img|<script|javascript:/)
  t.match(
    drawn,
    /<p class="lock"><small>On a lock screen<\/small> <span>fallback &lt;b&gt; 🔴<\/span><\/p>/,
    'as a phone shows it'
  )
  t.notMatch(drawn.replace(/<p class="lock">.*?<\/p>/s, ''), 'fallback')
  t.match(drawn, 'fill="#888888"')
  const { blocks: _, attachments: __, ...plain } = payload
  t.match(String(slackMessage(plain)), 'fallback')
})

t.test('a long text is folded as Slack folds it, and one that Slack shows whole is not', async (t) => {
  const long = { type: 'section' as const, text: mrkdwn('word '.repeat(200)) }
  const frame = { text: 'x', unfurl_links: false, unfurl_media: false } as const
  t.match(String(slackMessage({ ...frame, blocks: [long] })), /class="folded"[\s\S]*See more/)
  t.notMatch(String(slackMessage({ ...frame, blocks: [{ ...long, expand: true }] })), 'See more')
})
