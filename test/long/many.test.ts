// Many: what is done to many notifications is done in steps, on both stores, so that nobody waits for all of it; if the relay
// ends in between, the rest is done after the restart, once.
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { Client } from 'pg'
import t, { type Test } from 'tap'
import type { Failure } from '../../src/objects/memory.ts'
import type { Decision } from '../../src/store/kept.ts'
import { openStore } from '../../src/store/open.ts'
import { openPostgres } from '../../src/store/postgres/store.ts'
import type { Store } from '../../src/store/store.ts'
import type { Withheld } from '../../src/store/withheld.ts'
import { execute } from '../fixtures/postgres.ts'
import { tempFolder } from '../fixtures/relay.ts'
import { arrival, at, post, sendTo, view } from '../fixtures/store.ts'
import { startStores } from '../fixtures/stores.ts'

const many = 5000
const until = at + 3_600_000
const later = until + 3_600_000
const failure: Failure = {
  ...{ reason: 'BuildFailed', text: 'm', severity: 'error', revision: '', since: at, at, count: 1, prints: [] },
  began: { reason: 'BuildFailed', text: 'm' }
}
const operator = { name: 'jo', via: 'api' } as const

interface Act {
  /** What distinguishes the stored notifications from ones for `lane` that are due at once. */
  like?: Partial<Decision['notifications'][number]>
  /** Other contents of the database beforehand. */
  sql?: string
  silences?: true
  act(store: Store, summing: Summing): Promise<unknown>
  /** SQL condition: it was done to the notification. */
  done: string
  /** What a start does to continue it. */
  again(store: Store, summing: Summing): Promise<unknown>
  /** Number of notifications that are summed up in the end. */
  summed?: number
}

interface Summing {
  summaries: Withheld[]
  end(store: Store, now: number): Promise<string[]>
}

const withheld = { muting: { name: 'upgrade', until } }
const silenced = { muting: { name: 'silence 1', until } }
const lasting = { forMs: 600_000, waitMs: 0 }
const moved = new Map([['lane', 'moved']])
const withIn = at + 1000

const acts: Record<string, Act> = {
  'a mute is over': {
    like: withheld,
    act: (store, { end }) => end(store, until),
    done: 'muted_until is null',
    again: (store, { end }) => end(store, until),
    summed: many
  },
  'a mute is over, before that is said': {
    like: withheld,
    act: (store, { end }) => end(store, until),
    done: 'muted_until < 0',
    again: (store, { end }) => end(store, until),
    summed: many
  },
  'a silence is ended': {
    like: silenced,
    silences: true,
    act: (store) => store.endSilence('1', withIn, operator),
    done: `muted_until = ${withIn}`,
    async again(store, { end }) {
      // Another replica may still know the silence, for five minutes.
      await store.followMutes(() => [], withIn + 400_000)
      await end(store, withIn + 400_000)
    },
    summed: many
  },
  'a silence lasts longer': {
    like: silenced,
    silences: true,
    act: (store) => store.extendSilence('1', later, withIn, operator),
    done: `muted_until = ${later}`,
    again: (store, { end }) => end(store, later),
    summed: many
  },
  'a new file moves the end of a mute': {
    like: withheld,
    act: (store) => store.followMutes(() => [later], withIn),
    done: `muted_until = ${later}`,
    again: (store) => store.followMutes(() => [later], withIn)
  },
  'a new file moves a destination': {
    act: (store) => store.follow(() => moved, at),
    done: `lane = 'moved'`,
    again: (store) => store.follow(() => moved, at)
  },
  'a new file has failures last for less': {
    like: { heldUntil: at + lasting.forMs },
    act: (store) => store.shorten(() => ({ ...lasting, forMs: 60_000 }), withIn),
    done: `held_until = ${at + 60_000}`,
    again: (store) => store.shorten(() => ({ ...lasting, forMs: 60_000 }), withIn)
  },
  'a lane is tried by hand': {
    sql: `update notifications set holds = 1, held_until = ${until}, held_at = ${at}`,
    act: (store) => store.tryNow('lane', withIn, operator),
    done: 'held_until = 0',
    again: (store) => store.tryNow('lane', withIn, operator)
  }
}

