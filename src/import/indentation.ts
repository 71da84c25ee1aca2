// Indentation: repairs manifests that were copied from a page that lost it, where every line begins at the margin. This is possible
// because what the import reads has few levels.

/** The keys below a key, and what is below them: null for a value, a list with the shape of its items; `any` has any keys. */
type Shape = { [key: string]: Shape | Shape[] | null }

const any: Shape = { '*': null }
const meta: Shape = { name: null, namespace: null, labels: any, annotations: any }
const reference: Shape = { name: null, namespace: null, channel: null }
const object = { apiVersion: null, kind: null, metadata: meta }

const shapes: Record<string, Shape> = {
  Alert: {
    ...object,
    spec: {
      providerRef: reference,
      eventSeverity: [any],
      eventSources: [{ kind: null, name: null, namespace: null, apiVersion: null, matchLabels: any }],
      inclusionList: [any],
      exclusionList: [any],
      eventMetadata: any,
      summary: null,
      suspend: null,
      channel: null
    }
  },
  Provider: {
    ...object,
    spec: {
      type: null,
      address: null,
      channel: null,
      username: null,
      secretRef: reference,
      certSecretRef: reference,
      proxySecretRef: reference,
      proxy: null,
      interval: null,
      timeout: null,
      suspend: null
    }
  },
  Secret: { ...object, type: null, immutable: null, data: any, stringData: any }
}

/** A document of a text, with the line at which it begins, from 0. */
export interface Part {
  text: string
  line: number
}

/** Splits `text` into its documents. */
export function partsOf(text: string): Part[] {
  const parts: Part[] = []
  let lines: string[] = []
  let line = 0
  for (const [at, each] of text.split(/\r?\n/).entries()) {
    if (/^---(\s|$)/.test(each)) {
      parts.push({ text: lines.join('\n'), line })
      lines = []
      line = at + 1
    } else {
      lines.push(each)
    }
  }
  return [...parts, { text: lines.join('\n'), line }]
}

/** The kind of the manifest in `text`, if it has lost its indentation; undefined if it has not. */
export function flatKind(text: string): string | undefined {
  const lines = text.split('\n').filter((line) => !/^\s*(#|$)/.test(line))
  const isFlat = lines.every((line) => /^\S/.test(line))
  const opensBlock = lines.some(
    (line, at) => /^(metadata|spec):\s*(#.*)?$/.test(line) && /^[A-Za-z-]/.test(lines[at + 1] ?? '')
  )
  return isFlat && opensBlock ? /^kind:\s*["']?([A-Za-z]+)/m.exec(text)?.[1] : undefined
}

interface Level {
  shape: Shape
  /** The number of spaces before its keys. */
  indent: number
}

/** Puts the indentation of `text` back, line by line. Undefined if the import does not read the kind, or a key fits nowhere. */
export function indented(text: string, kind: string): string | undefined {
  const root = shapes[kind]
  if (root === undefined) return undefined
  let levels: Level[] = [{ shape: root, indent: 0 }]
  let list: (Level & { depth: number }) | undefined
  const lines: string[] = []
  for (const line of text.split('\n')) {
    if (/^\s*(#|$)/.test(line)) {
      lines.push(line)
      continue
    }
    const item = /^-\s+(.*)$/.exec(line)?.[1]
    if (item !== undefined) {
      if (list === undefined) return undefined
      levels = levels.slice(0, list.depth)
      if (/^["']?[^\s:"']+["']?:(\s|$)/.test(item)) levels.push({ shape: list.shape, indent: list.indent + 2 })
      lines.push(`${' '.repeat(list.indent)}- ${item}`)
      continue
    }
    const [, key = '', value = ''] = /^["']?([^\s:"']+)["']?:(?:\s+(.*))?$/.exec(line) ?? []
    const own = levels.findLastIndex(({ shape }) => Object.hasOwn(shape, key))
    const depth = own < 0 ? levels.findLastIndex(({ shape }) => '*' in shape) : own
    const level = levels[depth]
    if (key === '' || level === undefined) return undefined
    lines.push(' '.repeat(level.indent) + line)
    levels = levels.slice(0, depth + 1)
    const below = level.shape[key]
    const isOpen = value === '' || value.startsWith('#')
    if (!isOpen || below === null || below === undefined) continue
    if (Array.isArray(below)) list = { shape: below[0] ?? any, indent: level.indent + 2, depth: depth + 1 }
    else levels.push({ shape: below, indent: level.indent + 2 })
  }
  return lines.join('\n')
}
