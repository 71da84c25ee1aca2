// Same stores: whatever happens to a relay, and however Slack lies, people see the same with SQLite and with PostgreSQL.
// RUNS=200 SEED=2 in the environment runs the long form.
import t from 'tap'
import { startCourse } from '../fixtures/course.ts'
import type { Sight } from '../fixtures/course-sight.ts'
import { anyStep, type Step } from '../fixtures/course-steps.ts'
import { fc } from '../fixtures/fc.ts'
import { startPostgres } from '../fixtures/postgres.ts'

const runs = Number(process.env['RUNS'] ?? 3)
const seed = Number(process.env['SEED'] ?? 1)

/** What people see after each of `steps`, and in the end, long after Slack became truthful. */
async function play(steps: readonly Step[], database?: string): Promise<Sight[]> {
  const course = await startCourse(database)
  try {
    const sights: Sight[] = []
    for (const step of steps) {
      await course.take(step)
      sights.push(await course.look())
    }
    await course.calm()
    return [...sights, await course.look()]
  } finally {
    await course.stop()
  }
}

/** What differs in `b`. */
function differences(a: Sight, b: Sight): string[] {
  return Object.keys(a).flatMap((name) => {
    const [ours, theirs] = [new Set(a[name]), new Set(b[name])]
    const only = (of: Set<string>, others: Set<string>, whose: string) =>
      [...of.difference(others)].map((text) => `${name}, ${whose} only: ${text}`)
    if (JSON.stringify(a[name]) === JSON.stringify(b[name])) return []
    return [`${name} differ`, ...only(ours, theirs, 'SQLite'), ...only(theirs, ours, 'PostgreSQL')]
  })
}

t.test(
  'people see the same with both stores after each step, and no lane is left behind',
  { timeout: 100_000 * runs },
  async (t) => {
    const { createDatabase } = await startPostgres(t)
    // Backoffs are random.
    const { random } = Math
    Math.random = () => 0.5
    t.teardown(() => Object.assign(Math, { random }))
    const sameSights = fc.asyncProperty(
      fc.array(anyStep, { minLength: 10, maxLength: 25, size: 'max' }),
      async (steps) => {
        const [sqlite, postgres] = [await play(steps), await play(steps, await createDatabase())]
        for (const [at, sight] of sqlite.entries()) {
          const found = differences(sight, postgres[at] ?? {})
          if (found.length > 0) throw new Error(`after step ${at + 1} of ${steps.length}:\n${found.join('\n')}`)
        }
        const last = sqlite.at(-1)
        const blocked = last?.['lanes']?.filter((lane) => !lane.includes('"block":null')) ?? []
        if (blocked.length > 0) throw new Error(`Slack takes everything, and these wait: ${blocked}`)
        const twice = last?.['twice'] ?? []
        if (twice.length > 0) throw new Error(`posted twice, where it could have been looked for: ${twice}`)
        t.pass(`${steps.length} steps`)
      }
    )
    // Shrinking a sequence that takes seconds per run would take minutes.
    await fc.assert(sameSights, { numRuns: runs, seed, endOnFailure: process.env['SHRINK'] === undefined })
  }
)