interface Place {
  open(): Promise<Store>
  /** Counts notifications by an SQL condition. */
  count(condition: string): Promise<number>
  change(sql: string): Promise<void>
  /** Makes changes of notifications wait once some meet `condition`, if another process's changes would not wait. */
  hold(condition: string): Promise<void>
  /** The place after a kill: the database as it is, with its counts. */
  killed(): Promise<Place>
}

function inSqlite(t: Test, file: string): Place {
  const sqlite = <T>(work: (db: DatabaseSync) => T): T => {
    const db = new DatabaseSync(file)
    try {
      return work(db)
    } finally {
      db.close()
    }
  }
  return {
    open: () => openStore(`sqlite:${file}`),
    count: async (where) =>
      sqlite((db) => Number(db.prepare(`select count(*) as n from notifications where ${where}`).get()?.['n'])),
    change: async (sql) => sqlite((db) => db.exec(sql)),
    // SQLite's steps leave this thread to the test in between.
    hold: async () => {},
    async killed() {
      const copy = join(tempFolder(t), 'relay.db')
      sqlite((db) => db.exec(`vacuum into '${copy}'`))
      return inSqlite(t, copy)
    }
  }
}

function inPostgres(t: Test, url: string): Place {
  const place: Place = {
    open: () => openPostgres(url, { clock: 'caller' }),
    count: async (where) =>
      Number((await execute(url, `select count(*) as n from notifications where ${where}`))[0]?.['n']),
    change: async (sql) => void (await execute(url, sql)),
    async hold(condition) {
      const holder = new Client({ connectionString: url })
      // This connection is killed with the others.
      holder.on('error', () => {})
      t.teardown(() => holder.end())
      await holder.connect()
      await holder.query(`
        create function hold() returns trigger language plpgsql as $$ begin
          if exists (select 1 from notifications where ${condition}) then perform pg_advisory_xact_lock(1); end if;
          return null;
        end $$;
        create trigger hold before update on notifications for each statement execute function hold();
        select pg_advisory_lock(1)`)
    },
    async killed() {
      // The replica's heartbeats are gone too.
      await execute(url, 'delete from replicas')
      const others = `datname = current_database() and pid <> pg_backend_pid()`
      await execute(url, `select pg_terminate_backend(pid) from pg_stat_activity where ${others}`)
      await execute(url, 'drop trigger hold on notifications')
      return place
    }
  }
  return place
}

async function fill(place: Place, { like, sql, silences }: Act): Promise<void> {
  const store = await place.open()
  if (silences) await store.addSilence({ match: { name: '*' }, comment: '', endsAt: until }, at - 1000)
  for (let from = 0; from < many; from += 1000) {
    const some = Array.from({ length: 1000 }, (_, n) => arrival(`app-${from + n}`))
    await store.accept(some, (item) => {
      const { memory, notifications, ...rest } = sendTo('lane')(item)
      const isWithheld = like?.muting !== undefined
      const notified = memory.notified.map((entry) => ({ ...entry, ...(isWithheld && { isWithheld: true as const }) }))
      return {
        ...rest,
        memory: { ...memory, failure, notified },
        notifications: notifications.map((entry) => ({ ...entry, view: { ...entry.view, failure }, ...like }))
      }
    })
  }
  await store.close()
  if (sql !== undefined) await place.change(sql)
}

function summing(): Summing {
  const summaries: Withheld[] = []
  return {
    summaries,
    end: (store, now) =>
      store.endMutes(
        now,
        () => 'lane',
        (withheld) => {
          summaries.push(withheld)
          return view('summary', 'informed')
        }
      )
  }
}

const { stores } = await startStores(t)
const places: Record<string, (t: Test) => Promise<Place>> = {
  sqlite: async (t) => inSqlite(t, (await stores.sqlite(t)).file),
  postgres: async (t) => inPostgres(t, (await stores.postgres(t)).url)
}

