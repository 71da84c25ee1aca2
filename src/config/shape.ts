// Shape: finds every value in a config file that has the wrong shape, and describes it in words.
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import type { Fault } from '../errors.ts'
import type { Schema } from '../json-schema.ts'
import { didYouMean, meantBy } from '../spelling.ts'
import { whereBelongs } from './belongs.ts'
import { adviceOn } from './foreign.ts'
import { narrow } from './narrow.ts'
import { ConfigSchema } from './schema.ts'
import { longestHarmless, plainKeys, type Vocabulary, vocabularyOf } from './vocabulary.ts'

/** A fault of shape. `isAboutKey` is true if the key is at fault, not its value. `meant` is what an unknown key should be. */
export interface ShapeFault extends Pick<Fault, 'message' | 'missing'> {
  path: (string | number)[]
  isAboutKey: boolean
  meant?: readonly string[]
}

const ajv = new Ajv({
  allErrors: true,
  verbose: true,
  allowUnionTypes: true,
  // The tests check the schemas, and each one is used a few times only: checking and optimising would cost a tenth of a second at a start.
  meta: false,
  validateSchema: false,
  code: { optimize: false }
})
  // Editors show this where a text has the wrong form.
  .addKeyword('patternErrorMessage')

/** The vocabulary of a config file. In these sections any text may be a secret, at its place or not. */
export const vocabulary = vocabularyOf(
  ConfigSchema,
  ['sources', 'destinations', 'slackApps'],
  ['hmacKeys', 'tokens', 'slack', 'webhookUrl', 'token', 'appToken']
)

/**
 * Compiles a check that describes everything in a value that is not of the shape of `schema`. With a `vocabulary`, it quotes only what
 * that allows. `whole` is the schema in which it looks up where misplaced keys belong.
 */
export function compileShape(
  schema: Schema,
  vocabulary?: Vocabulary,
  whole: Schema = schema
): (value: unknown) => ShapeFault[] {
  let validate: ValidateFunction | undefined
  return (value) => {
    validate ??= compileOnce(schema)
    if (validate(value)) return []
    const faults = withoutEchoes(validate.errors ?? []).map((error) => inWords(error, vocabulary, whole))
    return withoutMeant(faults, faults)
  }
}

/** `faults` without missing keys that the file has in another spelling, which `shape` reports. */
export function withoutMeant<F extends Pick<Fault, 'missing'>>(faults: F[], shape: readonly ShapeFault[]): F[] {
  const said = new Set(
    shape.flatMap(({ path, meant = [] }) => meant.map((key) => comparable([...path.slice(0, -1), key])))
  )
  if (said.size === 0) return faults
  return faults.filter(({ missing }) => missing === undefined || !said.has(comparable(missing)))
}

/** Ajv's paths have texts for the places in a list, the others numbers. */
function comparable(path: readonly (string | number)[]): string {
  return JSON.stringify(path.map(String))
}

/** Compiles a schema for one use: ajv would keep it for ever, and a file has other keys every now and then. */
function compileOnce(schema: Schema): ValidateFunction {
  const validate = ajv.compile(schema)
  ajv.removeSchema(schema)
  return validate
}

let last = { schema: '', faults: compileShape({}) }

/** Finds everything in `value` that is not of the shape of a config file. Compiles only the schema of the keys that it has. */
export function shapeFaults(value: unknown): ShapeFault[] {
  const narrowed = narrow(ConfigSchema, [value])
  const schema = JSON.stringify(narrowed)
  if (last.schema !== schema) last = { schema, faults: compileShape(narrowed, vocabulary, ConfigSchema) }
  return last.faults(value)
}

/**
 * Drops errors that say nothing to a person. If a value may have one of several shapes, ajv reports its faults by each of them. Those
 * by a shape of another type go, and so does the summary if anything else is left.
 */
function withoutEchoes(errors: ErrorObject[]): ErrorObject[] {
  const unions = errors.filter(({ keyword }) => keyword === 'anyOf')
  const isInside = (error: ErrorObject, union: ErrorObject) =>
    error !== union &&
    error.schemaPath.startsWith(`${union.schemaPath}/`) &&
    error.instancePath.startsWith(union.instancePath)
  const isEcho = (error: ErrorObject) => {
    const union = unions.find((candidate) => isInside(error, candidate))
    if (union === undefined || error.instancePath !== union.instancePath) return false
    // To a list, "not one of these words" says nothing.
    return error.keyword === 'type' || (error.keyword === 'enum' && typeof error.data === 'object')
  }
  const specific = errors.filter((error) => !isEcho(error))
  // If only one value is allowed, a fault of its type says nothing more.
  const only = new Set(errors.flatMap(({ keyword, instancePath }) => (keyword === 'const' ? [instancePath] : [])))
  const isEmptySummary = (error: ErrorObject) =>
    error.keyword === 'anyOf' && specific.some((other) => isInside(other, error))
  return specific.filter(
    (error) =>
      !isEmptySummary(error) &&
      !['propertyNames', 'if'].includes(error.keyword) &&
      !(error.keyword === 'type' && only.has(error.instancePath))
  )
}

