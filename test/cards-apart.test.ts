// Cards of several channels: one that takes no updates does not cost the app's other channels anything.
import t from 'tap'
import { build, isGreen, plainConfig, updates } from './fixtures/cards.ts'

const config = plainConfig
  .replace(
    'operator: ops',
    '  other: { slack: { app: acme, channel: C000000B }, pace: { perSecond: 50, burst: 100 } }\noperator: ops'
  )
  .replace('match: { severity: error }', 'match: { severity: error, name: "app-*" }')
  .concat('  - { name: others, match: { severity: error, name: shop }, send: other }\n')
const channels = ['C000000A', 'C000000B', 'C0000OPS'].map((id) => ({ id, name: id, members: ['U0FLUX'] }))

for (const error of ['is_archived', 'external_channel_migrating']) {
  t.test(`a channel of many cards that answers ${error} delays no other channel of its app`, async (t) => {
    const { api, pass, fail, recover } = await build(t, { config, channels })
    const names = Array.from({ length: 80 }, (_, n) => `app-${n}`)
    for (const [n, name] of names.entries()) {
      const word = [n % 26, n / 26].map((letter) => String.fromCharCode(97 + letter)).join('')
      await fail(name, `no such file: ${word}/${word}/${word}`)
      await pass(1000)
    }
    await fail('shop')
    await pass(20_000)
    t.ok(api.seen('C000000A').length >= names.length, 'each has its card')
    api.behave('chat.update C000000A', { status: 200, body: JSON.stringify({ ok: false, error }) })
    for (const name of names) await recover(name)
    await pass(15_000)
    await recover('shop')
    await pass(30_000)
    const [card] = api.seen('C000000B')
    t.ok(isGreen(card), 'as soon as ever')
    const tried = () => updates(api).filter(({ args }) => args.channel === 'C000000A').length
    const before = tried()
    api.calm()
    await pass(10 * 60_000)
    t.ok(before <= 4, `${before} tried`)
    const [first] = api.seen('C000000A')
    t.ok(isGreen(first), 'once it takes updates again')
  })
}
