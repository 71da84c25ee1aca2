// Fields: takes apart what Slack sends, whatever form it has. Pure.

/** Returns the fields of the JSON object in `text`; none if it is anything else, such as a page or half of an object. */
export function readFields(text: string): Record<string, unknown> {
  try {
    return fieldsOf(JSON.parse(text))
  } catch {
    return {}
  }
}

/** Returns the fields of `value`; none if it is no object. */
export function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

export function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
