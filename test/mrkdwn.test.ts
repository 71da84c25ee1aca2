// mrkdwn: makes whatever is in an event a harmless and readable part of a Slack message.
import t, { type Test } from 'tap'
import { clean } from '../src/legible.ts'
import { code, cut, cutMiddle, escapeMrkdwn, fence, link, plain, time, words } from '../src/render/slack/mrkdwn.ts'
import { cpuMs } from './fixtures/cpu.ts'
import { anyCharacters, fc } from './fixtures/fc.ts'

// Any text at all: every code point, lone surrogates, and what an attacker or a terminal would write.
const hostile = [
  ...'<!channel> <@U012AB3CD> <#C01> <https://evil.example|login> &lt; & > ` ``` * _ ~ 🔥'.split(' '),
  ...[' ', '\n', '\r\n', '\u2028', '\u0000', '\u001b[31m', '\u001b]0;', '\u202e', '\ud83d', '\udd25', 'a'.repeat(50)]
]
const anyText = fc
  .array(fc.oneof(fc.constantFrom(...hostile), anyCharacters()), { maxLength: 30 })
  .map((parts) => parts.join(''))

const shown = (mrkdwn: string): string =>
  mrkdwn.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')

// Keeps tap's title for the property; the failure's text has the counterexample.
function isTrueOfAll(t: Test, title: string, property: fc.IProperty<unknown>) {
  t.doesNotThrow(() => fc.assert(property, { numRuns: 1000 }), title)
}

t.test('what Slack would read as a mention, link or entity is shown as it was written', async (t) => {
  t.equal(escapeMrkdwn('<!channel> & <https://evil|login>'), '&lt;!channel&gt; &amp; &lt;https://evil|login&gt;')
  t.equal(escapeMrkdwn('&lt;'), '&amp;lt;', 'an entity is text, too')
  isTrueOfAll(
    t,
    'and read back, nothing of any text is lost',
    fc.property(anyText, (text) => {
      const escaped = escapeMrkdwn(text)
      return shown(escaped) === text && !/[<>]|&(?!(amp|lt|gt);)/.test(escaped)
    })
  )
})

