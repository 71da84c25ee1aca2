// Cards while the database is away: nothing that happens meanwhile is forgotten, and the relay goes on.
import { pino } from 'pino'
import t from 'tap'
import { createCards } from '../src/deliver/cards.ts'
import { Destinations } from '../src/deliver/channels.ts'
import type { Mute } from '../src/mutes/mutes.ts'
import type { Store } from '../src/store/store.ts'
import { createClock } from './fixtures/clock.ts'
import { about } from './fixtures/relay.ts'

const app = { name: 'acme', token: 'xoxb-1-2-three', apiUrl: 'http://127.0.0.1:1/api' }
const object = { cluster: '', kind: 'Kustomization', namespace: 'apps', name: 'shop' }

for (const failing of ['incidentsOnCards', 'touchCards'] as const) {
  t.test(
    `if ${failing} fails, a silence shows on its card at the next look, and an act does not end the relay`,
    async (t) => {
      const clock = createClock()
      const touched: (readonly string[])[] = []
      const mutes: Mute[] = []
      let isAway = false
      const ask = async <T>(name: typeof failing, answer: T): Promise<T> => {
        if (isAway && name === failing) throw new Error('the database is away')
        return answer
      }
      const incident = {
        ...{ key: 'shop', since: clock.now(), event: '1', object, source: 'default', transition: 'failed' as const },
        ...{ receivedAt: clock.now(), body: JSON.stringify(about('shop')) }
      }
      const store = {
        records: { incidentsOnCards: () => ask('incidentsOnCards', [incident]) },
        async touchCards(keys: readonly string[]) {
          await ask('touchCards', undefined)
          touched.push(keys)
        },
        nextCard: async () => ({ is: 'wait' as const })
      } as unknown as Store
      const lines: string[] = []
      const cards = createCards({
        ...{ store, clock, slack: { post: () => t.fail(), close: async () => {} } as never, wake: () => {} },
        ...{ destinations: () => new Destinations([], new Map([['acme', app]])), catchUp: async () => {} },
        withholding: () => ({ muted: [], silenced: mutes }),
        log: pino({}, { write: (line: string) => void lines.push(line) })
      })
      const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
      cards.look()
      await settled()
      const until = clock.now() + 3_600_000
      mutes.push({ name: 'silenced', match: {}, matches: () => true, endOf: () => until, nextOf: () => undefined })
      isAway = true
      cards.look()
      await settled()
      t.same(touched, [])
      t.match(lines.join(), /cannot look for cards/)
      isAway = false
      cards.look()
      await settled()
      t.same(touched, [['shop']])
      cards.look()
      await settled()
      t.same(touched, [['shop']], 'and once')
      await cards.stop()
    }
  )
}
