// Each room may import only rooms to its left. The list is the architecture.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import t from 'tap'

const rooms = [
  ...['errors', 'env', 'duration', 'clock', 'secrecy', 'log', 'spelling', 'about', 'patterns'],
  ...['events', 'objects', 'rules', 'mutes', 'render', 'store', 'metrics', 'spans', 'deliver', 'config', 'silences'],
  ...['intake', 'operator', 'scrape'],
  ...['import', 'rehearsal', 'dashboard', 'routes', 'app', 'demo', 'cli']
]

// They decide: what comes out depends on what goes in and on nothing else.
const pure = [
  'duration',
  'secrecy',
  'spelling',
  'about',
  'patterns',
  'events',
  'objects',
  'rules',
  'mutes',
  'render',
  'import',
  'rehearsal',
  'dashboard'
]
const impure = /^(node:(fs|http|net|timers|sqlite|child_process).*|undici|fastify|pino|prom-client|close-with-grace)$/
const ambient = /\b(Date\.now\(|new Date\(\)|Math\.random\(|process\.|setTimeout\(|setInterval\(|performance\.)/

const root = join(import.meta.dirname, '..')
const files = ['src', 'routes'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))
)

function roomOf(file: string): string {
  const [top = '', name = ''] = file.split(/[\\/]/)
  return top === 'routes' ? 'routes' : name.replace(/\.ts$/, '')
}

function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8')
  return [...text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, target = '']) => target)
}

t.test('every file belongs to a room', async (t) => {
  for (const file of files) t.ok(rooms.includes(roomOf(file)), file)
})

t.test('rooms import only rooms to their left', async (t) => {
  for (const file of files) {
    const from = rooms.indexOf(roomOf(file))
    for (const target of importsOf(file).filter((name) => name.startsWith('.'))) {
      const room = roomOf(relative(root, join(root, dirname(file), target)))
      t.ok(rooms.indexOf(room) <= from, `${file} may import ${room}`)
    }
  }
})

t.test('the rooms that decide do no I/O, read no clock and throw no dice', async (t) => {
  for (const file of files.filter((name) => pure.includes(roomOf(name)))) {
    for (const target of importsOf(file)) t.notMatch(target, impure, `${file} imports ${target}`)
    const code = readFileSync(join(root, file), 'utf8').replace(/\/\/.*|\/\*[\s\S]*?\*\//g, '')
    t.notMatch(code, ambient, file)
  }
})
