// Texts: trims names in the config file to one line, because the white space around a YAML block is not part of them.
import type { ShapeFault } from './shape.ts'

type Path = (string | number)[]

/** True for texts in which white space matters: templates, expressions, regular expressions, and keys, which Flux does not trim. */
function isFree(path: Path): boolean {
  const [section, , key] = path
  if (section === 'templates') return true
  if (section === 'sources') return key === 'hmacKeys'
  if (section === 'severities') return key === 'message'
  return (
    key === 'match' && (path[3] === 'when' || path[3] === 'message' || (path[3] === 'not' && path[4] === 'message'))
  )
}

/** Trims every name in `value`, which stands at `at` of a file, and adds a fault for each that has several lines. */
export function trimNames(value: unknown, at: Path = []): { value: unknown; faults: ShapeFault[] } {
  const faults: ShapeFault[] = []
  // What an alias repeats stays one object: otherwise a thousand rules with one `match: *common` would be a thousand copies.
  const done = new Map<object, unknown>()
  return { value: trimmed(value, at), faults }

  function trimmed(inner: unknown, path: Path): unknown {
    if (typeof inner === 'string') {
      if (isFree(path)) return inner
      const text = inner.trim()
      if (/[\r\n]/.test(text))
        faults.push({ path, message: 'is a name of several lines; a name has one', isAboutKey: false })
      return text
    }
    if (typeof inner !== 'object' || inner === null || isFree(path)) return inner
    const before = done.get(inner)
    if (before !== undefined) return before
    const copy: unknown[] | Record<string, unknown> = Array.isArray(inner) ? [] : {}
    done.set(inner, copy)
    for (const [key, each] of Object.entries(inner)) {
      const place = [...path, Array.isArray(inner) ? Number(key) : key]
      // Not by assignment: `__proto__` is a key like any other here.
      Object.defineProperty(copy, key, {
        value: trimmed(each, place),
        enumerable: true,
        writable: true,
        configurable: true
      })
    }
    return copy
  }
}
