// Layers: which room may import which, and which rooms only decide. CONTRIBUTING.md says what each room is for.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'

/**
 * From the ground up: a room imports only rooms of the floors below, so rooms of one floor do not know each other. A room is a
 * folder or file of `src`, or `routes`; the innermost name counts.
 */
const floors = [
  ['json-schema'],
  ['about', 'actor', 'clock', 'errors', 'legible', 'needles', 'percent', 'secrecy', 'spelling', 'turns'],
  ['duration', 'env', 'env-secrets', 'log', 'paint', 'patterns', 'rarely'],
  ['events', 'search'],
  ['objects'],
  ['rules'],
  ['mutes'],
  ['render/slack'],
  ['render/template'],
  ['render/links'],
  ['render/compose'],
  ['render/receivers', 'render/check'],
  ['store/withheld'],
  ['store/kept'],
  ['store/kept-lanes'],
  ['store/kept-cards'],
  ['store/texts'],
  ['store/rows', 'store/steps', 'store/deciding', 'store/waiting', 'store/cards'],
  ['store/rollouts'],
  ['store/records'],
  ['store/store'],
  ['store/reading'],
  ['store/sqlite', 'store/postgres'],
  ['store/open'],
  ['store/verify', 'store'],
  ['metrics', 'notices', 'slack-api', 'spans'],
  ['deliver'],
  ['config'],
  ['decide'],
  ['actions', 'commits', 'intake', 'silences', 'slack-socket', 'import'],
  ['operator'],
  ['scrape', 'rehearsal', 'dashboard'],
  ['clicks'],
  ['routes'],
  ['app'],
  ['demo'],
  ['cli']
]

