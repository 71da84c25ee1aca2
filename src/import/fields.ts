// Fields: finds the fields of a spec that are null, encrypted, or unknown to its schema.

/** Leaves out fields that are null, such as a list with nothing but comments below it: they are as good as absent. */
export function withoutNulls(value: unknown): object {
  const cleaned = (inner: unknown): unknown => {
    if (Array.isArray(inner)) return inner.map(cleaned)
    if (typeof inner !== 'object' || inner === null) return inner
    return Object.fromEntries(
      Object.entries(inner).flatMap(([key, each]) => (each === null ? [] : [[key, cleaned(each)]]))
    )
  }
  return cleaned(value) as object
}

/** The fields that a schema knows. */
export interface Fields {
  properties?: Record<string, Fields>
  items?: Fields
}

/** The paths of fields in `value` that the schema does not know. */
export function unknownFields(
  value: unknown,
  { properties, items }: Fields,
  path: (string | number)[]
): (string | number)[][] {
  if (Array.isArray(value)) return items ? value.flatMap((each, at) => unknownFields(each, items, [...path, at])) : []
  if (typeof value !== 'object' || value === null || properties === undefined) return []
  return Object.entries(value).flatMap(([key, inner]) => {
    const known = Object.hasOwn(properties, key) ? properties[key] : undefined
    return known === undefined ? [[...path, key]] : unknownFields(inner, known, [...path, key])
  })
}

/** The path of a value that SOPS has encrypted, if there is one. */
export function encryptedIn(value: unknown, path: (string | number)[]): (string | number)[] | undefined {
  if (typeof value === 'string') return value.startsWith('ENC[') ? path : undefined
  if (typeof value !== 'object' || value === null) return undefined
  const entries = Object.entries(value).map(([key, inner]) =>
    encryptedIn(inner, [...path, Array.isArray(value) ? Number(key) : key])
  )
  return entries.find((found) => found !== undefined)
}

/** Decodes a segment of a JSON pointer. */
export function segmentOf(segment: string): string | number {
  return /^\d+$/.test(segment) ? Number(segment) : segment.replaceAll('~1', '/').replaceAll('~0', '~')
}
