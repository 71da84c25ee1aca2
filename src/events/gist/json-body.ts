// JSON body: reads what a service says is wrong out of the JSON that it answered.

const body =
  /\{\s{0,40}"(?:error|errors|code|message|detail|details|status|title)":[\s\S]{0,1500}?"(?:error_description|message|detail|details)":\s{0,4}"((?:[^"\\]|\\.){1,600})"[\s\S]{0,1500}?\}(?:\s{0,40}[\]}]){0,4}/

/** `text` with the message of such a body in its place: behind the first line, where it stands below. */
export function withoutJson(text: string): string {
  if (!text.includes('": ') && !text.includes('":"')) return text
  const found = body.exec(text)
  if (found === null) return text
  const message = (found[1] ?? '').replace(/\\(?:r|n|t)/g, ' ').replace(/\\(.)/g, '$1')
  const before = text.slice(0, found.index)
  const end = before.indexOf('\n')
  if (end < 0) return `${before}${message}${text.slice(found.index + found[0].length)}`
  return `${before.slice(0, end)}: ${message}`
}
