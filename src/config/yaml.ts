// A YAML file: from its text to its value and the place of everything in it, or to what keeps it from being read.
import { LineCounter, parseDocument } from 'yaml'
import { type Problem, problemAt, type Source } from './problem.ts'

/** `file` is only for the problems' places. */
export function readYaml(text: string, file: string): { source: Source; value: unknown } | { problems: Problem[] } {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true, logLevel: 'error' })
  const source = { file, text, document, lines }
  if (document.errors.length > 0) {
    return { problems: document.errors.map(({ message, pos }) => problemAt(source, pos[0], message)) }
  }
  try {
    // An alias may repeat what it names, a hundred times in all.
    return { source, value: document.toJS({ maxAliasCount: 100 }) }
  } catch (error) {
    return { problems: [problemAt(source, 0, (error as Error).message)] }
  }
}
