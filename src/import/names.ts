// Imported names: make config names from Kubernetes namespaces and names.
import { isSame, type Ref } from './flux.ts'

/**
 * The name of each of `refs`: its own where no other has the same, else with its namespace before it; numbered in the end
 * if that is still not enough. At most `longest` characters.
 */
export function nameEach(refs: readonly Ref[], separator: string, longest: number): string[] {
  const taken = new Set<string>()
  return refs.map((ref) => {
    const isAlone = refs.every((other) => other.name !== ref.name || isSame(other, ref))
    const full = isAlone ? ref.name : `${ref.namespace}${separator}${ref.name}`
    return distinct(full, taken, longest)
  })
}

/** `name`, or with a number if it is among `taken`, which it joins. */
export function distinct(name: string, taken: Set<string>, longest: number, separator = '-'): string {
  for (let number = 1; ; number++) {
    const suffix = number === 1 ? '' : `${separator}${number}`
    const candidate = name.slice(0, longest - suffix.length) + suffix
    if (taken.has(candidate)) continue
    taken.add(candidate)
    return candidate
  }
}

/** `slack-url` → `SLACK_URL`, `slack` → `SLACK_URL`: an environment variable for a URL. */
export function variableFor(name: string): string {
  const words = name.toUpperCase().replace(/[^A-Z0-9]+/g, '_')
  const isUrl = /(^|_)URL$/.test(words)
  return `${/^[A-Z]/.test(words) ? '' : 'SLACK_'}${words}${isUrl ? '' : '_URL'}`
}