for (const [name, placeFor] of Object.entries(places)) {
  for (const [what, act] of Object.entries(acts)) {
    t.test(
      `${name}: when ${what}, many notifications are handled in steps, and once even if the relay is killed between two steps`,
      async (t) => {
        const place = await placeFor(t)
        await fill(place, act)
        const first = await place.open()
        await place.hold(act.done)
        const before = summing()
        let isOver = false
        const doing = act
          .act(first, before)
          .catch(() => {})
          .then(() => {
            isOver = true
          })
        let done = 0
        while (!isOver && (done === 0 || done === many)) {
          await pause(1)
          done = await place.count(act.done)
        }
        t.ok(done > 0 && done < many, `${done} of ${many} are seen before the rest`)
        const after = await place.killed()
        await doing
        await first.close()
        const second = await after.open()
        const summed = summing()
        await act.again(second, summed)
        await second.close()
        const isSummary = `rule = 'mute'`
        if (act.summed === undefined) t.equal(await after.count(act.done), many)
        else {
          t.equal(await after.count('muted_until is not null'), 0)
          t.equal(await after.count(isSummary), 1, 'one summary')
          const { notifications } = [...before.summaries, ...summed.summaries].at(-1) ?? {}
          t.equal(notifications, act.summed)
        }
      }
    )
  }

  t.test(`${name}: what a mute withholds is summed up even if damage destroyed its text`, async (t) => {
    const place = await placeFor(t)
    const store = await place.open()
    await store.accept([arrival('app-1'), arrival('app-2')], (item) => {
      const { notifications, ...rest } = sendTo('lane')(item)
      return { ...rest, notifications: notifications.map((entry) => ({ ...entry, ...withheld })) }
    })
    await store.close()
    await place.change('delete from views where id = (select min(id) from views)')
    const again = await place.open()
    t.teardown(() => again.close())
    const { end, summaries } = summing()
    t.same(await end(again, until), ['lane'])
    t.same(
      summaries[0]?.objects.map(({ object }) => object.name),
      ['app-1', 'app-2']
    )
  })
}

t.test(
  'sqlite: old rows are deleted even behind dead letters that are kept longer, and others get their turn',
  async (t) => {
    const place = await places['sqlite']?.(t)
    if (place === undefined) return
    await fill(place, { ...acts['a new file moves a destination'], like: { dead: 'gone' } } as Act)
    await place.change(`update notifications set state = 'sent' where id > ${many - 10} and id < ${many}`)
    const store = await place.open()
    t.teardown(() => store.close())
    const day = 86_400_000
    const before = { events: at + day, deadLetters: at - day, duplicates: 0, gatherings: 0 }
    let isOver = false
    const pruning = store.prune(before, 500).then((deleted) => {
      isOver = true
      return deleted
    })
    await store.accept([arrival('other')], sendTo('elsewhere'))
    t.notOk(isOver, 'it is under way')
    t.equal(await pruning, 2 * 9, 'with their events')
    t.equal(await place.count(`state = 'sent'`), 0)
    t.equal(await place.count(`state = 'dead'`), many - 9)
    await store.prune({ ...before, deadLetters: at + day }, 500)
    t.equal(await place.count(`state = 'dead'`), many - 9 - 500, 'then dead letters, when these are old')
  }
)

t.test(
  'sqlite: a notification whose text is damaged becomes a dead letter, and the rest of its lane goes on',
  async (t) => {
    const place = inSqlite(t, (await stores.sqlite(t)).file)
    const store = await place.open()
    await store.accept([arrival('app-1'), arrival('app-2')], sendTo('lane'))
    await store.close()
    await place.change('delete from views where id = (select min(id) from views)')
    const again = await place.open()
    t.teardown(() => again.close())
    const message = await post(again, 'lane')
    t.equal(message.payload.text, 'app-2')
    t.equal(await place.count(`state = 'dead' and reason like '%text is missing%'`), 1)
  }
)
