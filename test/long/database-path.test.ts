// Database path: links are resolved first, so that the log and the lock lie beside the file however it is named.
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, linkSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import t from 'tap'
import { migrate } from '../../src/cli/database.ts'
import { openStore } from '../../src/store/open.ts'
import { sayFileError } from '../../src/store/sqlite/file-errors.ts'
import { verify } from '../../src/store/verify/verify.ts'
import { slackFor, start, unposted } from '../fixtures/disk.ts'
import { run } from '../fixtures/process.ts'
import { tempFolder } from '../fixtures/relay.ts'
import { arrival, sendTo } from '../fixtures/store.ts'

/** Ways to reach `volume`/relay.db from `data`/relay.db. */
const links: Record<string, (data: string, volume: string) => void> = {
  'a link to the file': (data, volume) => {
    mkdirSync(data)
    writeFileSync(join(volume, 'relay.db'), '')
    symlinkSync(join(volume, 'relay.db'), join(data, 'relay.db'))
  },
  'a link to a file that is not there yet': (data, volume) => {
    mkdirSync(data)
    symlinkSync(join(volume, 'relay.db'), join(data, 'relay.db'))
  },
  'a relative link through another one': (data, volume) => {
    mkdirSync(data)
    symlinkSync(relative(data, join(volume, 'relay.db')), join(data, 'other'))
    symlinkSync('other', join(data, 'relay.db'))
  },
  'a link to the folder': (data, volume) => symlinkSync(volume, data)
}

for (const [what, make] of Object.entries(links)) {
  t.test(`what was accepted through ${what} outlives a kill, by either name`, async (t) => {
    const slack = await slackFor(t)
    slack.behave('*', { status: 503, body: 'down' })
    const folder = tempFolder(t)
    const [data, volume] = [join(folder, 'data'), join(folder, 'volume')]
    mkdirSync(volume)
    make(data, volume)
    const names = ['early-1-x', 'early-2-x']
    const first = await start(t, folder, slack, data)
    for (const name of names) t.equal((await first.post(name)).status, 202)
    first.relay.kill('SIGKILL')
    await once(first.relay, 'exit')
    const beside = readdirSync(volume).filter((name) => /-wal$|-shm$|\.lock$/.test(name))
    t.same(
      beside.sort(),
      ['relay.db-shm', 'relay.db-wal', 'relay.db.lock'],
      'what belongs to the file stands beside it'
    )
    t.match(await verify(`sqlite:${join(data, 'relay.db')}`), { counts: { events: 2 }, damage: [] })
    slack.calm()
    const second = await start(t, folder, slack, volume)
    await slack.until(() => unposted(slack, names).length === 0, 30_000).catch(() => {})
    t.same(unposted(slack, names), [])
    await second.stop()
  })
}

t.test('two relays cannot share a file under two names', async (t) => {
  const folder = tempFolder(t)
  const file = join(folder, 'relay.db')
  const link = join(folder, 'link.db')
  symlinkSync(file, link)
  const store = await openStore(`sqlite:${file}`)
  await t.rejects(openStore(`sqlite:${link}`), {
    code: 'BAD_DATABASE',
    message: /another relay is using this database/
  })
  // SQLite reports the same if a volume does not support locks.
  const message = /another relay is using .*If there is no other, the volume knows no locks/
  await t.rejects(openStore(`sqlite:${relative(process.cwd(), file)}`), { message })
  await store.close()
})

t.test('a file with a hard link is refused, because its log has only one name', async (t) => {
  const folder = tempFolder(t)
  const file = join(folder, 'relay.db')
  await (await openStore(`sqlite:${file}`)).close()
  linkSync(file, join(folder, 'second.db'))
  for (const name of ['relay.db', 'second.db']) {
    const refused = { code: 'BAD_DATABASE', message: /has 2 names \(hard links\)/ }
    await t.rejects(openStore(`sqlite:${join(folder, name)}`), refused)
    await t.rejects(verify(`sqlite:${join(folder, name)}`), refused)
  }
})

t.test('a file that is a mount of its own is refused, because its log would lie outside', async (t) => {
  const folder = tempFolder(t)
  const [file, other] = [join(folder, 'relay 1.db'), join(folder, 'other.db')]
  for (const name of [file, other]) writeFileSync(name, '')
  if (spawnSync('mount', ['--bind', other, file]).status !== 0) return void t.comment('skipped: may not mount a file')
  t.teardown(() => spawnSync('umount', ['-l', file]))
  await t.rejects(openStore(`sqlite:${file}`), {
    code: 'BAD_DATABASE',
    message: /is a volume of its own.*mount its folder/
  })
})

