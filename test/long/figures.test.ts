// Figures: those from virtual time are the same everywhere, so the pages must have exactly these.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { run, trickles } from '../../bench/trickle.ts'

const root = join(import.meta.dirname, '..', '..')
const page = readFileSync(join(root, 'docs', 'performance.md'), 'utf8')

/** The numbers of the row that begins with `start`. */
function rowOf(start: string): string[] {
  const [, cells = ''] = page.split(`\n| ${start} |`)
  return (cells.split('\n', 1)[0] ?? '')
    .split('|')
    .flatMap((cell) => cell.match(/\d[\d,]*/)?.[0].replaceAll(',', '') ?? [])
}

t.test("a fleet's day is as the page says", async (t) => {
  const { stdout } = spawnSync(process.execPath, [join(root, 'tools', 'run.ts'), 'bench', 'day'], { encoding: 'utf8' })
  const rows = stdout.split('\n').map((line) => line.match(/\d+/g) ?? [])
  const found = (start: string) => rows[stdout.split('\n').findIndex((line) => line.startsWith(start))]
  t.match(page, new RegExp(`\\| ${Number(rows[0]?.[0]).toLocaleString('en')} events \\|`))
  for (const [start, name] of [
    ["Flux's own Slack provider, one Alert for everything", "Flux's Slack provider"],
    ['the relay, with two rules', 'flux-relay']
  ] as const) {
    const [said, is] = [rowOf(start).map(Number), (found(name) ?? []).map(Number)]
    t.strictSame(said.slice(0, 2), is.slice(0, 2), `${name}: messages and pings`)
    // The character count may differ by a word or so.
    t.ok(Math.abs((said[2] ?? 0) / (is[2] ?? 1) - 1) < 0.05, `${name}: ${said[2]} and ${is[2]} characters`)
  }
  const [, clear, all] = found('object, cluster and cause') ?? []
  t.match(page, `${clear} of the ${all} name the object, the cluster and the cause`)
})

t.test('slow storms cause as many messages as the page says', async (t) => {
  for (const [start, name] of [
    ['150 objects with one cause over 10 min', '150 over 10 min'],
    ['over 5 min', '150 over 5 min'],
    ['over 1 min', '150 over 1 min'],
    ['ten causes in turn over 10 min, 150 objects', 'ten causes in turn'],
    ['the same with 1,500 objects', 'ten causes, 1,500']
  ] as const) {
    const trickle = trickles.find((each) => each.name === name)
    if (trickle === undefined) throw new Error(`there is no trickle ${name}`)
    const { messages, pings, first, last } = await run(trickle)
    t.equal(first, 0)
    t.strictSame(rowOf(start), [messages, pings, Math.round(last / 1000)].map(String), name)
  }
})
