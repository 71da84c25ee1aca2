// Step: compiles a step of a test: what comes when, and what is expected of it. Pure, except for `read`.
import type { Config } from '../config/config.ts'
import { parseDuration } from '../duration.ts'
import type { Fault } from '../errors.ts'
import type { WireEvent } from '../events/flux.ts'
import type { Transition } from '../objects.ts'
import { compileRegex } from '../patterns.ts'
import { unknownName } from '../spelling.ts'
import { parseEvent, type ShortEvent, wireOf } from './event.ts'
import type { NotificationText, StepText } from './tests-schema.ts'

type Path = Fault['path']

/** An event, or one that comes again and again, and what is expected of it. */
export interface TestStep {
  path: Path
  /** The event as it is at `now`, in ms. */
  eventAt: (now: number) => WireEvent
  source: string
  /** The times at which it comes, in ms from the beginning of the test. */
  times: readonly number[]
  transition: Transition | undefined
  /** Undefined if anything may be sent. */
  expected: readonly Expected[] | undefined
}

export interface Expected extends Pick<NotificationText, 'destination' | 'rule' | 'says'> {
  path: Path
  /** What a message has to contain, as written, and whether a text contains it. */
  texts: readonly { wanted: string; isIn: (text: string) => boolean }[]
}

/** What a step is compiled with. */
export interface Around {
  /** The config whose names are meant. Without it, names are not checked. */
  config: Config | undefined
  /** Reads the text of an event's file. */
  read: (path: string) => string
  /** Receives the mistakes. */
  faults: Fault[]
}

// Longer than a second, within which Flux's timestamps do not show what came last.
const usualPauseMs = 60_000

/** Compiles a step. `common` is what all events of the test have; `previous` is when the last event before came. */
export function buildStep(
  text: StepText,
  common: ShortEvent,
  path: Path,
  previous: number | undefined,
  { config, read, faults }: Around
): TestStep {
  const { source = 'default', at, after, every, times = 1, transition, expect } = text
  const fault = (key: string, message: string) => faults.push({ path: [...path, key], message })
  if (text.file !== undefined && text.event !== undefined) fault('file', 'a step has an `event` or a `file`, not both')
  if (at !== undefined && after !== undefined) fault('after', 'a step has `at` or `after`, not both')
  if (every !== undefined && text.times === undefined) fault('every', 'how many `times`?')
  if (every === undefined && text.times !== undefined) fault('times', 'how often? Give it `every`, such as 5m')
  if (config && !config.sources.has(source)) {
    fault('source', unknownName('source', source, [...config.sources.keys()]))
  }
  const pause = after === undefined ? (previous === undefined ? 0 : usualPauseMs) : parseDuration(after)
  const first = at === undefined ? (previous ?? 0) + pause : parseDuration(at)
  if (previous !== undefined && first < previous) fault('at', 'this is before the end of the step above')
  return {
    path,
    eventAt: eventOf(text, common, read, (message) => fault('file', message)),
    source,
    times: Array.from({ length: times }, (_, index) => first + index * parseDuration(every ?? '')),
    transition,
    expected:
      expect === undefined
        ? undefined
        : [expect].flat().map((entry, index) => {
            const place = [...path, 'expect', ...(Array.isArray(expect) ? [index] : [])]
            return buildExpected(entry, place, config, faults)
          })
  }
}

function eventOf(
  { file, event }: StepText,
  common: ShortEvent,
  read: (path: string) => string,
  fault: (message: string) => void
): TestStep['eventAt'] {
  if (file === undefined) {
    const short = { ...common, ...event, metadata: { ...common.metadata, ...event?.metadata } }
    return (now) => wireOf(short, now)
  }
  let wire: WireEvent | string
  try {
    wire = parseEvent(read(file))
  } catch (error) {
    wire = `cannot be read: ${(error as NodeJS.ErrnoException).code}`
  }
  if (typeof wire === 'string') fault(wire)
  return (now) => ({ ...(wire as WireEvent), timestamp: new Date(now).toISOString() })
}

function buildExpected(
  entry: string | NotificationText,
  path: Path,
  config: Config | undefined,
  faults: Fault[]
): Expected {
  const asked: NotificationText = typeof entry === 'string' ? { destination: entry } : entry
  const { destination, rule, says, text = [], matches = [] } = asked
  const at = (key: string) => (typeof entry === 'string' ? path : [...path, key])
  const known = (what: string, name: string, names: readonly string[]) => {
    if (names.includes(name)) return
    faults.push({ path: at(what), message: unknownName(what, name, names) })
  }
  // A channel that events name may be written without the part that says who gets it otherwise.
  const isChannel = config?.destinations.has(`${destination}:`) || config?.destinations.has(destination)
  if (config && !isChannel) known('destination', destination, [...config.destinations.keys()])
  if (config && rule !== undefined) known('rule', rule, [...config.rules.byName.keys()])
  const patterns = [matches].flat().flatMap((pattern, index) => {
    const compiled = compileRegex(pattern)
    if (!('error' in compiled)) return [{ wanted: `something that matches ${pattern}`, isIn: compiled.find }]
    faults.push({ path: Array.isArray(matches) ? [...at('matches'), index] : at('matches'), message: compiled.error })
    return []
  })
  const texts = [text].flat().map((wanted) => ({
    wanted: `"${wanted}"`,
    isIn: (whole: string) => whole.includes(wanted.trim().replace(/\s+/g, ' '))
  }))
  return {
    path,
    destination,
    ...(rule !== undefined && { rule }),
    ...(says !== undefined && { says }),
    texts: [...texts, ...patterns]
  }
}
