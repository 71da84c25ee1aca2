// Kustomize: reads the innermost cause out of an error of kustomize, which quotes errors within errors.

const source = /(?:accumulating|merging) resources from '/g
const recursed = /recursed accumulation of path '[^']{0,600}': /g

const noFile =
  /(?:no such file or directory|is a directory|must resolve to a file|file name too long|URL is a git repository)$/
/** Errors that kustomize adds if a path that is no file cannot be a directory either. */
const fallback =
  /^(?:evalsymlink failure|must build at directory|new root '|unable to find one of)|(?:file is not directory|no such file or directory)$/

/** Returns `kustomize build failed: base.yaml: no such file or directory`; undefined if `text` is about something else. */
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
  // No file is named behind the last directory, so the fault is in the kustomization of that directory.
  if (after > nested) return text.slice(after).replace(/^accumulating resources: /, '')
  if (nested < 0) return undefined
  const named = text.slice(nested)
  const end = named.indexOf("': ")
  if (end < 0) return undefined
  const name = named.slice(0, end)
  const rest = named.slice(end + 3)
  const [all = '', first] = /^([^\n]{1,2000}?)'(?:: |$)/.exec(rest) ?? []
  const second = rest.slice(all.length)
  // kustomize looks for a file first. If the path was never one, the reason why it could not be fetched counts.
  if (first !== undefined && noFile.test(first) && second !== '' && !fallback.test(second)) return second
  const cause = first ?? rest
  const isNamed = cause.includes(name.slice(name.lastIndexOf('/') + 1)) || name.includes('://')
  return isNamed ? cause : `${name}: ${cause}`
}
