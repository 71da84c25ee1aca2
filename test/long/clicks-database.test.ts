// Clicks while the database is away: whoever presses a button reads whether it was done, even if the relay itself got no
// answer.
import { setTimeout as pause } from 'node:timers/promises'
import { Pool } from 'pg'
import t, { type Test } from 'tap'
import { Connections, type Sql } from '../../src/store/postgres/connections.ts'
import { plainConfig } from '../fixtures/cards.ts'
import { buttonsOf } from '../fixtures/clicks.ts'
import { startPostgres } from '../fixtures/postgres.ts'
import { about, type Relay, startRelay } from '../fixtures/relay.ts'
import { appToken, botToken, type Posted, type Pressing, startSlackApi } from '../fixtures/slack-api.ts'
import type { Link } from '../fixtures/web-socket.ts'

const lost = new Error('Connection terminated unexpectedly')
/** The database's answers from now on: none, or one lost after everything was written. */
let trouble: 'none' | 'away' | 'no answer' = 'none'

const { transaction } = Connections.prototype
const { query } = Pool.prototype
Object.assign(Pool.prototype, {
  async query(this: Pool, ...given: unknown[]) {
    if (trouble === 'away') throw lost
    return Reflect.apply(query, this, given)
  }
})
Object.assign(Connections.prototype, {
  async transaction(this: Connections, work: (sql: Sql, finish: unknown) => Promise<unknown>) {
    if (trouble === 'away') throw lost
    let isAct = false
    const noticing = (sql: Sql) => (statement: string, values: unknown[]) => {
      isAct ||= String(statement).startsWith('insert into acts')
      return sql(statement, values)
    }
    const watched = (sql: Sql, finish: unknown) => work(noticing(sql) as Sql, finish)
    const done = await Reflect.apply(transaction, this, [watched])
    if (!isAct || trouble !== 'no answer') return done
    trouble = 'none'
    throw lost
  }
})

/** Starts `count` relays on one database, in real time, with their Slack. */
async function start(t: Test, count: number) {
  const { createDatabase } = await startPostgres(t)
  const api = await startSlackApi({
    ...{ pingMs: 5000, latencyMs: 0 },
    channels: [
      { id: 'C000000A', name: 'team', members: ['U0FLUX'] },
      { id: 'C0000OPS', name: 'ops', members: ['U0FLUX'] }
    ]
  })
  t.teardown(() => api.close())
  const config = plainConfig
    .replaceAll('$API', api.apiUrl)
    .replace('$BUTTONS', `, appToken: "\${SLACK_APP_TOKEN}", operators: [U0ANNA1]`)
  const env = { SLACK_BOT_TOKEN: botToken, SLACK_APP_TOKEN: appToken, DATABASE_URL: await createDatabase() }
  const relays = await Promise.all(Array.from({ length: count }, () => startRelay(t, { config, env })))
  const [relay] = relays as [Relay]
  const post = (name: string, message: string) =>
    relay.post(about(name, { message, timestamp: new Date().toISOString() }))
  const until = async (isTrue: () => boolean) => {
    for (let tries = 0; tries < 3000 && !isTrue(); tries++) await pause(10)
    if (!isTrue()) throw new Error(`never: ${isTrue}\n${relay.log.slice(-10).join('')}`)
  }
  const found = async (find: () => Posted | undefined) => {
    await until(() => find() !== undefined)
    return find() as Posted
  }
  const noticeWith = (button: string) => found(() => api.posted.findLast((each) => buttonsOf(each).includes(button)))
  const press = async (message: Posted, button: string, during: typeof trouble, pressing: Pressing = {}) => {
    await until(() => api.socket.open().length > 0)
    trouble = during
    const pressed = api.press(message, button, pressing)
    await pressed.isTaken
    trouble = 'none'
    for (let tries = 0; tries < 300 && pressed.said.length + pressed.replacedAt.length === 0; tries++) await pause(10)
    return pressed.said.join()
  }
  const acts = async () =>
    (JSON.parse((await relay.get('/api/acts')).body) as { acts: { did: string }[] }).acts.map(({ did }) => did)
  await until(() => api.socket.open().length === count)
  await post('shop', 'no such file: base')
  const card = await found(() => api.seen('team')[0])
  // Time for the card to be stored as one.
  await pause(300)
  return { api, post, until, found, noticeWith, press, acts, card }
}

t.test('whoever presses a button while the database is away learns whether it was done', async (t) => {
  const { api, post, until, found, noticeWith, press, acts, card } = await start(t, 1)
  t.match(await press(card, 'flux-relay:why', 'away'), /^That did not work: the relay cannot read its database\./)
  t.match(await press(card, 'flux-relay:acknowledge', 'away'), /Look at the card, and try again/)
  t.same(await acts(), [])
  t.match(await press(card, 'flux-relay:acknowledge', 'no answer'), /^That is done/)
  await until(() => /acknowledged by/.test(JSON.stringify(card.blocks)))
  t.match(await press(card, 'flux-relay:silence', 'no answer'), /^That is done/)
  t.same(await acts(), ['silence', 'acknowledge'])

  api.behave('chat.postMessage C000000A', { status: 200, body: '{"ok":false,"error":"msg_too_long"}' })
  await post('cart', 'another cause')
  const dead = await noticeWith('flux-relay:retry')
  api.calm()
  t.match(await press(dead, 'flux-relay:retry', 'away'), /Please try again: twice does no harm/)
  t.match(await press(dead, 'flux-relay:retry', 'no answer'), /^That is done/)
  await found(() => api.seen('team').find(({ text }) => /cart/.test(text)))

  for (const channel of api.channels) channel.isArchived = channel.name === 'team'
  await post('mail', 'a third cause')
  const blocked = await noticeWith('flux-relay:try')
  for (const channel of api.channels) channel.isArchived = false
  t.match(await press(blocked, 'flux-relay:try', 'no answer'), /^That is done/)
  await found(() => api.seen('team').find(({ text }) => /mail/.test(text)))
  t.same(await acts(), ['try', 'retry', 'silence', 'acknowledge'])
})

t.test('a click that reaches one replica shows what another silenced a moment ago', async (t) => {
  const { api, until, press, card } = await start(t, 2)
  const [first, second] = api.socket.open() as [Link, Link]
  await press(card, 'flux-relay:silence', 'none', { link: first })
  await until(() => /silenced until/.test(JSON.stringify(card.blocks)))
  await press(card, 'flux-relay:acknowledge', 'none', { link: second })
  await until(() => /acknowledged by/.test(JSON.stringify(card.blocks)))
  t.match(JSON.stringify(card.blocks), /silenced until/)
})
