// Config schema: accepts what the loader accepts, and so do editors' completion and the page generated from it.
import { readFileSync } from 'node:fs'
import { Ajv } from 'ajv'
import t from 'tap'
import { configSchema, pageFile, pageText, type Schema, schemaFile, schemaText } from '../tools/schema.ts'

const page = readFileSync(pageFile, 'utf8')
const stale = '`npm run schema` writes it anew'

t.test("config.schema.json is the loader's", async (t) => {
  t.ok(readFileSync(schemaFile, 'utf8') === schemaText(), stale)
})

t.test("the lists in docs/configuration.md are the loader's", async (t) => {
  t.ok(page === pageText(page), stale)
})

/** Every schema within `schema` that belongs to a key of the file, by its path. */
function optionsIn(
  { properties = {}, items, additionalProperties, anyOf = [] }: Schema,
  path: string
): [string, Schema][] {
  const named = Object.entries(properties).map(([key, schema]): [string, Schema] => [`${path}.${key}`, schema])
  const entry = typeof additionalProperties === 'object' ? [additionalProperties] : []
  const inner = [...entry, ...(items === undefined ? [] : [items])].map((schema): [string, Schema] => [
    `${path}.*`,
    schema
  ])
  return [
    ...named,
    ...inner.filter(([, { type, anyOf }]) => type === 'object' || anyOf !== undefined),
    ...[...named, ...inner].flatMap(([at, schema]) => optionsIn(schema, at)),
    ...anyOf.flatMap((schema) => optionsIn(schema, path))
  ]
}

const options = optionsIn(configSchema, '')

t.test('every option has a title, a description in sentences, and examples that it accepts', async (t) => {
  t.ok(options.length > 60, `${options.length} options`)
  const ajv = new Ajv({ allowUnionTypes: true, strict: false })
  for (const [path, { title, description, examples, ...schema }] of options) {
    // Slack documents its blocks itself.
    if (path.includes('.blocks.')) continue
    t.match(title, /^[A-Z]/, `${path}: its title`)
    t.match(description, /^[A-Z`].*[.`]$/s, `${path}: its description`)
    t.ok(examples && examples.length > 0, `${path}: its examples`)
    const matches = ajv.compile(schema)
    for (const example of examples ?? []) t.ok(matches(example), `${path}: ${JSON.stringify(example)}`)
  }
})

t.test('every option is on the page', async (t) => {
  for (const [key, schema] of Object.entries(configSchema.properties ?? {})) {
    const hasOptions = optionsIn(schema, '').length > 0
    t.ok(page.includes(hasOptions ? `<!-- options of ${key} -->` : `\`${key}\``), key)
  }
  for (const [path] of options) {
    const key = path.split('.').at(-1)
    if (key !== '*') t.ok(page.includes(`\`${key}\``), path)
  }
})
