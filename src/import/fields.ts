// Fields: finds in a spec what is null, what is encrypted, and what no schema knows.

/** A field that is null, such as a list with nothing but comments below it, is as good as absent. */
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

/** What a schema knows of the fields of a spec. */
export interface Fields {
  properties?: Record<string, Fields>
  items?: Fields
}

/** Where in `value` a field stands that is not among them. */
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

/** Where a value stands that SOPS has encrypted, if one does. */
export function encryptedIn(value: unknown, path: (string | number)[]): (string | number)[] | undefined {
  if (typeof value === 'string') return value.startsWith('ENC[') ? path : undefined
  if (typeof value !== 'object' || value === null) return undefined
  const entries = Object.entries(value).map(([key, inner]) =>
    encryptedIn(inner, [...path, Array.isArray(value) ? Number(key) : key])
  )
  return entries.find((found) => found !== undefined)
}

/** A segment of a JSON pointer. */
export function segmentOf(segment: string): string | number {
  return /^\d+$/.test(segment) ? Number(segment) : segment.replaceAll('~1', '/').replaceAll('~0', '~')
}
