// Liquid templates: checked when the config loads, filled in when an event arrives, limited in time and memory.
import { Liquid } from 'liquidjs'

/** The variables a template may use, by their path. `metadata.<key>` is open: its keys come with the events. */
export type Variables = ReadonlySet<string>

export interface Template {
  /** The filled-in text; undefined where one of its variables is empty, so that no half-made text is shown. */
  render(context: Record<string, unknown>): string | undefined
}

// `templates: {}` takes away the file system: by default a template can read files beside the program.
const limits = { parseLimit: 100_000, renderLimit: 100, memoryLimit: 1_000_000 }
const urls = new Liquid({
  ...limits,
  templates: {},
  strictFilters: true,
  ownPropertyOnly: true,
  outputEscape: (value: unknown) => encodeURIComponent(String(value ?? '').toWellFormed())
})

/** Compiles a URL template: every value is percent-encoded. An error says where, in characters from its start. */
export function compileUrl(text: string, variables: Variables): Template | { error: string; offset: number } {
  try {
    const parsed = urls.parse(text)
    const used = urls.globalVariableSegmentsSync(parsed).map((segments) => segments.map(String))
    const unknown = used.find(([root, ...rest]) => !variables.has([root, ...rest].join('.')) && !isMetadata(root, rest))
    if (unknown !== undefined) {
      const name = unknown.join('.')
      return {
        error: `unknown variable "${name}"; there are ${[...variables].join(', ')} and metadata.<key>`,
        offset: Math.max(0, text.indexOf(name))
      }
    }
    return {
      render: (context) =>
        used.every((path) => valueAt(context, path) !== '') ? urls.renderSync(parsed, context) : undefined
    }
  } catch (error) {
    const { message, token } = error as Error & { token?: { begin?: number } }
    return { error: message.replace(/, line:\d+, col:\d+$/, ''), offset: token?.begin ?? 0 }
  }
}

function isMetadata(root: string | undefined, rest: string[]): boolean {
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
