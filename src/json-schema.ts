// JSON Schema: builds schemas whose TypeScript types follow from them: plain objects, as ajv, Fastify and editors take them.

declare const means: unique symbol
declare const mayBeMissing: unique symbol

/** A schema of values of type `T`. Only the compiler knows what it `means`. */
export interface Schema<T = unknown> {
  readonly [means]?: T
  readonly [keyword: string]: unknown
}

/** A schema of a property that may be left out. */
export type OptionalSchema<T = unknown> = Schema<T> & { readonly [mayBeMissing]: true }

export type Properties = Readonly<Record<string, Schema>>

export interface ObjectSchema<P extends Properties> extends Schema<ObjectOf<P>> {
  readonly properties: P
}

/** The type of the values that are valid by a schema. */
export type Static<S> = S extends Schema<infer T> ? T : never

type OptionalKeys<P> = { [K in keyof P]: P[K] extends OptionalSchema ? K : never }[keyof P]
type Flat<T> = { [K in keyof T]: T[K] } & {}
type ObjectOf<P> = Flat<
  { [K in Exclude<keyof P, OptionalKeys<P>>]: Static<P[K]> } & { [K in OptionalKeys<P>]?: Static<P[K]> }
>

/** Other keywords, such as bounds, a description, a default. */
export type Keywords = Readonly<Record<string, unknown>>

/** The schemas of properties that may be left out. No keyword marks them, so that a copy with other keywords is required again. */
const optional = new WeakSet<Schema>()

const object = <P extends Properties>(properties: P, keywords: Keywords = {}): ObjectSchema<P> => {
  const required = Object.keys(properties).filter((key) => !optional.has(properties[key] as Schema))
  return { type: 'object', ...(required.length > 0 && { required }), properties, ...keywords }
}

/** A copy of `schema` for a property that may be left out. */
const optionalOf = <S extends Schema>(schema: S): S & OptionalSchema<Static<S>> => {
  const copy = { ...schema }
  optional.add(copy)
  return copy as S & OptionalSchema<Static<S>>
}

/** One function for each form of schema. */
export const Type = {
  String: (keywords: Keywords = {}): Schema<string> => ({ type: 'string', ...keywords }),
  Number: (keywords: Keywords = {}): Schema<number> => ({ type: 'number', ...keywords }),
  Integer: (keywords: Keywords = {}): Schema<number> => ({ type: 'integer', ...keywords }),
  Boolean: (keywords: Keywords = {}): Schema<boolean> => ({ type: 'boolean', ...keywords }),
  Null: (keywords: Keywords = {}): Schema<null> => ({ type: 'null', ...keywords }),
  Unknown: (keywords: Keywords = {}): Schema => ({ ...keywords }),
  /** A schema of any keywords, where no other function has them. */
  Unsafe: <T>(keywords: Keywords): Schema<T> => ({ ...keywords }),
  Literal: <const T extends string | boolean>(value: T, keywords: Keywords = {}): Schema<T> => ({
    type: typeof value,
    const: value,
    ...keywords
  }),
  Enum: <const T extends readonly string[]>(values: T, keywords: Keywords = {}): Schema<T[number]> => ({
    enum: values,
    ...keywords
  }),
  Array: <S extends Schema>(items: S, keywords: Keywords = {}): Schema<Static<S>[]> => ({
    type: 'array',
    items,
    ...keywords
  }),
  /** Any keys, with values of one schema. */
  Record: <S extends Schema>(value: S, keywords: Keywords = {}): Schema<Record<string, Static<S>>> => ({
    type: 'object',
    patternProperties: { '^.*$': value },
    ...keywords
  }),
  Union: <const S extends readonly Schema[]>(anyOf: S, keywords: Keywords = {}): Schema<Static<S[number]>> => ({
    anyOf,
    ...keywords
  }),
  Object: object,
  Optional: optionalOf
}
