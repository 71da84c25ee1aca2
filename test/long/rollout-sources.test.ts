// Sources of rollouts: with Flux 2.10 the source that an event names decides to which rollout it belongs; for earlier versions
// its time does. The same on both stores, and in rehearsals.
import t, { type Test } from 'tap'
import { startRehearsal } from '../../src/rehearsal/rehearsal.ts'
import { composeOne } from '../../src/render/compose/message.ts'
import { viewOfRollout } from '../../src/render/compose/rollout.ts'
import { toText } from '../../src/render/slack/terminal.ts'
import { configOf, type StoreRelay, start, startStoreRelay, storesFor } from '../fixtures/store-relay.ts'
import { applied, chart, commit, deleted, failed, git, helm, oci, pulled, released } from '../fixtures/v1.ts'

const config = `
cluster: prod
sources: { default: { tokens: [t] }, eu: { tokens: [e], cluster: prod-eu }, us: { tokens: [u], cluster: prod-us } }
destinations: { feed: { slack: { webhookUrl: https://hooks.slack.com/services/T/B/feed } } }
rules: [{ name: rollouts, match: { severity: info, kind: [Kustomization, HelmRelease] }, as: rollout, send: feed }]
`
const fleet = git('fleet')
const infra = git('infra')

type Wire = ReturnType<typeof applied>
type Story = readonly (readonly [seconds: number, wire: Wire, source?: string])[]

/** The state before the story, in no rollout any more. */
const before = (...wires: Wire[]): Story => wires.map((wire) => [0, wire] as const)

interface Case {
  what: string
  story: Story
  /** Everything posted since the last quiet period of 300 s, in any order. */
  said: readonly RegExp[]
  not?: RegExp
}

const two = before(
  applied('shop', commit('a'), fleet),
  applied('cart', commit('a'), fleet),
  applied('dns', commit('1'), infra)
)

