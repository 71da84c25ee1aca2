// Schema writer: generates config.schema.json for editors and the lists in docs/configuration.md. Run `npm run schema` after
// each change of an option; a test fails if that was forgotten.
import { readFileSync, writeFileSync } from 'node:fs'
import { stringify } from 'yaml'
import { ConfigSchema } from '../src/config/schema.ts'

/** The subset of JSON Schema that the config file uses. */
export interface Schema {
  type?: string | string[]
  title?: string
  description?: string
  examples?: readonly unknown[]
  enum?: readonly unknown[]
  const?: unknown
  anyOf?: readonly Schema[]
  properties?: Readonly<Record<string, Schema>>
  required?: readonly string[]
  items?: Schema
  additionalProperties?: boolean | Schema
  patternProperties?: Readonly<Record<string, Schema>>
}

export const schemaFile = new URL('../config.schema.json', import.meta.url)
export const pageFile = new URL('../docs/configuration.md', import.meta.url)
export const configSchema: Schema = JSON.parse(JSON.stringify(ConfigSchema))

/** The text of config.schema.json. */
export function schemaText(): string {
  const schema = { $schema: 'http://json-schema.org/draft-07/schema#', ...configSchema }
  // Editors show `description` verbatim; they render only `markdownDescription` as Markdown.
  const withMarkdown = (_: string, value: unknown) =>
    isSchema(value) && value.description?.includes('`') ? { ...value, markdownDescription: value.description } : value
  return `${JSON.stringify(schema, withMarkdown, 2)}\n`
}

/** The text of docs/configuration.md: `page` with its lists regenerated. */
export function pageText(page: string): string {
  return page.replace(
    /(<!-- options of (\S+) -->\n).*?(<!-- end -->)/gs,
    (_, start: string, key: string, end: string) => {
      const schema = configSchema.properties?.[key]
      if (schema === undefined) throw new Error(`docs/configuration.md has a list of "${key}", which is no option`)
      return `${start}\n${listOf(schema, '').join('\n')}\n\n${end}`
    }
  )
}

/** The schema within `schema` that has named options: its own, that of a list's items, or that of a map's entries. */
function mapIn(schema: Schema): Schema | undefined {
  if (schema.properties !== undefined) return schema
  const { items, additionalProperties, anyOf = [] } = schema
  const inner = [items, additionalProperties, ...anyOf].filter((each): each is Schema => typeof each === 'object')
  return inner.map(mapIn).find((each) => each !== undefined)
}

function listOf(schema: Schema, indent: string): string[] {
  const { properties = {}, required = [] } = mapIn(schema) ?? {}
  return Object.entries(properties).flatMap(([key, option]) => {
    const must = required.includes(key) ? ', required' : ''
    // The matchers of `not` and of a link are documented with a rule's.
    const isDocumented = key === 'not' || (key === 'match' && !('notify' in properties))
    return [
      `${indent}- **\`${key}\`** (${typeOf(option)}${must}): ${option.description}${exampleOf(option)}`,
      ...(isDocumented ? [] : listOf(option, `${indent}  `))
    ]
  })
}

const typeNames: Record<string, string> = {
  string: 'text',
  array: 'list',
  object: 'map',
  integer: 'whole number',
  number: 'number',
  boolean: 'true or false'
}

function typeOf({ type, enum: values, const: value, anyOf, items }: Schema): string {
  if (value !== undefined) return String(value)
  if (values !== undefined) return values.map((each) => `\`${each}\``).join(', ')
  if (anyOf !== undefined) return anyOf.map((each) => typeOf(each)).join(', or ')
  if (type === 'array' && items?.enum !== undefined) return `list of ${typeOf(items)}`
  if (type === 'array' && items?.type === 'string') return 'list of texts'
  return [type ?? 'object']
    .flat()
    .map((name) => typeNames[name] ?? name)
    .join(' or ')
}

function exampleOf({ examples = [], properties }: Schema): string {
  if (properties !== undefined) return ''
  const shown = examples.map(
    (example) =>
      `\`${stringify(example, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trim()}\``
  )
  return shown.length === 0 ? '' : ` Such as ${shown.join(' or ')}.`
}

function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && typeof (value as Schema).description === 'string'
}

if (import.meta.main) {
  writeFileSync(schemaFile, schemaText())
  writeFileSync(pageFile, pageText(readFileSync(pageFile, 'utf8')))
}
