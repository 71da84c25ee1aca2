// Card ends: how Slack's answer to an update ends it: the card is shown, tried again, or lost, and its failures are posted anew.
import t from 'tap'
import type { Reply } from '../src/deliver/answer.ts'
import { judge, lost, type Updated } from '../src/deliver/card-end.ts'
import type { ObjectMemory } from '../src/objects/memory.ts'
import type { RolloutEntry } from '../src/render/compose/rollout-standing.ts'
import type { Card } from '../src/store/kept-cards.ts'
import { minutes, of, seconds, start } from './fixtures/lane.ts'

type Entry = Updated['named'][number]

const now = start + minutes(60)

function card(postedAt: number, rollout?: Card['rollout']): Card {
  return {
    ...{ id: '1', channel: 'C000000A', ts: '1.1', lane: 'was', destination: 'team', postedAt, entries: [] },
    ...{ version: 1, claim: 1, shown: undefined, ...(rollout && { rollout }) }
  }
}

const healthy: ObjectMemory = { since: start + 1, decidedAt: start + 1, revision: '', notified: [] }
const failing: ObjectMemory = {
  ...healthy,
  failure: {
    ...{ severity: 'error', reason: 'ChartPullError', revision: '', text: 'no such repository', at: start },
    ...{ began: { reason: 'ChartPullError', text: 'no such repository' }, since: start, count: 1, prints: [] }
  }
}

const entry = (name: string, changes: Partial<Entry> = {}): Entry => ({
  ...{ object: name, rule: 'r', event: name, since: start, view: of(name), memory: failing },
  ...changes
})
const quiet = { is: 'silenced' as const, name: 'night', until: now + minutes(5) }
const open = entry('open')
const silenced = entry('silenced', { quiet })
const over = entry('over', { memory: healthy, view: of('over', { says: 'recovered' }) })
/** An incident whose end nobody was notified of. */
const ended = entry('ended', { memory: healthy })
const news = entry('news', { since: undefined, view: of('news', { says: 'informed' }) })

const updated = (named: Entry[], postedAt = start): Updated => ({ card: card(postedAt), named, lane: 'is' })
const answer = (status: number, body: unknown, retryAfterMs?: number): Reply => ({
  ...{ is: 'answer', status, body: JSON.stringify(body), retryAfterMs }
})
const no = (error: string, status = 200) => answer(status, { ok: false, error })

t.test('each answer of Slack to an update has the right effect on the card, its channel and its app', async (t) => {
  const again = (ms: number) => ({ is: 'again', at: now + ms })
  const rests = (ms: number) => ({ is: 'rest', until: now + ms, end: again(ms) })
  const table: [Reply, object][] = [
    [answer(200, { ok: true, channel: 'C000000A', ts: '1.1' }), { is: 'end', end: { is: 'shown' } }],
    [no('invalid_blocks'), { is: 'refused' }],
    [answer(429, {}, seconds(20)), rests(seconds(20))],
    [answer(429, {}, 10), rests(1000)],
    [answer(429, {}, minutes(600)), rests(minutes(60))],
    [answer(429, {}), rests(seconds(30))],
    [no('internal_error', 500), { is: 'channel rests', until: now + seconds(30), end: again(seconds(30)) }],
    [answer(502, 'bad gateway'), { is: 'end', end: again(seconds(30)) }],
    [
      { is: 'failure', code: 'ECONNRESET' },
      { is: 'end', end: again(seconds(30)) }
    ],
    [
      { is: 'failure', code: 'CERT_HAS_EXPIRED' },
      { is: 'end', end: again(seconds(30)) }
    ],
    [no('is_archived'), { is: 'channel rests', until: now + minutes(5), end: again(minutes(5)) }],
    // Only the app rests: once somebody has made another token, no card has to wait on its own.
    [no('token_revoked'), { is: 'rest', until: now + minutes(5), end: { is: 'again', at: now } }],
    [no('message_not_found'), { is: 'end', end: { is: 'lost' } }],
    [no('edit_window_closed'), { is: 'end', end: { is: 'lost' } }],
    [no('cant_update_message'), { is: 'end', end: { is: 'lost' } }]
  ]
  for (const [reply, expected] of table) t.match(judge(updated([open]), reply, now), expected, JSON.stringify(reply))
})

