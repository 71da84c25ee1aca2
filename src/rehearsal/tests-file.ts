// A tests file: from its text to the tests in it, or to everything that is wrong with it. Pure, but for `read`.
import { type Static, Type } from 'typebox'
import { closedObject } from '../about.ts'
import { inOrder, locate, type Problem } from '../config/problem.ts'
import { compileShape } from '../config/shape.ts'
import { vocabularyOf } from '../config/vocabulary.ts'
import { readYaml } from '../config/yaml.ts'
import { Duration } from '../duration.ts'
import type { Fault } from '../errors.ts'
import type { Transition } from '../objects.ts'
import { transitionNames } from '../objects.ts'
import { matcherFaults } from '../rules/never.ts'
import { type ShortEvent, ShortEventSchema } from './event.ts'
import { type Around, buildStep, type TestStep } from './step.ts'

const TextsSchema = (description: string) =>
  Type.Unsafe<string | string[]>({
    type: ['string', 'array'],
    items: { type: 'string', minLength: 1 },
    minItems: 1,
    minLength: 1,
    description
  })

const notification = {
  properties: {
    destination: Type.String({ minLength: 1 }),
    rule: Type.String({ minLength: 1, description: 'Any rule, if left out.' }),
    says: Type.Enum([...transitionNames], {
      description: 'What the message says of the object: the first about a failure at a destination is `failed`.'
    }),
    text: TextsSchema('Stands in the message, as a person reads it; of several texts each does.'),
    matches: TextsSchema('RE2: found in the message, as a person reads it.')
  },
  required: ['destination'],
  additionalProperties: false
}

/** What `expect` has for one message, unless it is just the name of a destination. */
export interface NotificationText {
  destination: string
  rule?: string
  says?: Transition
  text?: string | string[]
  matches?: string | string[]
}

const step = {
  event: Type.Optional(ShortEventSchema),
  file: Type.Optional(
    Type.String({ minLength: 1, description: 'An event as Flux posts it (JSON), relative to this file.' })
  ),
  source: Type.Optional(Type.String({ description: 'Where it comes in; `default`, if left out.' })),
  at: Type.Optional(
    Type.String({
      pattern: '^\\+?([0-9]{1,6}[smhd]){1,4}$',
      description: 'Since the beginning of the test, such as 5m.'
    })
  ),
  after: Type.Optional(
    Type.String({ ...Duration, description: 'Since the step before, such as 10m. 1m, if left out.' })
  ),
  every: Type.Optional(Type.String({ ...Duration, description: 'The event comes again and again, with `times`.' })),
  times: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
  transition: Type.Optional(
    Type.Enum([...transitionNames], { description: 'What the event, or each of them, is to do to its object.' })
  ),
  expect: Type.Optional(
    Type.Unsafe<string | (string | NotificationText)[]>({
      type: ['string', 'array'],
      items: { type: ['string', 'object'], minLength: 1, ...notification },
      minLength: 1,
      description: 'Every message of this step, of all its events together, in any order. [] is nobody.'
    })
  )
}

const StepSchema = closedObject(step)

const TestsSchema = closedObject({
  tests: Type.Array(
    closedObject({
      name: Type.String({ minLength: 1 }),
      steps: Type.Optional(
        Type.Array(StepSchema, {
          minItems: 1,
          description: 'One after the other; `event` and `source` of the test are then what they have in common.'
        })
      ),
      ...step
    }),
    { minItems: 1 }
  )
})

export type StepText = Static<typeof StepSchema>
type TestText = Static<typeof TestsSchema>['tests'][number]

type Path = Fault['path']

export interface RuleTest {
  name: string
  path: Path
  steps: readonly TestStep[]
}

export interface LoadedTests {
  /** None, where there is an error among the problems. */
  tests: readonly RuleTest[]
  problems: readonly Problem[]
  /** The place of `path` in the file, with `message`. */
  problemAt: (path: Path, message: string) => Problem
}

const vocabulary = vocabularyOf(TestsSchema)
const shapeFaults = compileShape(TestsSchema, vocabulary)

/** `file` is only for the problems' places. */
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

const anywhere = { sources: undefined, clusters: undefined }

/** Kinds and reasons that Flux never sends, as warnings: what is tested with them says nothing of what will come. */
function slipsIn({ kind, reason }: ShortEvent = {}, path: Path): Fault[] {
  return matcherFaults({ ...(kind && { kind }), ...(reason && { reason }) }, path, anywhere)
}