t.test('text from outside is cleaned of what would hide, reorder or colour it', async (t) => {
  const cases: [what: string, text: string, cleaned: string][] = [
    ['colours of a terminal', '\u001b[1;31mred\u001b[0m text', 'red text'],
    ['links of a terminal', '\u001b]8;;http://evil\u0007label\u001b]8;;\u001b\\ text', 'label text'],
    ['NUL, bell and backspace', 'a\u0000b\u0007c\u0008d', 'abcd'],
    ['C1 controls', 'a\u009bb\u0090c', 'abc'],
    ['right-to-left override', 'invoice\u202egnp.exe', 'invoicegnp.exe'],
    ['bidi isolates and marks', '\u2066a\u2069\u200fb\u061cc', 'abc'],
    ['a byte order mark', '\ufefftext', 'text'],
    ['every kind of line end', 'a\r\nb\rc\u2028d\u2029e\u0085f', 'a\nb\nc\nd\ne\nf'],
    ['white space at the end', 'text \n\t\n', 'text'],
    ['half a character', 'a\ud83d b\udd25', 'a\ufffd b\ufffd']
  ]
  for (const [what, text, cleaned] of cases) t.equal(clean(text), cleaned, what)
  t.equal(clean('  tab\tand\n\n  é 👩‍🚀 日本'), '  tab\tand\n\n  é 👩‍🚀 日本', 'everything else stays')
  const unclosed = clean('\u001b]0;never closed\nthe reason')
  t.equal(unclosed, '\nthe reason', 'an unclosed sequence takes no more than its line')
  isTrueOfAll(
    t,
    'nothing of the kind is left, and cleaning twice changes nothing',
    fc.property(anyText, (text) => {
      const cleaned = clean(text)
      const isClean = !/(?![\n\t])\p{Cc}|[\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/u.test(cleaned)
      return isClean && cleaned.isWellFormed() && clean(cleaned) === cleaned
    })
  )
})

t.test('a text that is cut says how many characters are missing', async (t) => {
  t.equal(cut('short enough', 40), 'short enough')
  t.equal(cut('0123456789'.repeat(5), 40), '012345678901234 … (+35 characters)')
  t.equal(cut('<'.repeat(41), 60), '<<<<<<<< … (+33 characters)', 'counted as Slack gets it: &lt;')
  t.equal(cut('🔥'.repeat(30), 40), '🔥🔥🔥🔥🔥🔥🔥 … (+46 characters)', 'no half of an emoji')
  isTrueOfAll(
    t,
    'it is never over its limit once escaped, never wastes it, and never splits a code point',
    fc.property(anyText.map(clean), fc.integer({ min: 40, max: 500 }), (text, max) => {
      const result = cut(text, max)
      const size = escapeMrkdwn(result).length
      if (result === text) return size <= max
      const [, kept = '', missing] = /^(.*) … \(\+(\d+) characters\)$/s.exec(result) ?? []
      const isHonest = text.startsWith(kept) && kept.length + Number(missing) === text.length
      return isHonest && size <= max && size > max - 20 && result.isWellFormed()
    })
  )
})

t.test('a long error keeps its end, which has the reason', async (t) => {
  const log = `Helm upgrade failed\n${'beginning wait for 2 resources\n'.repeat(100)}0 out of 1 expected pods are ready`
  const short = `
Helm upgrade failed
beginning wait for 2 resou
… (+3062 characters) …
2 resources
0 out of 1 expected pods are ready`
  t.equal(cutMiddle(log, 120), short.trimStart())
  isTrueOfAll(
    t,
    'it is never over its limit once escaped, keeps both ends, and never splits a code point',
    fc.property(anyText.map(clean), fc.integer({ min: 60, max: 500 }), (text, max) => {
      const result = cutMiddle(text, max)
      const size = escapeMrkdwn(result).length
      if (result === text) return size <= max
      const [, head = '', count, tail = ''] = /^(.*)\n… \(\+(\d+) characters\) …\n(.*)$/s.exec(result) ?? []
      const gap = text.slice(head.length, text.length - tail.length)
      // White space beside the gap is dropped and not counted.
      const isHonest = gap.trim().length <= Number(count) && Number(count) <= gap.length
      const keepsEnds = text.startsWith(head) && text.endsWith(tail) && head.length + tail.length < text.length
      return isHonest && keepsEnds && size <= max && result.isWellFormed()
    })
  )
})

t.test('a link leads where the config says, or is not a link', async (t) => {
  const good: [url: string, target: string][] = [
    ['https://git.example/commit/abc', 'https://git.example/commit/abc'],
    ['http://localhost:3000/', 'http://localhost:3000/'],
    ['https://a.example/?a=1&b=2#c', 'https://a.example/?a=1&amp;b=2#c'],
    ['https://a.example/x|y> z<', 'https://a.example/x%7Cy%3E%20z%3C'],
    ['https://a.example/`\n>', 'https://a.example/%60%3E'],
    [`https://a.example/${'x'.repeat(782)}`, `https://a.example/${'x'.repeat(782)}`]
  ]
  for (const [url, target] of good) t.equal(link(url, 'label'), `<${target}|label>`, url.slice(0, 60))
  const bad = [
    ...[
      'javascript:alert(1)',
      'JAVASCRIPT:alert(1)',
      ' javascript:alert(1)',
      'java\nscript:alert(1)',
      'data:text/html,x'
    ],
    ...['file:///etc/passwd', 'slack://user', '!channel', '@U012AB3CD', '#C01', '/relative', '', 'https://'],
    `https://a.example/${'x'.repeat(783)}`,
    `https://a.example/?${'&'.repeat(200)}`
  ]
  for (const url of bad) t.equal(link(url, 'label'), 'label', JSON.stringify(url.slice(0, 60)))
  t.equal(link(undefined, 'label'), 'label', 'no URL at all')
})

t.test('no text can close the code around it', async (t) => {
  t.equal(code('a `b` <c>\nd'), '`a ˋbˋ &lt;c&gt; d`')
  t.equal(code(' \n '), '', 'and where there is nothing, nothing is shown')
  t.equal(fence('a\n```\n*b*'), '```a\nˋˋˋ\n*b*```')
  isTrueOfAll(
    t,
    'inline code is one line between its two backticks',
    fc.property(anyText, (text) => /^(`[^`\n]+`)?$/.test(code(text)))
  )
  isTrueOfAll(
    t,
    'no text follows the end of a fence',
    fc.property(anyText, (text) => {
      const fenced = fence(text)
      return fenced.startsWith('```') && /^`*$/.test(fenced.slice(fenced.indexOf('```', 3)))
    })
  )
})

t.test('a name cannot format the message around it', async (t) => {
  t.equal(plain('*bold* _it_ ~no~ `code`\nnext'), '∗bold∗ ＿it＿ ∼no∼ ˋcodeˋ next')
  isTrueOfAll(
    t,
    'whatever it is',
    fc.property(anyText, (text) => !/[*_~`\n]/.test(plain(text)))
  )
})

t.test('no text can make a mention or a link of its own', async (t) => {
  isTrueOfAll(
    t,
    'in a name, in code, in a fence',
    fc.property(anyText, (text) => !`${plain(text)}${code(text)}${fence(text)}`.includes('<'))
  )
  const anyUrl = fc.oneof(fc.webUrl({ withFragments: true, withQueryParameters: true }), anyText)
  const urlWithText = fc.tuple(fc.constantFrom('', 'https://git.example/'), anyUrl).map((parts) => parts.join(''))
  isTrueOfAll(
    t,
    'in a link’s label or address',
    fc.property(urlWithText, anyText, (url, label) => {
      const linked = link(url, plain(label))
      const isLink = /^<https?:\/\/[^\s<>|`]+\|[^<>]*>$/.test(linked)
      return (isLink || linked === plain(label)) && !/<[@!#]/.test(linked)
    })
  )
})

t.test("a time is shown in the reader's own time zone, or in UTC if that is not possible", async (t) => {
  t.equal(time(Date.UTC(2026, 8, 21, 14, 13, 20)), '<!date^1790000000^{date_short_pretty} {time}|2026-09-21 14:13 UTC>')
})

t.test('any amount of white space is scanned once', async (t) => {
  const start = cpuMs()
  for (const space of ['\n', '\r', '\u2028', ' ', '\t', '\n ']) {
    const many = space.repeat(40_000)
    t.equal(words(`a\n${many}b${many}\n> c`).slice(-3), '› c', encodeURIComponent(space))
  }
  t.ok(cpuMs() - start < 2000, `${cpuMs() - start} ms`)
})
