// What an option of the config file is for, beside its type: editors show it, and docs/configuration.md is made of it.
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