t.test('a dangling link is reported, and nothing is created in its place', async (t) => {
  const folder = tempFolder(t)
  symlinkSync(join(folder, 'volume'), join(folder, 'data'))
  symlinkSync(join(folder, 'volume', 'relay.db'), join(folder, 'relay.db'))
  const refused = {
    code: 'BAD_DATABASE',
    message: /is a link to \S+volume\S*, which is not there: is the volume mounted\?/
  }
  for (const file of ['data/relay.db', 'data/deeper/relay.db', 'relay.db']) {
    await t.rejects(openStore(`sqlite:${join(folder, file)}`), refused)
    await t.rejects(verify(`sqlite:${join(folder, file)}`), refused)
  }
  t.notOk(existsSync(join(folder, 'volume')))
  symlinkSync('b', join(folder, 'a'))
  symlinkSync('a', join(folder, 'b'))
  await t.rejects(openStore(`sqlite:${join(folder, 'a')}`), {
    code: 'BAD_DATABASE',
    message: /its links lead in a circle/
  })
})

t.test('an address that names no file to keep is refused with what to write', async (t) => {
  const folder = tempFolder(t)
  const wrong: Record<string, RegExp> = {
    'sqlite::memory:': /kept in memory is lost/,
    'sqlite://:memory:': /kept in memory is lost/,
    'sqlite:file:relay.db?mode=memory': /kept in memory is lost/,
    'sqlite:file:relay.db': /a path is wanted, not a URI/,
    [`sqlite://${folder}/relay.db?mode=rwc`]: /options after the path are not taken/,
    'sqlite:~/relay.db': /not replaced here/,
    'sqlite:$HOME/relay.db': /not replaced here/,
    'sqlite:$(DATA)/relay.db': /not replaced here/,
    'sqlite:"/data/relay.db"': /quotes and spaces around a path/,
    "sqlite:'data/relay.db'": /quotes and spaces around a path/,
    'sqlite: /data/relay.db': /quotes and spaces around a path/,
    'sqlite:': /no file is named/,
    'sqlite:///': /a folder is named/,
    [`sqlite:${folder}/`]: /a folder is named/,
    [`sqlite:${folder}/..`]: /a folder is named/,
    [`sqlite:${folder}`]: /is a folder: name a file in it/
  }
  const to = 'postgres://u:p@127.0.0.1:1/d'
  for (const [url, message] of Object.entries(wrong)) {
    await t.rejects(openStore(url), { code: 'BAD_DATABASE', message }, url)
    await t.rejects(verify(url), { code: 'BAD_DATABASE', message }, url)
    await t.rejects(migrate(url, to), { code: 'BAD_DATABASE' }, url)
  }
  await t.rejects(openStore(`sqlite:${import.meta.filename}/relay.db`), {
    code: 'BAD_DATABASE',
    message: /a part of its path is a file, not a folder/
  })
  const { code, err } = await run(['migrate', '--from', 'sqlite::memory:', '--to', to])
  t.equal(code, 2)
  t.match(err, /cannot|no database/)
  t.same(readdirSync(folder), [])
})

t.test('a path is accepted as a Secret has it, with a line end, and in every form that names a file', async (t) => {
  const folder = tempFolder(t)
  const names = [
    `sqlite:${folder}/a/relay.db\n`,
    `sqlite://${folder}/a/relay.db`,
    `sqlite:///${folder}//a/./relay.db`,
    `sqlite:${relative(process.cwd(), folder)}/a/relay.db`
  ]
  for (const [n, url] of names.entries()) {
    const store = await openStore(url)
    await store.accept([arrival(`app-${n}`)], sendTo('lane'))
    t.equal(store.pending, n + 1, url)
    await store.close()
  }
  t.same(readdirSync(folder), ['a'])
})

// By SQLite's codes (www.sqlite.org/rescode.html), which only a network file system would cause.
for (const [what, errcode, said] of [
  [
    'a lock that its volume does not know',
    3850,
    /^the volume of \S+ knows no locks or no shared memory, as NFS and SMB/
  ],
  ['shared memory that its volume does not know', 5386, /^the volume of \S+ knows no locks or no shared memory/],
  ['a disk that keeps nothing', 1034, /is the disk full, over a quota, or failing/],
  ['a lock of another program', 5, /^another program has \S+ locked.*: end it/]
] as const) {
  t.test(`a database that cannot be used for ${what} says so`, async (t) => {
    t.match(sayFileError({ errcode, message: 'as SQLite says' }, '/data/relay.db'), said)
  })
}
