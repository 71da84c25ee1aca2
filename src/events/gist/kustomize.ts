// Kustomize: reads the innermost cause out of what kustomize makes of one, which is a quotation of quotations.

const source = /(?:accumulating|merging) resources from '/g
const recursed = /recursed accumulation of path '[^']{0,600}': /g

/** `kustomize build failed: base.yaml: no such file or directory`; undefined where `text` is about something else. */
export function kustomizeCause(text: string): string | undefined {
  const start = text.search(/\baccumulat(?:ing|ion|e)/)
  if (start < 0) return undefined
  const said = text.slice(0, start).trim()
  const inner = innermost(text.slice(start))
  return inner === undefined ? undefined : `${said.replace(/:?$/, ':')} ${inner}`
}

function innermost(text: string): string | undefined {
  const begins = [...text.matchAll(source)].at(-1)
  const recursions = [...text.matchAll(recursed)].at(-1)
  const nested = begins === undefined ? -1 : begins.index + begins[0].length
  const after = recursions === undefined ? -1 : recursions.index + recursions[0].length
  // Behind the last directory there is no more of a file: what is wrong is its own kustomization.
  if (after > nested) return text.slice(after).replace(/^accumulating resources: /, '')
  if (nested < 0) return undefined
  const named = text.slice(nested)
  const end = named.indexOf("': ")
  if (end < 0) return undefined
  const name = named.slice(0, end)
  const rest = named.slice(end + 3)
  const cause = /^([^\n]{1,2000}?)'(?:: |$)/.exec(rest)?.[1] ?? rest
  const isNamed = cause.includes(name.slice(name.lastIndexOf('/') + 1)) || name.includes('://')
  return isNamed ? cause : `${name}: ${cause}`
}