const cases: Case[] = [
  {
    what: 'of two open rollouts, a chart counts in that of its repository',
    story: [
      ...two,
      [300, applied('shop', commit('b'), fleet)],
      [5, applied('dns', commit('2'), infra)],
      [5, released('podinfo', '6.5.1', infra)],
      [5, applied('cart', commit('b'), fleet)]
    ],
    said: [/bbbbbbb.*2 applied.*apps\/shop, apps\/cart/, /2222222.*2 applied.*apps\/dns, apps\/podinfo 6.5.1/]
  },
  {
    what: 'a chart whose source has no rollout counts in no rollout of a commit, however close in time',
    story: [
      ...two,
      [300, applied('shop', commit('b'), fleet)],
      [5, applied('cart', commit('b'), fleet)],
      [5, released('podinfo', '6.5.1', oci('podinfo'))]
    ],
    said: [/bbbbbbb.*2 applied/, /releases in `prod`: 1 applied.*apps\/podinfo 6.5.1/]
  },
  {
    what: 'a release counts in the rollout of its chart source',
    story: [
      ...two,
      [0, pulled('podinfo', '6.5.0', infra)],
      [300, applied('shop', commit('b'), fleet)],
      [5, applied('dns', commit('2'), infra)],
      [5, released('podinfo', '6.5.1', chart('podinfo'))],
      [5, applied('cart', commit('b'), fleet)]
    ],
    said: [/bbbbbbb.*2 applied/, /2222222.*2 applied.*podinfo/]
  },
  {
    what: 'a release of an unknown chart counts by its time',
    story: [
      ...two,
      [300, applied('shop', commit('b'), fleet)],
      [5, applied('cart', commit('b'), fleet)],
      [5, released('podinfo', '6.5.1', chart('podinfo'))]
    ],
    said: [/bbbbbbb.*3 applied.*podinfo 6.5.1/]
  },
  {
    what: 'a release of a chart from a registry counts by itself',
    story: [
      ...two,
      [0, pulled('podinfo', '6.5.0', helm('acme'))],
      [300, applied('shop', commit('b'), fleet)],
      [5, applied('cart', commit('b'), fleet)],
      [5, released('podinfo', '6.5.1', chart('podinfo'), 'timed out')]
    ],
    said: [/bbbbbbb.*2 applied/, /releases in `prod`: \*1 fails\*.*timed out/]
  },
  {
    what: 'before Flux 2.10 the time decides, as ever',
    story: [
      ...before(applied('shop', commit('a')), applied('cart', commit('a'))),
      [300, applied('shop', commit('b'))],
      [5, released('podinfo', '6.5.1')],
      [5, applied('cart', commit('b'))]
    ],
    said: [/bbbbbbb.*3 applied/]
  },
  {
    what: 'if only charts name their source, the time decides',
    story: [
      ...before(applied('shop', commit('a')), applied('cart', commit('a'))),
      [300, applied('shop', commit('b'))],
      [5, released('podinfo', '6.5.1', oci('podinfo'))],
      [5, applied('cart', commit('b'))]
    ],
    said: [/bbbbbbb.*3 applied/]
  },
  {
    what: 'one cluster names sources and another does not',
    story: [
      [0, applied('shop', commit('a'), fleet), 'eu'],
      [0, applied('shop', commit('a')), 'us'],
      [300, applied('shop', commit('b'), fleet), 'eu'],
      [0, applied('shop', commit('b')), 'us'],
      [5, released('podinfo', '6.5.1', oci('podinfo')), 'eu'],
      [0, released('podinfo', '6.5.1'), 'us']
    ],
    said: [
      /bbbbbbb.*in `prod-eu`: 1 applied.*apps\/shop/,
      /bbbbbbb.*in `prod-us`: 2 applied/,
      /releases in `prod-eu`: 1 applied/
    ]
  },
  {
    what: 'an object with events in both forms keeps the source that it named',
    story: [
      ...two,
      [300, applied('shop', commit('b'), fleet)],
      [2, applied('dns', commit('2'))],
      [5, released('podinfo', '6.5.0', infra)],
      [5, released('podinfo', '6.5.1')],
      [5, applied('cart', commit('b'), fleet)]
    ],
    said: [/bbbbbbb.*2 applied/, /2222222.*2 applied.*podinfo 6.5.1/]
  },
  {
    what: 'an object of another repository is not awaited, even if it is at the same commit',
    story: [
      ...before(
        applied('shop', commit('a'), fleet),
        applied('cart', commit('a'), fleet),
        applied('dns', commit('a'), infra),
        applied('mail', commit('a'))
      ),
      [300, failed('shop', commit('b'), fleet)]
    ],
    // Nothing is known about mail: as before Flux 2.10, it only had the same commit.
    said: [/bbbbbbb.*\*1 fails\*, 2 to come/],
    not: /not reported.*3/
  },
  {
    what: 'it is not awaited in the next rollout either',
    story: [
      ...before(
        applied('shop', commit('a'), fleet),
        applied('cart', commit('a'), fleet),
        applied('dns', commit('a'), infra)
      ),
      [300, applied('shop', commit('b'), fleet)],
      [1, applied('cart', commit('b'), fleet)],
      [1, applied('dns', commit('b'), infra)],
      [300, failed('dns', commit('c'), infra)]
    ],
    said: [/ccccccc.*: \*1 fails\*/],
    not: /to come/
  },
  {
    what: 'when a branch goes back to a revision, objects that never left it are not awaited',
    story: [
      ...before(applied('shop', commit('a')), applied('cart', commit('a')), applied('mail', commit('a'))),
      [0, applied('shop', commit('b'))],
      [10, failed('cart', commit('b'))],
      [300, applied('shop', commit('a'))],
      [1, applied('cart', commit('a'))],
      [1, applied('mail', commit('a'))]
    ],
    said: [/aaaaaaa.*: 2 applied/],
    not: /to come|not reported/
  },
  {
    what: 'an object deleted meanwhile is not awaited, whatever its state was',
    story: [
      ...before(applied('shop', commit('a')), applied('cart', commit('a')), applied('mail', commit('a'))),
      [10, failed('mail', commit('a'))],
      [300, applied('shop', commit('b'))],
      [1, deleted('cart', 'ReconciliationSucceeded', commit('a'))],
      [1, deleted('mail', 'HealthCheckFailed', commit('a'))]
    ],
    said: [/bbbbbbb.*: 1 applied/],
    not: /to come|not reported/
  },
  {
    what: 'a release counted by its time is removed once it turns out to have another source',
    story: [
      ...two,
      [300, applied('shop', commit('b'), fleet)],
      [1, applied('cart', commit('b'), fleet)],
      [5, released('podinfo', '6.5.0', chart('podinfo'), 'timed out')],
      [5, pulled('podinfo', '6.5.1', helm('acme'))],
      [5, released('podinfo', '6.5.1', chart('podinfo'))]
    ],
    said: [
      /red_circle.*bbbbbbb.*2 applied, \*1 fails\*.*podinfo/,
      /large_green.*bbbbbbb.*2 applied.*apps\/shop, apps\/cart /,
      /releases in `prod`: 1 applied.*podinfo 6.5.1/
    ]
  },
  {
    what: 'a chart whose upgrade fails makes its rollout red until it works',
    story: [
      ...two,
      [300, applied('shop', commit('b'), fleet)],
      [5, applied('dns', commit('2'), infra)],
      [5, released('podinfo', '6.5.1', infra, 'timed out')],
      [200, released('podinfo', '6.5.1', infra)]
    ],
    said: [
      /red_circle.*2222222.*1 applied, \*1 fails\*.*podinfo.*timed out/,
      /bbbbbbb.*1 applied/,
      /large_green.*2222222.*2 applied/
    ]
  }
]

