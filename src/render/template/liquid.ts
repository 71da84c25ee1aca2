// Liquid: checks templates when the config loads and fills them in when an event arrives, limited in steps and memory.
import { Context, Liquid, type Template as Parsed } from 'liquidjs'
import { didYouMean } from '../../spelling.ts'
import { liquidInWords } from './liquid-words.ts'

/** The variables a template may use, by their path. `metadata.<key>` is open: its keys come with the events. */
export type Variables = ReadonlySet<string>

export interface Template {
  /** The filled-in text; undefined where one of its variables is empty or a limit is reached: no half-made text. */
  render(context: Record<string, unknown>): string | undefined
}

// `templates: {}` takes away the file system: by default a template can read files beside the program.
export const engineOptions = {
  // Otherwise Liquid asks Intl, which loads all of its data at the start.
  locale: 'en-US',
  ...{ parseLimit: 100_000, memoryLimit: 1_000_000 },
  templates: {},
  strictFilters: true,
  ownPropertyOnly: true
}
const urls = new Liquid({
  ...engineOptions,
  outputEscape: (value: unknown) => encodeURIComponent(String(value ?? '').toWellFormed())
})

/** What is wrong with a template, and where, in characters from its start. */
export interface TemplateFault {
  error: string
  offset: number
}

/** Compiles a URL template: every value is percent-encoded. */
export function compileUrl(text: string, variables: Variables): Template | TemplateFault {
  try {
    const parsed = urls.parse(text)
    const used = variablesOf(urls, parsed)
    const unknown = used.find((path) => !variables.has(path.join('.')) && !isMetadata(path))
    if (unknown !== undefined) return unknownVariable(unknown.join('.'), text, [...variables])
    return {
      render(context) {
        if (used.some((path) => valueAt(context, path) === '')) return undefined
        try {
          return urls.renderSync(parsed, limited(urls, context))
        } catch {
          // Over its limits, or a value that no URL can contain.
          return undefined
        }
      }
    }
  } catch (error) {
    return faultOf(error, urls)
  }
}

/** More than any message needs. */
const maxSteps = 20_000
/** Characters in what was captured, by each step: the longest message a hundred times. Liquid's own limit counts what filters make. */
const maxCaptured = 4_000_000

/**
 * `variables` for one rendering, which is limited by its steps: Liquid would look at the clock, and on a busy machine
 * refuse what is harmless. What a step may do is limited by the memory it takes.
 */
export function limited(engine: Liquid, variables: object): Context {
  let steps = 0
  const check = () => {
    steps += 1
    if (steps > maxSteps) throw new Error('too many steps')
    let captured = 0
    for (const value of Object.values(context.bottom())) if (typeof value === 'string') captured += value.length
    if (captured > maxCaptured) throw new Error('too much is captured')
  }
  const { renderLimit } = new Context()
  const context = new Context(
    variables,
    engine.options,
    { sync: true },
    { liquid: engine, renderLimit: Object.assign(renderLimit, { check }) }
  )
  return context
}

/** The variables that a template takes from outside, each by its path. */
export function variablesOf(engine: Liquid, parsed: Parsed[]): string[][] {
  return engine.globalVariableSegmentsSync(parsed).map((segments) => segments.map(String))
}

export function unknownVariable(name: string, text: string, known: readonly string[]): TemplateFault {
  return {
    error: `unknown variable "${name}"; there are ${known.join(', ')} and metadata.<key>${didYouMean(name, known)}`,
    offset: placeOf(name, text)
  }
}

/** What `engine` threw, in words. */
export function faultOf(error: unknown, engine: Liquid): TemplateFault {
  const { message, token } = error as Error & { token?: { begin?: number } }
  const names = { filters: Object.keys(engine.filters), tags: Object.keys(engine.tags) }
  return { error: liquidInWords(message, names), offset: token?.begin ?? 0 }
}

/** Where `name` is inside a tag or an output, not in the text around them. */
function placeOf(name: string, text: string): number {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const isInside = (open: string, close: string) => text.lastIndexOf(open, at) > text.lastIndexOf(close, at)
    const isPart = /[\w.]/.test(text[at - 1] ?? '') || /[\w.]/.test(text[at + name.length] ?? '')
    if (!isPart && (isInside('{{', '}}') || isInside('{%', '%}'))) return at
  }
  return 0
}

/** One key of what comes with the events. */
export function isMetadata([root, ...rest]: readonly string[]): boolean {
  return root === 'metadata' && rest.length === 1
}

function valueAt(context: unknown, path: readonly string[]): string {
  let value = context
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return ''
    value = (value as Record<string, unknown>)[key]
  }
  return typeof value === 'string' ? value : ''
}
