// Schemas: gives an option its description, which editors show and docs/configuration.md is made from, beside its type.
import { type ObjectSchema, type Properties, type Schema, Type } from './json-schema.ts'

/** `schema` with a title, a description (Markdown, sentences) and examples, each of which has to be valid. */
export function about<T extends Schema>(
  schema: T,
  title: string,
  description: string,
  ...examples: readonly unknown[]
): T {
  return { ...schema, title, description, examples }
}

/** Like {@link about}, for a key that may be left out. */
export function option<T extends Schema>(...described: Parameters<typeof about<T>>) {
  return Type.Optional(about(...described))
}

/** An object with these keys and no others. */
export function closedObject<T extends Properties>(properties: T): ObjectSchema<T> {
  return Type.Object(properties, { additionalProperties: false })
}
