// YAML file: parses a text into its value and the place of everything in it, or into what keeps it from being read.
import { LineCounter, parseDocument } from 'yaml'
import { createMask, type Mask } from './mask.ts'
import { inOrder, type Problem, problemAt, type Source } from './problem.ts'
import { soundSections } from './salvage.ts'
import type { Vocabulary } from './vocabulary.ts'
import { aliasFaults, type WritingFault, writingFaults } from './yaml-words.ts'

// A thousand rules may share one `match: *common`; anchors inside of anchors multiply, and reach it with a few lines.
const maxAliasCount = 10_000

/** A file that cannot be read as a whole: why not, and the sections that can be. */
export interface Refused {
  problems: Problem[]
  /** `lost`: names of sections with a mistake in them, or behind one. Undefined where nothing is legible. */
  rest: { source: Source; value: Record<string, unknown>; lost: string[] } | undefined
}

/**
 * `file` is only for the problems' places. `vocabulary` says what of the file they may quote; `fill` fills in the references
 * to secrets in a text.
 */
export function readYaml(
  text: string,
  file: string,
  vocabulary: Vocabulary,
  fill: (text: string) => string = (text) => text
): { source: Source; value: unknown } | Refused {
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    uniqueKeys: true,
    stringKeys: true,
    logLevel: 'error'
  })
  // Only where there is something to say.
  let mask: Mask | undefined
  const masked = () => (mask ??= createMask({ text, document, vocabulary, fill }))
  const source: Source = {
    file,
    get text() {
      return masked().text
    },
    say: (message, start) => masked().message(message, start),
    document,
    lines
  }
  const refused = (faults: WritingFault[]): Refused => {
    const sound = soundSections(
      document,
      faults.map(({ start }) => start),
      maxAliasCount
    )
    return {
      problems: inOrder(faults.map(({ start, message }) => problemAt(source, start, message))),
      rest: sound && { source, ...sound }
    }
  }
  const faults = writingFaults(text, document, lines)
  if (faults.length > 0) return refused(faults)
  try {
    return { source, value: document.toJS({ maxAliasCount }) }
  } catch (error) {
    const { message } = error as Error
    const { problems, rest } = refused(aliasFaults(document, message))
    // Where aliases multiply, so does what would be said of them.
    return { problems, rest: message.startsWith('Unresolved alias') ? rest : undefined }
  }
}
