// Test run: rehearses the steps of one test and compares the notifications with the expected ones. Pure.
import type { Config } from '../config/config.ts'
import { sayDuration } from '../duration.ts'
import type { Fault } from '../errors.ts'
import { isSent, type Rehearsed, type Spoken, speak, startRehearsal, whyNotNotified } from './rehearsal.ts'
import type { Expected, TestStep } from './step.ts'
import type { RuleTest } from './tests-file.ts'

/** An expectation that did not come true. */
export interface TestFailure {
  path: Fault['path']
  message: string
  /** Why it did not, or what was sent instead, line by line. */
  because: readonly string[]
}

interface SentAt extends Spoken {
  /** In ms from the beginning of the test. */
  at: number
}

// A Monday. Any time would do, as long as a test says the same on every day.
const start = Date.UTC(2026, 0, 5, 9)

/** Mutes that recur. One that ends once would be in effect here even when it is over, and be tested for ever. */
function lastingMutes({ mutes }: Config): Config['mutes'] {
  return mutes.filter(({ nextOf }) => nextOf(start) !== undefined)
}

/** Runs a test, and returns everything that is not as it expects. */
export function runTest({ steps }: RuleTest, config: Config): TestFailure[] {
  const { receive, end } = startRehearsal({ ...config, mutes: lastingMutes(config) })
  const rehearsed = steps.map((step) => ({
    step,
    all: step.times.map((at) => ({ at, came: receive(step.eventAt(start + at), start + at, step.source) }))
  }))
  // What is held to see whether its failure lasts belongs to the step that began the failure, and so does what is said of a rollout:
  // it is known only after all steps.
  end()
  return rehearsed.flatMap(({ step, all }) => {
    const sent = all.flatMap(({ at, came }) =>
      came.notifications.map((notification): SentAt => ({ ...speak(notification), at }))
    )
    // If an event repeats, the first that goes astray says it all.
    const astray = all.map(({ at, came }) => transitionFailures(step, came, at)).find((failures) => failures.length > 0)
    const last = all.at(-1)?.came
    return [...(astray ?? []), ...(last === undefined ? [] : messageFailures(step, sent, last, config))]
  })
}

function transitionFailures(
  { path, transition: wanted, times }: TestStep,
  { transition }: Rehearsed,
  at: number
): TestFailure[] {
  if (wanted === undefined || wanted === transition) return []
  const when = times.length > 1 ? ` after ${sayDuration(at)}` : ''
  return [{ path: [...path, 'transition'], message: `the event is \`${transition}\`${when}`, because: [] }]
}

function messageFailures(
  { path, expected }: TestStep,
  sent: readonly SentAt[],
  last: Rehearsed,
  config: Config
): TestFailure[] {
  if (expected === undefined) return []
  const pairs = pair(expected, sent)
  const spare = new Set(sent.filter((message) => ![...pairs.values()].includes(message)))
  const failures = expected
    .filter((wanted) => !pairs.has(wanted))
    .map((wanted): TestFailure => {
      const near = [...spare].find((message) => isBy(message, wanted))
      if (near === undefined) {
        return {
          path: wanted.path,
          message: `${sayWho(wanted)} is not notified`,
          because: whyNotNotified(wanted, last, config)
        }
      }
      spare.delete(near)
      return { path: wanted.path, message: differenceOf(near, wanted), because: near.text.split('\n') }
    })
  return [...failures, ...surplusFailures([...path, 'expect'], [...spare])]
}

// If an event repeats, the first surplus messages show what the others are.
const maxSurplus = 3

function surplusFailures(path: Fault['path'], spare: readonly SentAt[]): TestFailure[] {
  const failures = spare.slice(0, maxSurplus).map(({ destination, rule, says, at, text }) => ({
    path,
    message: `${destination} is notified by ${rule} (${says}) after ${sayDuration(at)}, which is not expected`,
    because: text.split('\n')
  }))
  const rest = spare.length - failures.length
  return rest > 0 ? [...failures, { path, message: `${rest} more messages are not expected`, because: [] }] : failures
}

/** Gives to as many of `expected` as possible a message of its own (augmenting paths). */
function pair(expected: readonly Expected[], sent: readonly SentAt[]): Map<Expected, SentAt> {
  const takenBy = new Map<SentAt, Expected>()
  const place = (wanted: Expected, tried: Set<SentAt>): boolean =>
    sent.some((message) => {
      if (tried.has(message) || !isMet(message, wanted)) return false
      tried.add(message)
      const holder = takenBy.get(message)
      if (holder !== undefined && !place(holder, tried)) return false
      takenBy.set(message, wanted)
      return true
    })
  for (const wanted of expected) place(wanted, new Set())
  return new Map([...takenBy].map(([message, wanted]) => [wanted, message]))
}

function isMet(message: SentAt, wanted: Expected): boolean {
  const isSaid = wanted.says === undefined || wanted.says === message.says
  return isBy(message, wanted) && isSaid && missingTexts(message, wanted).length === 0
}

function isBy({ destination, rule }: SentAt, wanted: Expected): boolean {
  return isSent(wanted.destination, destination) && (wanted.rule === undefined || wanted.rule === rule)
}

/** The texts that a message lacks. It is read in one line and without its bars, so that a test does not depend on where it breaks. */
function missingTexts({ text }: SentAt, { texts }: Expected): string[] {
  const line = text.replace(/^┃ /gm, '').replace(/\s+/g, ' ')
  return texts.filter(({ isIn }) => !isIn(line)).map(({ wanted }) => wanted)
}

function differenceOf(message: SentAt, wanted: Expected): string {
  const who = `${message.destination} is notified by ${message.rule}`
  if (wanted.says !== undefined && wanted.says !== message.says) return `${who} as \`${message.says}\``
  return `${who}, and the message does not have ${missingTexts(message, wanted).join(' and ')}`
}

function sayWho({ destination, rule, says }: Expected): string {
  return [destination, rule && `by ${rule}`, says && `(${says})`].filter(Boolean).join(' ')
}