t.test('open incidents of a lost card are posted anew, and those that are over only if the card stays', async (t) => {
  const later = { is: 'again', at: now + minutes(5) }
  const young = now - minutes(15) + 1
  const table: [what: string, named: Entry[], stays: boolean, postedAt: number, expected: string[] | object][] = [
    ['an incident', [open], true, start, ['open failed']],
    ['one whose card was deleted', [open], false, start, ['open failed']],
    ['one whose card was deleted at once', [open], false, young, ['open failed']],
    ['one whose card is young', [open], true, young, later],
    ['until it is a quarter of an hour old', [open], true, young - 1, ['open failed']],
    ['one whose card is of a clock that was ahead', [open], true, now + minutes(300), ['open failed']],
    ['an end', [over], true, start, ['over recovered']],
    ['the end of a young card', [over], true, young, ['over recovered']],
    ['an end whose card was deleted', [over], false, start, []],
    ['an end that nobody was told of', [ended], true, start, []],
    ['all of it silenced', [silenced], true, start, later],
    ['all of it silenced, deleted', [silenced, over], false, start, later],
    ['some of it silenced', [silenced, open, over], true, start, ['open failed', 'over recovered']],
    ['news', [news], true, start, []]
  ]
  for (const [what, named, stays, postedAt, expected] of table) {
    const end = lost(updated(named, postedAt), stays, now)
    const said =
      end.is === 'lost' ? end.notifications.map(({ view }) => `${view.object.name} ${view.says}`) : { ...end }
    t.same(said, expected, what)
  }
})

t.test("an incident posted anew goes to its destination's present lane, says so, and keeps its event", async (t) => {
  const view = of('open', { says: 'changed', wasReason: 'BuildFailed', wasWarning: true, nextReminderMs: 1000 })
  const end = lost(updated([entry('open', { view })]), true, now)
  if (end.is !== 'lost') throw new Error('it is not lost')
  const [posted] = end.notifications
  t.match(posted, { rule: 'r', destination: 'team', lane: 'is', event: 'open', view: { says: 'failed' } })
  t.match(posted?.view.facts?.at(-1), { name: 'posted again' })
  for (const gone of ['wasReason', 'wasWarning', 'nextReminderMs']) t.notHas(posted?.view, { [gone]: /./ }, gone)
})

t.test('a rollout whose card is lost is posted anew only if that says more than the card that stays', async (t) => {
  const postedAt = now - minutes(20)
  const has = (is: RolloutEntry['is']): RolloutEntry => ({
    ...{ object: 'prod/Kustomization/apps/shop', is, at: start, said: '' }
  })
  const table: [what: string, is: RolloutEntry['is'], lastAt: number, stays: boolean, postedAt: number, end: string][] =
    [
      ['it goes on, and the card shows it', 'coming', postedAt - 1, true, postedAt, 'shown'],
      ['it goes on, and more came', 'coming', postedAt, true, postedAt, 'posted'],
      ['it goes on, and the card was deleted', 'coming', postedAt - 1, false, postedAt, 'posted'],
      ['it fails, and the card shows it', 'failing', postedAt - 1, true, postedAt, 'shown'],
      ['it fails since', 'failing', postedAt, true, postedAt, 'posted'],
      ['it fails since, and the card is young', 'failing', now - 1, true, now - minutes(1), 'again'],
      ['it settled since', 'applied', postedAt - minutes(1), true, postedAt, 'posted'],
      ['it had settled', 'applied', postedAt - minutes(5), true, postedAt, 'nothing'],
      ['it settled since, and the card was deleted', 'applied', postedAt - minutes(1), false, postedAt, 'nothing']
    ]
  for (const [what, is, lastAt, stays, posted, expected] of table) {
    const rollout = {
      ...{ id: '1', rule: 'rollouts', destination: 'team', head: { cluster: 'prod' }, entries: [has(is)] },
      ...{ openedAt: start, lastAt, settleMs: minutes(2), replaced: {}, saidAt: undefined, unsaidSince: undefined }
    }
    const end = lost({ card: card(posted, rollout), named: [], lane: 'is' }, stays, now)
    const said = end.is === 'lost' ? (end.notifications.length > 0 ? 'posted' : 'nothing') : end.is
    t.equal(said, expected, what)
    if (end.is === 'lost') for (const one of end.notifications) t.match(one, { rule: 'rollouts', lane: 'is' })
  }
})
