// Salvage: reads what it can of a YAML file with syntax errors, so that the rest is checked in the same run.
import { type Document, type ErrorCode, isMap, isNode, isScalar, type Node } from 'yaml'

// These are about their own place. Behind any other mistake, what follows may be read as what it is not.
const local: ReadonlySet<ErrorCode> = new Set([
  'DUPLICATE_KEY',
  'BAD_DQ_ESCAPE',
  'TAG_RESOLVE_FAILED',
  'BAD_SCALAR_START'
])

/**
 * The sections of `document` that no mistake is in or before, and the names of the others. `starts` are the places of the
 * mistakes, in characters from the start of the file.
 */
export function soundSections(
  document: Document,
  starts: readonly number[],
  maxAliasCount: number
): { value: Record<string, unknown>; lost: string[] } | undefined {
  const { contents, errors, warnings } = document
  if (!isMap(contents)) return undefined
  const end = Math.min(
    ...errors.filter(({ code }) => !local.has(code)).flatMap(({ pos }) => pos),
    ...lasting(errors, starts)
  )
  const places = [...starts, ...[...errors, ...warnings].map(({ pos }) => pos[0])]
  const sections = contents.items.flatMap(({ key, value }) => {
    if (!isScalar(key) || typeof key.value !== 'string') return []
    const from = key.range?.[0] ?? 0
    const to = (isNode(value) ? value.range?.[1] : undefined) ?? key.range?.[1] ?? from
    const isSound = to <= end && !places.some((place) => from <= place && place <= to)
    return [{ name: key.value, value: isSound && isNode(value) ? read(value, document, maxAliasCount) : undefined }]
  })
  const lost = new Set(sections.flatMap(({ name, value }) => (value === undefined ? [name] : [])))
  const kept = sections.filter(({ name }) => !lost.has(name)).map(({ name, value }) => [name, value?.is] as const)
  return { value: Object.fromEntries(kept), lost: [...lost] }
}

/** Where an unclosed bracket or quote begins: before the place at which the library notices. */
function lasting(errors: Document['errors'], starts: readonly number[]): number[] {
  return errors.every(({ code }) => local.has(code)) ? [] : [...starts]
}

function read(node: Node, document: Document, maxAliasCount: number): { is: unknown } | undefined {
  try {
    return { is: node.toJS(document, { maxAliasCount }) }
  } catch {
    return undefined
  }
}