async function tell(relay: StoreRelay, story: Story): Promise<number> {
  let last = 0
  for (const [seconds, wire, source] of story) {
    await relay.pass(seconds)
    if (seconds >= 300) last = relay.posts.length
    await relay.post({ ...wire, timestamp: new Date(start + relay.now() * 1000).toISOString() }, source)
  }
  await relay.pass(300)
  return last
}

function check(t: Test, { said, not }: Case, texts: readonly string[]): void {
  t.equal(texts.length, said.length, texts.join('\n'))
  for (const pattern of said)
    t.ok(
      texts.some((text) => pattern.test(text)),
      `${pattern} in ${texts.join('\n')}`
    )
  if (not) t.notMatch(texts.join('\n'), not)
}

for (const [name, prepare] of Object.entries(storesFor(t))) {
  t.test(name, async (t) => {
    for (const one of cases) {
      t.test(one.what, async (t) => {
        const relay = await startStoreRelay(t, await prepare(t), config)
        const last = await tell(relay, one.story)
        check(
          t,
          one,
          relay.posts.slice(last).map(({ text }) => text)
        )
      })
    }
  })
}

t.test('rehearsals', async (t) => {
  for (const one of cases) {
    t.test(one.what, async (t) => {
      const { receive, end } = startRehearsal(configOf(config))
      let now = start
      let last: ReturnType<typeof receive>[] = []
      for (const [seconds, wire, source] of one.story) {
        now += seconds * 1000
        if (seconds >= 300) last = []
        last.push(receive({ ...wire, timestamp: new Date(now).toISOString() }, now, source))
      }
      end()
      check(
        t,
        one,
        last.flatMap(({ notifications }) => notifications.map(({ view }) => JSON.stringify(composeOne(view))))
      )
    })
  }
})

const standingOf = (
  clusters: Record<string, Record<string, 'applied' | 'failing' | 'expected' | 'coming'>>,
  replaced = {}
) => ({
  ...{ id: '1', rule: 'r', head: { cluster: '', revision: { text: 'main' } } },
  ...{ openedAt: 0, lastAt: 0, settleMs: 0, replaced },
  entries: Object.entries(clusters).flatMap(([cluster, objects]) =>
    Object.entries(objects).map(([name, is]) => ({
      object: `${cluster}/Kustomization/apps/${name}`,
      is,
      at: 0,
      said: 'boom'
    }))
  )
})
const wordsOf = (rollout: ReturnType<typeof standingOf>) => toText(composeOne(viewOfRollout(rollout, 1)))

t.test('an object in several clusters is named once', async (t) => {
  const text = wordsOf(
    standingOf({ eu: { shop: 'applied', cart: 'applied' }, us: { shop: 'applied', cart: 'applied' } })
  )
  t.match(text, /main in 2 clusters: 4 applied/)
  t.equal(text.match(/apps\/shop/g)?.length, 1)
})

t.test('an object that moved on to a newer revision neither fails nor is awaited in the old rollout', async (t) => {
  const replaced = { eu: { by: 'next', isOver: false } }
  const us = { shop: 'applied', cart: 'applied' } as const
  const over = wordsOf(standingOf({ eu: { shop: 'failing', cart: 'expected', mail: 'coming' }, us }, replaced))
  t.match(over, /^🟢 main in 2 clusters: 2 applied\n/)
  t.match(over, /`eu`: 1 fails, replaced by next/)
  t.notMatch(over, /to come|not reported|🔺/)
  const fails = wordsOf(standingOf({ eu: { shop: 'failing' }, us: { ...us, cart: 'failing' } }, replaced))
  t.match(fails, /^🔴 main in 2 clusters: 1 applied, 1 fails\n/)
  t.match(fails, /apps\/cart in `us`/)
  t.notMatch(fails, /apps\/shop in `eu`/)
  const everywhere = wordsOf(standingOf({ eu: { shop: 'failing' } }, replaced))
  t.match(everywhere, /^⚪ main in `eu`: 1 fails, replaced by next\n.*apps\/shop/)
})