/** Rooms that only decide: their results depend on their arguments alone, and so do those of everything they import. */
const pure = new Set([
  'json-schema',
  ...[
    'about',
    'actor',
    'env-secrets',
    'errors',
    'duration',
    'legible',
    'needles',
    'percent',
    'secrecy',
    'spelling',
    'patterns',
    'events',
    'search',
    'objects',
    'rules',
    'mutes',
    'notices',
    'slack-api',
    'decide',
    'import',
    'rehearsal'
  ],
  ...['render/slack', 'render/template', 'render/links', 'render/compose', 'render/receivers', 'render/check'],
  ...['store/withheld', 'store/texts', 'store/rows', 'store/steps', 'store/deciding', 'store/cards', 'store/rollouts'],
  'dashboard'
])
const impure = /^(node:(fs|http|net|timers|sqlite|child_process).*|undici|fastify|pino|prom-client|close-with-grace)$/
const ambient = /\b(Date\.now\(|new Date\(\)|Math\.random\(|process\.|setTimeout\(|setInterval\(|performance\.)/

const root = join(import.meta.dirname, '..')
const files = ['src', 'routes'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
)

function roomOf(file: string): string {
  const [top = '', ...path] = file.replace(/\.ts$/, '').split(/[\\/]/)
  if (top === 'routes') return top
  const names = path.map((_, length) => path.slice(0, length + 1).join('/')).reverse()
  return names.find((name) => floors.flat().includes(name)) ?? path.join('/')
}

interface Import {
  target: string
  /** Node strips `import type`, so nothing is loaded. */
  isTypeOnly: boolean
}

const importPattern = /(?:\b(import|export)\s+(type\s+)?[^'();]*?from\s*|\bimport\s*\(\s*|^import\s*)'([^']+)'/gm

const importsOf = new Map(
  files.map((file) => {
    const text = readFileSync(join(root, file), 'utf8')
    const imports = [...text.matchAll(importPattern)].map(([, , type, target = '']): Import => {
      const path = target.startsWith('.') ? relative(root, join(root, dirname(file), target)) : target
      return { target: path, isTypeOnly: type !== undefined }
    })
    return [file, imports] as const
  })
)

function ownImports(file: string): Import[] {
  return (importsOf.get(file) ?? []).filter(({ target }) => importsOf.has(target))
}

/** `file` and everything that is loaded with it. */
function loadedWith(file: string, seen = new Set<string>()): Set<string> {
  if (seen.has(file)) return seen
  seen.add(file)
  for (const { target, isTypeOnly } of ownImports(file)) if (!isTypeOnly) loadedWith(target, seen)
  return seen
}

t.test('CONTRIBUTING.md has a line for every room, from the top floor down, and says which are pure', async (t) => {
  const page = readFileSync(join(root, 'CONTRIBUTING.md'), 'utf8')
  const table = /^## Rooms$([\s\S]*?)^## /m.exec(page)?.[1] ?? ''
  const lines = [...table.matchAll(/^\| `([\w/-]+)` \|.*\|( pure)? \|$/gm)]
  t.same(
    lines.map(([, room]) => room),
    floors.toReversed().flat()
  )
  t.same(new Set(lines.filter(([, , mark]) => mark !== undefined).map(([, room]) => room)), pure)
})

t.test('every file belongs to a room', async (t) => {
  t.same(
    files.filter((file) => roomOf(file) !== 'routes' && !floors.flat().includes(roomOf(file))),
    []
  )
})

t.test('every file opens with its subject, a colon, and what it does', async (t) => {
  t.same(
    files.filter((file) => !/^\/\/ [^:\n]{2,70}: [a-z]/.test(readFileSync(join(root, file), 'utf8'))),
    []
  )
})

t.test('a name that a room exports is the only one of that name in the room', async (t) => {
  const exported = /^export (?:async )?(?:function\*?|const|let|class|interface|type) ([\w$]+)/gm
  const places = files.flatMap((file) => {
    const names = readFileSync(join(root, file), 'utf8').matchAll(exported)
    return [...new Set([...names].map(([, name]) => name))].map((name) => ({
      file,
      name: `${name} in ${roomOf(file)}`
    }))
  })
  t.ok(places.length > 300, 'exports are recognised')
  const byName = Map.groupBy(places, ({ name }) => name)
  t.same(
    [...byName]
      .filter(([, all]) => all.length > 1)
      .map(([name, all]) => `${name}: ${all.map(({ file }) => file).join(', ')}`),
    []
  )
})

t.test('rooms import only rooms of the floors below', async (t) => {
  const floorOf = new Map(
    [...floors.entries()].flatMap(([floor, rooms]) => rooms.map((room) => [room, floor] as const))
  )
  const against = files.flatMap((file) => {
    const from = roomOf(file)
    const others = ownImports(file).filter(({ target }) => roomOf(target) !== from)
    return others
      .filter(({ target }) => (floorOf.get(roomOf(target)) ?? 0) >= (floorOf.get(from) ?? 0))
      .map(({ target }) => `${file} may not import ${target}`)
  })
  t.same(against, [])
})

t.test('no file imports itself by way of others, not even for a type', async (t) => {
  const circles: string[] = []
  const done = new Set<string>()
  function walk(file: string, path: string[]): void {
    const at = path.indexOf(file)
    if (at >= 0) circles.push([...path.slice(at), file].join(' → '))
    if (at >= 0 || done.has(file)) return
    for (const { target } of ownImports(file)) walk(target, [...path, file])
    done.add(file)
  }
  for (const file of files) walk(file, [])
  t.same(circles, [])
})

t.test(
  'the rooms that decide do no I/O, read no clock and use no randomness, and load nothing that does',
  async (t) => {
    const against = files
      .filter((file) => pure.has(roomOf(file)))
      .flatMap((file) =>
        [...loadedWith(file)].flatMap((loaded) => {
          const way = loaded === file ? file : `${file}, by way of ${loaded},`
          const foreign = (importsOf.get(loaded) ?? []).filter(
            ({ target, isTypeOnly }) => !isTypeOnly && impure.test(target)
          )
          const code = readFileSync(join(root, loaded), 'utf8').replace(/\/\/.*|\/\*[\s\S]*?\*\//g, '')
          const call = ambient.exec(code)?.[0]
          return [
            ...foreign.map(({ target }) => `${way} imports ${target}`),
            ...(call === undefined ? [] : [`${way} calls ${call}`])
          ]
        })
      )
    t.same(against, [])
  }
)

t.test('the memory of objects is written by one file of each store, and bounded by another', async (t) => {
  const writes = /\b(?:update|insert into|delete from) objects\b/
  t.same(
    files.filter((file) => writes.test(readFileSync(join(root, file), 'utf8'))).sort(),
    ['postgres', 'sqlite'].flatMap((store) => ['memories', 'upkeep'].map((name) => `src/store/${store}/${name}.ts`))
  )
})

t.test('nothing imports node:http, which would load its whole client, 7 MB, at the start', async (t) => {
  const against = files.filter((file) =>
    importsOf.get(file)?.some(({ target, isTypeOnly }) => target === 'node:http' && !isTypeOnly)
  )
  t.same(against, [])
})
