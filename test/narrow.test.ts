// Narrowed schemas: the part of the schema that a config file needs finds the same faults of shape as all of it.
import fc from 'fast-check'
import t from 'tap'
import { narrow } from '../src/config/narrow.ts'
import { ConfigSchema } from '../src/config/schema.ts'
import { compileShape, shapeFaults, vocabulary } from '../src/config/shape.ts'
import type { Schema } from '../src/json-schema.ts'

const faultsByAll = compileShape(ConfigSchema, vocabulary)
const inOrder = (faults: ReturnType<typeof shapeFaults>) => faults.map((fault) => JSON.stringify(fault)).sort()

const other = fc.constantFrom<unknown>(null, true, 1.5, '', '#a', [], ['x'], {}, { name: 'x' }, [{ send: 3 }])
// Every JavaScript object has the first two.
const names = fc.constantFrom('toString', 'constructor', 'prod', 'sned')

const misspelt = (value: object) => names.map((name) => ({ ...value, [name]: 1 }))

t.test('a file with a misshapen part has the same faults by either schema', async (t) => {
  let faulty = 0
  fc.assert(
    fc.property(like(ConfigSchema), (file) => {
      const faults = inOrder(faultsByAll(file))
      t.strictSame(inOrder(shapeFaults(file)), faults)
      faulty += Math.min(faults.length, 1)
    }),
    { numRuns: 100, seed: 2 }
  )
  t.ok(faulty > 20 && faulty < 100, `${faulty} have faults`)
})

t.test('the parts of the schema that a file does not need are left out', async (t) => {
  const size = (schema: Schema) => JSON.stringify(schema).length
  const file = { destinations: { team: { preview: true } }, rules: [{ name: 'all', send: 'team' }] }
  t.ok(size(narrow(ConfigSchema, [file])) < size(ConfigSchema) / 5)
})

/** Mostly what `schema` asks for, with few of its keys. */
function like(schema: Schema): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 30, arbitrary: exactly(schema) }, { weight: 1, arbitrary: other })
}

function exactly(schema: Schema): fc.Arbitrary<unknown> {
  const {
    properties,
    required = [],
    additionalProperties,
    patternProperties,
    items,
    anyOf
  } = schema as {
    properties?: Record<string, Schema>
    required?: string[]
    additionalProperties?: Schema | boolean
    patternProperties?: Record<string, Schema>
    items?: Schema
    anyOf?: Schema[]
  }
  if (anyOf) return fc.oneof(...anyOf.map(like))
  if (items) return fc.array(like(items), { maxLength: 3 })
  const any = patternProperties?.['^.*$'] ?? additionalProperties
  if (typeof any === 'object') return fc.dictionary(names, like(any), { maxKeys: 3 })
  if (!properties) return leaf(schema)
  const keys = Object.keys(properties)
  return fc
    .subarray(keys, { maxLength: Math.min(3, keys.length) })
    .chain((some) => {
      const used = [...new Set([...required, ...some])]
      return fc.record(Object.fromEntries(used.map((key) => [key, like(properties[key] ?? {})])))
    })
    .chain((value) =>
      fc.oneof({ weight: 20, arbitrary: fc.constant(value) }, { weight: 1, arbitrary: misspelt(value) })
    )
}

function leaf({ type, enum: values, const: only, examples }: Schema): fc.Arbitrary<unknown> {
  if (Array.isArray(values)) return fc.constantFrom(...values)
  if (only !== undefined) return fc.constant(only)
  if (Array.isArray(examples)) return fc.constantFrom(...examples)
  if (type === 'boolean') return fc.boolean()
  return type === 'integer' || type === 'number'
    ? fc.integer({ min: 1, max: 9 })
    : fc.constantFrom('5m', 'team', 'https://a.b/c')
}
