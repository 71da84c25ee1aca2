// Tests schema: defines a tests file: what happens, step by step, and who is notified of it.

import { closedObject } from '../about.ts'
import { Duration } from '../duration.ts'
import { type Static, Type } from '../json-schema.ts'
import { type Transition, transitionNames } from '../objects.ts'
import { Patterns } from '../patterns.ts'
import { ShortEventSchema } from './event.ts'

const TextsSchema = (description: string) => ({ ...Patterns, description })

const notification = {
  properties: {
    destination: Type.String({ minLength: 1 }),
    rule: Type.String({ minLength: 1, description: 'Any rule if left out.' }),
    says: Type.Enum([...transitionNames], {
      description: 'What the message says of the object; the first about a failure at a destination is `failed`.'
    }),
    text: TextsSchema('A text of the message, as a person reads it; of several texts, each must be there.'),
    matches: TextsSchema('RE2, found in the message as a person reads it.')
  },
  required: ['destination'],
  additionalProperties: false
}

/** One message in `expect`, unless it is just the name of a destination. */
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
  source: Type.Optional(Type.String({ description: 'The source; `default` if left out.' })),
  at: Type.Optional(
    Type.String({
      pattern: '^\\+?([0-9]{1,6}[smhd]){1,4}$',
      patternErrorMessage: 'a number and s, m, h or d, like 30s, 5m or 1h30m',
      description: 'Since the beginning of the test, such as 5m.'
    })
  ),
  after: Type.Optional(
    Type.String({ ...Duration, description: 'Since the step before, such as 10m. 1m if left out.' })
  ),
  every: Type.Optional(Type.String({ ...Duration, description: 'The event comes again and again, with `times`.' })),
  times: Type.Optional(Type.Integer({ minimum: 1, maximum: 100_000 })),
  transition: Type.Optional(Type.Enum([...transitionNames], { description: 'What each event must do to its object.' })),
  expect: Type.Optional(
    Type.Unsafe<string | (string | NotificationText)[]>({
      type: ['string', 'array'],
      items: { type: ['string', 'object'], minLength: 1, ...notification },
      minLength: 1,
      description:
        'All messages of this step, of all its events together, in any order. [] means that nobody is notified.'
    })
  )
}

const StepSchema = closedObject(step)

export const TestsSchema = closedObject({
  tests: Type.Array(
    closedObject({
      name: Type.String({ minLength: 1 }),
      steps: Type.Optional(
        Type.Array(StepSchema, {
          minItems: 1,
          description: 'Steps, one after the other; they share `event` and `source` of the test.'
        })
      ),
      ...step
    }),
    { minItems: 1 }
  )
})

export type StepText = Static<typeof StepSchema>
export type TestText = Static<typeof TestsSchema>['tests'][number]
