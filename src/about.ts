// Option descriptions: stand beside an option's type. Editors show them, and docs/configuration.md is made from them.
import type { Type } from 'typebox'

/** `schema` with a title, a description (Markdown, sentences) and examples, each of which has to be valid. */
export function about<T extends Type.TSchema>(
  schema: T,
  title: string,
  description: string,
  ...examples: readonly unknown[]
): T {
  return { ...schema, title, description, examples }
}