function inWords(error: ErrorObject, vocabulary: Vocabulary | undefined, whole: Schema): ShapeFault {
  const { instancePath, keyword, params, message = 'is not valid' } = error
  const path = pathOf(instancePath)
  const parent = error.parentSchema as { properties?: object; enum?: unknown[] } | undefined
  const at = (text: string, isAboutKey = false) => ({ path, message: text, isAboutKey })
  const closed = vocabulary?.isOpen(path[0]) === false ? vocabulary : undefined
  const shown = (value: unknown) => show(value, closed, isPlainAt(path))
  switch (keyword) {
    case 'additionalProperties': {
      const key = String(params['additionalProperty'])
      const known = Object.keys(parent?.properties ?? {})
      const [advice, ...others] = (whole === ConfigSchema && adviceOn(key, path)) || []
      const best = meantBy(key, known)
      const near = best === undefined ? [] : [best]
      const nearby = whereBelongs(key, path, whole, true)
      const guess =
        advice === undefined ? nearby || didYouMean(key, near) || whereBelongs(key, path, whole) : `; ${advice}`
      return {
        path: [...path, key],
        message: `unknown key ${mayShow(key, closed, true) ? `"${key}"` : '"…"'}${guess}`,
        isAboutKey: true,
        meant: advice !== undefined ? others : nearby === '' ? near : []
      }
    }
    case 'required': {
      const key = String(params['missingProperty'])
      return { ...at(`"${key}" is missing`, true), missing: [...path, key] }
    }
    case 'enum': {
      const allowed = (params['allowedValues'] as unknown[]).map(String)
      return at(`${shown(error.data)} is not one of ${allowed.join(', ')}${didYouMean(String(error.data), allowed)}`)
    }
    case 'anyOf':
      return at(`${shown(error.data)} is not allowed here: ${unionInWords(error)}`)
    case 'type':
      // A duration without its unit.
      if (typeof error.data === 'number' && String(error.parentSchema?.['pattern']).includes('[smhd]'))
        return at(patternInWords(error, shown))
      return at(
        `must be ${articles([params['type']].flat() as string[])}, but is ${shown(error.data)}${instead(error)}`
      )
    case 'pattern':
      if (error.propertyName !== undefined) {
        return {
          path: [...path, error.propertyName],
          message: 'a name is letters, digits, ".", "_" and "-", at most 63',
          isAboutKey: true
        }
      }
      return at(patternInWords(error, shown))
    case 'const':
      return at(`must be ${String(params['allowedValue'])} or left out, but is ${shown(error.data)}`)
    case 'uniqueItems': {
      const second = Number(params['i'])
      return { ...at(`${shown((error.data as unknown[])[second])} is already listed`), path: [...path, second] }
    }
    case 'minItems':
    case 'minLength':
    case 'minProperties':
      return at('must not be empty')
    default:
      return at(message)
  }
}

// More keys than that are a page of the documentation.
const maxKeysNamed = 6

/** Advice on what to write for a lone text, number or truth value that should be of another type. */
function instead({ data, instancePath, params, parentSchema }: ErrorObject): string {
  const types = [params['type']].flat() as string[]
  if (data === null) return instancePath === '' ? '; it has `destinations` and `rules` at least' : ''
  if (Array.isArray(data)) {
    const isNamed = types.includes('object') && typeof parentSchema?.['additionalProperties'] === 'object'
    return isNamed ? '; write each under its name, without a dash: `name: { … }`' : ''
  }
  if (typeof data === 'object') {
    const isOfMaps = types.includes('array') && (parentSchema?.['items'] as { type?: unknown })?.type === 'object'
    return isOfMaps ? '; begin each entry with a dash: `- name: …`' : ''
  }
  if (types.includes('string')) return '; put it in quotes'
  const { type, enum: words } = (parentSchema?.['items'] ?? {}) as { type?: unknown; enum?: unknown }
  if (types.includes('array')) return type === 'string' || words !== undefined ? '; put it in [ ]' : ''
  const keys = Object.keys((parentSchema?.['properties'] as object | undefined) ?? {})
  return types.includes('object') && keys.length > 0 && keys.length <= maxKeysNamed
    ? `; its keys are ${keys.join(', ')}`
    : ''
}

function patternInWords({ data, schema, parentSchema }: ErrorObject, shown: (value: unknown) => string): string {
  const { patternErrorMessage, description } = (parentSchema ?? {}) as Record<string, string | undefined>
  const form = patternErrorMessage ?? description
  return `${shown(data)} has the wrong form: ${form ?? `it must match ${String(schema)}`}`
}

function unionInWords({ schema }: ErrorObject): string {
  const branches = schema as { type?: string; enum?: unknown[] }[]
  return branches.map(({ type, enum: values }) => (values ? values.join(', ') : article(type ?? 'value'))).join(' or ')
}

const words: Record<string, string> = {
  array: 'a list',
  object: 'a map of keys',
  string: 'a text',
  null: 'empty',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false'
}

function article(type: string): string {
  return words[type] ?? type
}

function articles(types: string[]): string {
  return types.map(article).join(' or ')
}

/** The words for a value. If `closed` is given, only what it allows is quoted. */
function show(value: unknown, closed: Vocabulary | undefined, isPlain: boolean): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a map of keys'
  const text = String(value)
  const isShown = mayShow(text, closed, isPlain)
  if (typeof value !== 'string') return isShown ? text : 'a number'
  return isShown ? `"${text.slice(0, 60)}"` : describe(text)
}

/** Reports whether a text may be quoted. `isPlain` is true if no secret belongs there. */
function mayShow(text: string, closed: Vocabulary | undefined, isPlain: boolean): boolean {
  if (closed === undefined || text.length <= longestHarmless) return true
  return isPlain ? closed.isNearWord(text) : closed.isWord(text)
}

function isPlainAt(path: readonly (string | number)[]): boolean {
  return plainKeys.has(String(path.findLast((key) => typeof key === 'string')))
}

/** The words for a text that may not be quoted. */
function describe(text: string): string {
  const { hostname = '' } = URL.parse(text) ?? {}
  return hostname === '' ? 'a text' : `a URL of ${hostname}`
}

function pathOf(pointer: string): string[] {
  const segments = pointer.split('/').slice(1)
  return segments.map((segment) => segment.replaceAll('~1', '/').replaceAll('~0', '~'))
}
