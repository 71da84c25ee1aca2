// CEL errors: put what the library says about an expression into words for its author: what is wrong, what exists, what to write.
import { didYouMean } from '../spelling.ts'

/** The names that an expression may use. */
export interface Vocabulary {
  /** Each variable with its fields; none if its fields are open or it has no fields. */
  variables: Readonly<Record<string, readonly string[]>>
  functions: readonly string[]
  /** Functions that follow a text, as in `event.message.matches("…")`, and stand nowhere else. */
  ofTexts: readonly string[]
}

/** Puts `said` into words: the library's summary of a fault at `offset` of `source`. */
export function inWords(said: string, source: string, offset: number, vocabulary: Vocabulary): string {
  for (const [pattern, words] of sayings) {
    const found = pattern.exec(said)
    if (found !== null) return words(found.slice(1), source, offset, vocabulary)
  }
  return said
}

/** Returns `object has no field "nme"; it has cluster, kind, namespace, name; did you mean "name"?` */
export function unknownField(variable: string, field: string, { variables }: Vocabulary): string {
  const fields = variables[variable] ?? []
  const owner = Object.keys(variables).find((name) => variables[name]?.includes(field))
  const guess = owner === undefined ? didYouMean(field, fields) : `; did you mean "${owner}.${field}"?`
  return `${variable} has no field "${field}"; it has ${fields.join(', ')}${guess}`
}

type Words = (found: string[], source: string, offset: number, vocabulary: Vocabulary) => string

const sayings: readonly (readonly [said: RegExp, words: Words])[] = [
  [
    /^No such key: (.+)$/,
    ([field = ''], source, offset, vocabulary) => unknownField(ownerAt(source, offset), field, vocabulary)
  ],
  [
    /^Unknown variable: (.+)$/,
    ([name = ''], source, offset, vocabulary) => unknownVariable(name, source, offset, vocabulary)
  ],
  [/^found no matching overload for '(?:(.+)\.)?(\w+)\((.*)\)'$/, noOverload],
  [
    /^no such overload: (\S+) (\S+) (\S+)$/,
    ([left = '', operator, right = '']) => `"${operator}" does not go between ${type(left)} and ${type(right)}`
  ],
  [
    /^no such overload: ([!-])(\S+)$/,
    ([operator, operand = '']) => `"${operator}" does not go before ${type(operand)}`
  ],
  [
    /^Logical operator requires bool operands, got '(.+)'$/,
    ([operand = '']) => `&& and || go between conditions, and one here is ${type(operand)}`
  ],
  [
    /^Ternary condition must be bool, got '(.+)'$/,
    ([operand = '']) => `before "?" goes a condition, and this is ${type(operand)}`
  ],
  [
    /must have the same type, (?:expected type|got) '(.+)' (?:but found|and) '(.+)'$/,
    ([one = '', other = '']) => `both must have one type, but are ${type(one)} and ${type(other)}`
  ],
  [/^Cannot index type '(.+)'$/, ([operand = '']) => `${type(operand)} has no fields`],
  [/^has\(\) invalid argument$/, () => 'has() takes a field: has(metadata.team)'],
  [
    /^Unexpected token: EOF$/,
    (_, source) => (source.trim() === '' ? 'the expression is empty' : 'the expression ends too early')
  ],
  [/^Unterminated string$/, () => 'a text in quotes is never closed'],
  [/^Expected (\w+), got (\w+)$/, ([wanted = '', got = '']) => `a ${token(wanted)} is missing before ${token(got)}`],
  [/^Unexpected (?:character|token): /, (_, source, offset) => unexpected(source, offset)]
]

const named: Record<string, string> = {
  string: 'a text',
  bool: 'a condition',
  int: 'a number',
  double: 'a number',
  uint: 'a number',
  'list<string>': 'a list of texts',
  'map<string, string>': 'a map of texts'
}

/** Returns a CEL type in words. */
export function type(cel: string): string {
  return named[cel] ?? cel.replace('$', '')
}

const tokens: Record<string, string> = {
  RPAREN: ')',
  RBRACKET: ']',
  RBRACE: '}',
  COMMA: ',',
  COLON: ':',
  EOF: 'the end'
}

function token(name: string): string {
  return tokens[name] ?? name.toLowerCase()
}

/**
 * Returns the variable whose field is at fault: for `object.nme` the offset is that of the field, for `object["nme"]` that of the
 * whole.
 */
function ownerAt(source: string, offset: number): string {
  return /(\w+)\s*\.\s*$/.exec(source.slice(0, offset))?.[1] ?? /^\w+/.exec(source.slice(offset))?.[0] ?? ''
}

function unknownVariable(name: string, source: string, offset: number, { variables }: Vocabulary): string {
  const known = Object.keys(variables)
  const owner = known.find((variable) => variables[variable]?.includes(name))
  const isCompared = /(?:[=!]=|\[|,)\s*$/.test(source.slice(0, offset)) && !source.startsWith('.', offset + name.length)
  if (isCompared) return `there is no variable "${name}"; a text needs quotes: "${name}"`
  const guess = owner === undefined ? didYouMean(name, known) : `; did you mean "${owner}.${name}"?`
  return `there is no variable "${name}"; there are ${known.join(', ')}${guess}`
}

function noOverload(
  [receiver, name = '', operands = '']: string[],
  _: string,
  __: number,
  { functions, ofTexts }: Vocabulary
): string {
  if (receiver === undefined && ofTexts.includes(name)) {
    return `${name}() stands behind the text that it is about: event.message.${name}(…)`
  }
  if (!functions.includes(name)) return `there is no function "${name}"${didYouMean(name, functions)}`
  const of = receiver === undefined ? '' : ` of ${type(receiver)}`
  if (operands === '') return `${name}()${of} needs something between its parentheses`
  return `${name}()${of} does not take ${operands.split(', ').map(type).join(' and ')}`
}

const inOtherLanguages: Record<string, string> = { and: '&&', or: '||', not: '!' }

function unexpected(source: string, offset: number): string {
  if (source.startsWith('=~', offset - 1) || source.startsWith('=~', offset))
    return 'there is no "=~"; write event.message.matches("…")'
  if (source[offset] === '=') {
    return source[offset - 1] === '=' ? 'there is no "==="; write "=="' : 'to compare, write "=="'
  }
  if (/[“”‘’„]/.test(source[offset] ?? '')) return `${source[offset]} is not a quotation mark here; write " or '`
  // The library reports such a word at the word behind it, or in the middle of it.
  const nearby = [...source.matchAll(/\w+/g)].filter(({ index }) => index <= offset).slice(-2)
  const [word] = nearby.map(([each]) => each).filter((each) => Object.hasOwn(inOtherLanguages, each.toLowerCase()))
  if (word !== undefined) return `there is no "${word}"; write ${inOtherLanguages[word.toLowerCase()]}`
  return `"${source.slice(offset).match(/^\w+|^./)?.[0] ?? ''}" is not allowed here`
}
