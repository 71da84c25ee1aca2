// Liquid: checks templates when the config loads and fills them in when an event arrives, with limits on steps and memory.
import { Context, Liquid, type Template as Parsed } from 'liquidjs'
import { didYouMean } from '../../spelling.ts'
import { liquidInWords } from './liquid-words.ts'

/** The variables a template may use, by their path. `metadata.<key>` is open: its keys come with the events. */
export type Variables = ReadonlySet<string>

export interface Template {
  /** Returns the filled-in text; undefined if one of its variables is empty or a limit is reached, so that no text is half made. */
  render(context: Record<string, unknown>): string | undefined
}

// `templates: {}` takes away the file system: by default a template can read files beside the program.
export const engineOptions = {
  // Without it, Liquid asks Intl, which loads all of its data at the start.
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

/** A fault of a template, and its position in characters from the start. */
export interface TemplateFault {
  error: string
  offset: number
}

/** Compiles a URL template, in which every value is percent-encoded. */
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
          // A limit was reached, or a value cannot stand in a URL.
          return undefined
        }
      }
    }
  } catch (error) {
    return faultOf(error, urls)
  }
}

/** More steps than any message needs. */
const maxSteps = 20_000
/**
 * Maximum number of captured characters, checked at each step: a hundred times the longest message. Liquid's own limit counts only
 * what filters make.
 */
const maxCaptured = 4_000_000

/**
 * Returns `variables` for one rendering that is limited by its steps: Liquid would look at the clock, and on a busy machine refuse
 * what is harmless. The memory that a step takes limits what it may do.
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

/** Returns the path of each variable that a template takes from outside. */
export function variablesOf(engine: Liquid, parsed: Parsed[]): string[][] {
  return engine.globalVariableSegmentsSync(parsed).map((segments) => segments.map(String))
}

export function unknownVariable(name: string, text: string, known: readonly string[]): TemplateFault {
  return {
    error: `unknown variable "${name}"; there are ${known.join(', ')} and metadata.<key>${didYouMean(name, known)}`,
    offset: placeOf(name, text)
  }
}

/** Puts what `engine` threw into words. */
export function faultOf(error: unknown, engine: Liquid): TemplateFault {
  const { message, token } = error as Error & { token?: { begin?: number } }
  const names = { filters: Object.keys(engine.filters), tags: Object.keys(engine.tags) }
  return { error: liquidInWords(message, names), offset: token?.begin ?? 0 }
}

/** Finds `name` inside a tag or an output, not in the text around them. */
function placeOf(name: string, text: string): number {
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    const isInside = (open: string, close: string) => text.lastIndexOf(open, at) > text.lastIndexOf(close, at)
    const isPart = /[\w.]/.test(text[at - 1] ?? '') || /[\w.]/.test(text[at + name.length] ?? '')
    if (!isPart && (isInside('{{', '}}') || isInside('{%', '%}'))) return at
  }
  return 0
}

/** Reports whether a path is a single key of the metadata, which comes with the events. */
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
