// Text for Slack: any input comes out as text, within its limit.
import fc from 'fast-check'
import { clean } from '../../src/legible.ts'
import { code, cut, cutMiddle, escapeMrkdwn, fence, link, plain, time, words } from '../../src/render/slack/mrkdwn.ts'
import { anyMessage, anyText, mutated } from './hostile.ts'
import { faultsAmong, type Target } from './target.ts'

const url = fc.oneof(
  anyText,
  mutated(['https://git.example/a/b?c=d&e=f#g', 'http://[::1]:80/%3C', 'https://u:p@x.example/'])
)

/** What `clean` removes: control codes, and characters that hide or reorder text. */
export const hidden = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/

export const mrkdwn: Target<{ text: string; url: string; max: number; at: number }, Record<string, string>> = {
  name: 'mrkdwn',
  share: 250_000,
  input: fc.record({
    text: anyMessage,
    url,
    max: fc.integer({ min: 60, max: 3000 }),
    at: fc.integer({ min: -1e13, max: 2e14 })
  }),
  run({ text, url, max, at }) {
    const cleaned = clean(text)
    return {
      cleaned,
      plain: plain(cleaned),
      words: words(cleaned),
      code: code(cleaned),
      fence: fence(cleaned),
      cut: cut(cleaned, max),
      middle: cutMiddle(cleaned, max),
      link: link(url, plain(cleaned)),
      time: time(at)
    }
  },
  faults(
    { cleaned = '', plain = '', words = '', code = '', fence = '', cut = '', middle = '', link = '', time = '' },
    { max }
  ) {
    const all = [cleaned, plain, words, code, fence, cut, middle, link]
    return faultsAmong({
      'half a character': all.some((text) => !text.isWellFormed()),
      'a hidden character': all.some((text) => hidden.test(text)),
      'an order': [plain, words, code, fence].some((text) => /[<>]/.test(text)),
      'a link that is more than a link': link !== plain && !/^<https?:\/\/[^\s<>|`]+\|[^<>\n]*>$/.test(link),
      'markup in a name': /[*_~`\n]/.test(plain),
      'code of several lines, or closed early': !/^(`[^`\n]+`)?$/.test(code),
      'a fence closed early': !/^`*$/.test(fence.slice(fence.indexOf('```', 3))),
      'longer than it may be': [cut, middle].some((text) => escapeMrkdwn(text).length > max),
      'a malformed time':
        !/^(<!date\^\d+\^\{date_short_pretty\} \{time\}\|)?[+-]?\d{4,6}-\d\d-\d\d \d\d:\d\d UTC>?$/.test(time)
    })
  }
}
