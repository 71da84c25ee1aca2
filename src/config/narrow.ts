// Narrow: leaves out of a schema what it says of keys that a file does not have. Compiling everything that may stand in a config file
// takes a tenth of a start, and no file has most of it.
import type { Schema } from '../json-schema.ts'

/** The keywords that contain schemas, except `if` and `not`, which are small. */
interface Parts {
  properties?: Record<string, Schema>
  patternProperties?: Record<string, Schema>
  additionalProperties?: Schema | boolean
  items?: Schema
  anyOf?: Schema[]
}

/** A smaller schema by which `values` have the same faults. All its keys stay: a misspelt one may be near to one that nothing has. */
export function narrow(schema: Schema, values: readonly unknown[]): Schema {
  if (values.length === 0) return {}
  const { properties = {}, patternProperties, additionalProperties, items, anyOf } = schema as Parts
  const maps = values.filter(isMap)
  const under = (key: string) => maps.flatMap((map) => (Object.hasOwn(map, key) ? [map[key]] : []))
  const narrowAll = (schemas: Record<string, Schema>, valuesOf: (key: string) => unknown[]) =>
    Object.fromEntries(Object.entries(schemas).map(([key, inner]) => [key, narrow(inner, valuesOf(key))]))
  const elsewhere = () =>
    maps.flatMap((map) => Object.keys(map).flatMap((key) => (Object.hasOwn(properties, key) ? [] : [map[key]])))
  return {
    ...schema,
    ...('properties' in schema && { properties: narrowAll(properties, under) }),
    ...(patternProperties && { patternProperties: narrowAll(patternProperties, elsewhere) }),
    ...(typeof additionalProperties === 'object' && {
      additionalProperties: narrow(additionalProperties, elsewhere())
    }),
    // A lone value may be meant as a list of one.
    ...(items && { items: narrow(items, values.flat()) }),
    ...(anyOf && { anyOf: anyOf.map((inner) => narrow(inner, values)) })
  }
}

/** Reports whether `value` is a map of YAML or JSON. */
export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
