// Text: compiles one text of a message template when the config loads, and fills it in when an event arrives.
import { type FilteredValueToken, Liquid, type Template, toValueSync, type Value } from 'liquidjs'
import { installFilters, mentionOf, textOf } from './filters.ts'
import {
  engineOptions,
  faultOf,
  isMetadata,
  limited,
  type TemplateFault,
  unknownVariable,
  variablesOf
} from './liquid.ts'
import { type Piece, Said } from './pieces.ts'

export interface TextTemplate {
  /** Throws if a limit is reached, or a value cannot be printed. */
  render(variables: object): Piece[]
}

const objectFields = ['cluster', 'kind', 'namespace', 'name', 'path']
const revisionFields = ['text', 'pointer', 'sha', 'short']
const fields: Record<string, readonly string[]> = {
  event: [
    'message',
    'summary',
    'gist',
    'decisive',
    'log',
    'reason',
    'severity',
    'source',
    'controller',
    'action',
    'at',
    'metadata'
  ],
  object: objectFields,
  related: ['kind', 'namespace', 'name'],
  revision: [...revisionFields, 'subject'],
  previous: revisionFields,
  failure: [
    'since',
    'count',
    'severity',
    'reason',
    'text',
    'began',
    'before',
    'ending',
    'isFixed',
    'news',
    'nextReminder'
  ],
  links: ['commit', 'compare', 'dashboard', 'pages'],
  shown: [],
  transition: [],
  rule: [],
  destination: []
}

const engine = new Liquid({
  ...engineOptions,
  // Liquid hands on whatever this returns, although its types know only strings.
  outputEscape: (value: unknown) => (value instanceof Said ? value : new Said(textOf(value))) as unknown as string
})
installFilters(engine)

// The memory limit counts what filters make, not what a loop prints. Values are counted before they are cut.
const maxOutput = 500_000
const maxPieces = 1000

/** Compiles one text of a template. */
export function compileText(text: string): TextTemplate | TemplateFault {
  try {
    const parsed = engine.parse(text)
    const fault = unknownIn(parsed, text) ?? mentionFault(parsed) ?? openTag(text)
    return fault ?? { render: (variables) => render(parsed, variables) }
  } catch (error) {
    return faultOf(error, engine)
  }
}

function render(parsed: Template[], variables: object): Piece[] {
  const pieces: Piece[] = []
  let size = 0
  // Strings come from the template; each value that it prints has become a Said.
  const write = (piece: Piece) => {
    size += String(piece).length
    if (size > maxOutput || pieces.length === maxPieces) throw new Error('too much output')
    pieces.push(piece)
  }
  toValueSync(engine.renderer.renderTemplates(parsed, limited(engine, variables), { buffer: '', write }))
  return pieces
}

function unknownIn(parsed: Template[], text: string): TemplateFault | undefined {
  const unknown = variablesOf(engine, parsed).find((path) => !isKnown(path))
  if (unknown === undefined) return undefined
  const [root = ''] = unknown
  const siblings = Object.hasOwn(fields, root) ? (fields[root] ?? []) : []
  const known = siblings.length > 0 ? siblings.map((field) => `${root}.${field}`) : Object.keys(fields)
  return unknownVariable(unknown.join('.'), text, known)
}

function isKnown(path: readonly string[]): boolean {
  const [root = '', field, ...rest] = path
  // A whole group may be used in conditions, and in loops over the metadata.
  if (root === 'metadata') return field === undefined || isMetadata(path)
  if (!Object.hasOwn(fields, root)) return false
  if (field === undefined) return true
  if (root === 'event' && field === 'metadata') return rest.length <= 1
  if (root === 'failure' && field === 'began') return rest.length === 1 && /^(reason|text)$/.test(rest[0] ?? '')
  return rest.length === 0 && fields[root]?.includes(field) === true
}

/** Checks that the template itself names in quotes who may be pinged: an event may choose among them, but name nobody itself. */
function mentionFault(parsed: Template[]): TemplateFault | undefined {
  for (const { filters, initial } of valuesIn(parsed)) {
    const at = filters.findIndex(({ name }) => name === 'mention')
    if (at < 0) continue
    const [token, ...rest] = initial.postfix
    const name = token !== undefined && 'content' in token ? String(token.content) : ''
    const isQuoted = at === 0 && rest.length === 0 && name !== ''
    if (isQuoted && mentionOf(name) !== undefined) continue
    const error = isQuoted
      ? `"${name}" cannot be mentioned; write the id of a person (U…) or of a group (S…), here, or channel`
      : 'who is mentioned must be written out in quotes: {{ "S012AB3CD" | mention }}'
    return { error, offset: token?.begin ?? 0 }
  }
  return undefined
}

function* valuesIn(templates: Iterable<Template>): Generator<Pick<Value | FilteredValueToken, 'filters' | 'initial'>> {
  for (const template of templates) {
    for (const argument of template.arguments?.() ?? []) if ('filters' in argument) yield argument
    const children = template.children?.(false, true)
    if (children !== undefined) yield* valuesIn(toValueSync(children) as Iterable<Template>)
  }
}

/** Finds a value inside a tag: `<https://git.example/{{ … }}|x>` would be shown as it stands. */
function openTag(text: string): TemplateFault | undefined {
  const found = /<(https?:|[@!#])[^<>]*\{[{%]/.exec(text)
  if (found === null) return undefined
  const error = 'a value is not allowed inside <…>; make a link with {{ url | link: "label" }}'
  return { error, offset: found.index }
}
