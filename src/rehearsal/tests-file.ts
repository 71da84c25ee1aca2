// Tests file: parses a text into its tests, or into a list of all its mistakes. Pure, except for `read`.
import { inOrder, locate, type Problem } from '../config/problem.ts'
import { compileShape } from '../config/shape.ts'
import { vocabularyOf } from '../config/vocabulary.ts'
import { readYaml } from '../config/yaml.ts'
import type { Fault } from '../errors.ts'
import { matcherFaults, nothingKnown } from '../rules/never.ts'
import type { ShortEvent } from './event.ts'
import { type Around, buildStep, type TestStep } from './step.ts'
import { TestsSchema, type TestText } from './tests-schema.ts'

type Path = Fault['path']

export interface RuleTest {
  name: string
  path: Path
  steps: readonly TestStep[]
}

export interface LoadedTests {
  /** Empty if there is an error among the problems. */
  tests: readonly RuleTest[]
  problems: readonly Problem[]
  /** Makes a problem of `message` at the place of `path` in the file. */
  problemAt: (path: Path, message: string) => Problem
}

const vocabulary = vocabularyOf(TestsSchema)
const shapeFaults = compileShape(TestsSchema, vocabulary)

/** Parses a tests file. `file` is only for the places of problems. */
export function loadTests(text: string, file: string, around: Omit<Around, 'faults'>): LoadedTests {
  const yaml = readYaml(text, file, vocabulary)
  if ('problems' in yaml) return { tests: [], problems: yaml.problems, problemAt: () => yaml.problems[0] as Problem }
  const { source, value } = yaml
  const shape = shapeFaults(value)
  const misshapen = new Set(shape.map(({ path }) => (path[1] === undefined ? undefined : Number(path[1]))))
  const faults: Fault[] = []
  const texts = misshapen.has(undefined) ? [] : (value as { tests: TestText[] }).tests
  const tests = texts.flatMap((test, index) =>
    misshapen.has(index) ? [] : [buildTest(test, ['tests', index], { ...around, faults })]
  )
  const problems = inOrder([
    ...shape.map((fault) => locate(source, fault, fault.isAboutKey)),
    ...faults.map((fault) => locate(source, fault))
  ])
  return {
    tests: problems.some(({ isWarning }) => !isWarning) ? [] : tests,
    problems,
    problemAt: (path, message) => locate(source, { path, message })
  }
}

function buildTest({ name, steps, ...own }: TestText, path: Path, around: Around): RuleTest {
  const { event, source, ...ofSteps } = own
  const texts = steps ?? [own]
  for (const key of steps === undefined ? [] : Object.keys(ofSteps)) {
    around.faults.push({ path: [...path, key], message: `with \`steps\`, \`${key}\` belongs in one of them` })
  }
  if (texts.every(({ expect, transition }) => expect === undefined && transition === undefined)) {
    around.faults.push({
      path: [...path, 'name'],
      message: 'this test expects nothing; give it `expect` or `transition`'
    })
  }
  const events = [
    { event, place: path },
    ...(steps ?? []).map((step, at) => ({ ...step, place: [...path, 'steps', at] }))
  ]
  for (const { event: short, place } of events) around.faults.push(...slipsIn(short, [...place, 'event']))
  const built: TestStep[] = []
  for (const [index, text] of texts.entries()) {
    const place = steps === undefined ? path : [...path, 'steps', index]
    built.push(
      buildStep(
        { ...(source !== undefined && { source }), ...text },
        event ?? {},
        place,
        built.at(-1)?.times.at(-1),
        around
      )
    )
  }
  return { name, path, steps: built }
}

/** Warns of kinds and reasons that Flux never sends: a test with them says nothing of what will come. */
function slipsIn({ kind, reason }: ShortEvent = {}, path: Path): Fault[] {
  return matcherFaults({ ...(kind && { kind }), ...(reason && { reason }) }, path, nothingKnown)
}
