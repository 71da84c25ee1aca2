// Lost cards: if a message can no longer be updated, the channel is told what goes on and what is over, and nobody who asked
// for silence is disturbed.
import t from 'tap'
import { build, cards, isGreen, plainConfig, shown } from './fixtures/cards.ts'
import { start } from './fixtures/clicks.ts'

const word = (error: string) => ({ status: 200, body: JSON.stringify({ ok: false, error }) })

for (const error of ['edit_window_closed', 'cant_update_message']) {
  t.test(`a recovery is posted in the channel if Slack answers ${error}, because the card stays red`, async (t) => {
    const { api, pass, fail, recover } = await build(t)
    await fail('shop')
    await pass(2000)
    api.behave('chat.update', word(error))
    await recover('shop')
    await pass(45_000)
    const [card, end, ...more] = cards(api)
    t.notOk(isGreen(card))
    t.match(end?.text, /apps\/shop works again after/)
    t.same(more, [])
  })
}

t.test('if a digest cannot be updated, what still fails and what is over is said once', async (t) => {
  const { api, pass, fail, recover } = await build(t)
  const names = ['shop', 'cart', 'mail', 'auth']
  for (const name of names) await fail(name)
  await pass(130_000)
  const before = cards(api).length
  api.behave('chat.update', word('edit_window_closed'))
  for (const name of ['cart', 'mail']) await recover(name)
  await pass(10 * 60_000)
  t.equal(cards(api).length, before, 'the message is new, and its thread says it')
  await pass(10 * 60_000)
  const anew = cards(api).slice(before)
  t.match(anew.map(({ text }) => text).join(), /apps\/auth failed.*2 recovered/)
  await pass(30 * 60_000)
  t.equal(cards(api).length, before + anew.length)
})

t.test(
  'where a workspace forbids edits, a digest that counts down is not posted again for each recovery',
  async (t) => {
    const { api, pass, fail, recover } = await build(t)
    for (let n = 0; n < 30; n++) await fail(`app-${n}`)
    await pass(130_000)
    const before = cards(api).length
    api.behave('chat.update', word('edit_window_closed'))
    for (let n = 0; n < 29; n++) {
      await recover(`app-${n}`)
      await pass(30_000)
    }
    const posted = cards(api).length - before
    t.ok(posted <= 4, `${posted} times in a quarter of an hour`)
  }
)

t.test('a rollout whose message cannot be updated is posted again once it has settled', async (t) => {
  const config = `${plainConfig}  - { name: rollouts, match: { severity: info }, as: rollout, send: team }\n`
  const { api, pass, recover } = await build(t, { config })
  api.behave('chat.update', word('edit_window_closed'))
  for (let n = 0; n < 10; n++) {
    await recover(`app-${n}`)
    await pass(20_000)
  }
  await pass(20 * 60_000)
  const texts = cards(api).map(({ text }) => text)
  t.ok(texts.length <= 3, texts.join('\n'))
  t.match(texts.at(-1), /10 applied/)
})

t.test(
  'when somebody deletes the card of a silenced incident, it is posted again only after the silence',
  async (t) => {
    const { api, pass, fail, silence } = await build(t)
    await fail('shop')
    await pass(2000)
    await silence('shop', '30m')
    await pass(15_000)
    api.delete('team', api.posted[0]?.ts ?? '')
    await fail('shop', 'admission webhook denied the request')
    await pass(20 * 60_000)
    t.same(cards(api), [])
    await pass(20 * 60_000)
    t.match(shown(cards(api)[0]), /failed.*admission webhook denied.*posted again/, 'and as it is by then')
  }
)

t.test('a card that is posted again knows its event: who was notified, and what silences it', async (t) => {
  const { api, pass, fail, press, settle, silence } = await start(t)
  await fail('shop')
  await pass(16 * 60_000)
  api.behave('chat.update', [word('edit_window_closed')])
  await fail('shop', 'admission webhook denied the request')
  await pass(30_000)
  const [, card] = cards(api)
  t.match(shown(card), /posted again/)
  if (card === undefined) throw new Error('there is no card')
  const asked = await press(card, 'flux-relay:why')
  await settle(asked)
  t.match(asked.said.join(), /Notified: team/)
  await silence('shop', '1h')
  await pass(15_000)
  t.match(shown(card), /silenced until/)
})

t.test('news of a card that somebody deleted is posted once, in the channel, and is a card from then on', async (t) => {
  const { api, pass, fail, recover, until } = await start(t)
  for (const hasReplies of [false, true]) {
    const name = hasReplies ? 'cart' : 'shop'
    await fail(name)
    await until(() => cards(api).some((card) => shown(card).includes(name)))
    if (hasReplies) {
      await fail(name, 'admission webhook denied the request')
      await pass(15_000)
    }
    const card = cards(api).at(-1)
    const before = api.posted.length
    api.delete('team', card?.ts ?? '')
    await fail(name, `the ${name} is on fire`)
    await pass(60_000)
    const [anew, ...more] = api.posted.slice(before)
    t.match(shown(anew), /on fire/)
    t.notOk(anew?.threadTs)
    t.same(more, [], 'and not once more as the card that was lost')
    if (!hasReplies) t.match(shown(anew), /flux-relay:acknowledge/, 'which can be acknowledged')
    await recover(name)
    await pass(60_000)
    t.ok(isGreen(anew), shown(anew))
  }
})

for (const error of ['restricted_action_thread_locked', 'restricted_action_non_threadable_channel']) {
  t.test(`if Slack answers ${error}, news is posted in the channel, and the card goes on`, async (t) => {
    const { api, pass, fail, recover } = await build(t)
    Object.assign(api.channels[0] ?? {}, { repliesError: error })
    await fail('shop')
    await pass(2000)
    await fail('shop', 'admission webhook denied the request')
    await pass(30_000)
    const [card, changed, ...more] = cards(api)
    t.match(shown(card), /admission webhook/)
    t.match(shown(changed), /admission webhook/)
    t.same(more, [])
    await recover('shop')
    await pass(60_000)
    t.ok(isGreen(card), shown(card))
    t.equal(cards(api).length, 3)
    t.match(cards(api)[2]?.text, /apps\/shop works again/)
    await fail('cart')
    await pass(5000)
    t.match(shown(cards(api)[3]), /cart/, 'and the lane takes messages')
  })
}

t.test(
  'if another channel has taken the name, news is posted there, and the card in the old channel stays true',
  async (t) => {
    const { api, pass, fail, recover } = await build(t, { config: plainConfig.replace('C000000A', '"#team"') })
    await fail('shop')
    await pass(2000)
    const [card] = cards(api)
    Object.assign(api.channels[0] ?? {}, { name: 'team-old' })
    api.channels.push({ id: 'C000000B', name: 'team', members: ['U0FLUX'] })
    await fail('shop', 'admission webhook denied the request')
    await pass(30_000)
    t.match(shown(card), /admission webhook/)
    t.match(
      api.seen('C000000B').map(({ text }) => text),
      [/fails for another reason/]
    )
    await recover('shop')
    await pass(60_000)
    t.ok(isGreen(card), shown(card))
    t.match(api.seen('C000000B').at(-1)?.text, /works again/)
    t.equal(api.posted.length, 3)
  }
)
