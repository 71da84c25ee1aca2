// Vocabulary: knows the words of a schema, which may be shown anywhere, and the open sections of a file.
import type { Schema } from '../json-schema.ts'
import { suspectsIn } from '../secrecy.ts'
import { didYouMean } from '../spelling.ts'
import { foreignKeys } from './foreign.ts'

export interface Vocabulary {
  /** True if what stands under this key of the file may be quoted. An unknown key may hide anything. */
  isOpen(section: string | number | undefined): boolean
  /** True if there are names under this key that may be quoted. */
  isNamed(section: string | number | undefined): boolean
  /** True if secrets stand under this key, or under one that is spelt nearly so, wherever somebody put it. */
  isSecretive(key: string): boolean
  /** True if `text` gives nothing away wherever it stands: it is a word of the schema, or a reference to a secret. */
  isWord(text: string): boolean
  /** True if `text` gives nothing away where no secret belongs, such as in place of a key. Many a password is near to a word. */
  isNearWord(text: string): boolean
}

/** A text of at most this length is no secret, if it stands alone. */
export const longestHarmless = 4

/** Keys next to secrets that hold none: a name, a time, a number. Any other key in `sources` and the like may hold a secret. */
export const plainKeys: ReadonlySet<string> = new Set([
  ...['channel', 'username', 'cluster', 'expectEvery', 'dialect', 'perSecond', 'burst', 'preview', 'app', 'style'],
  ...['operators', 'apiUrl', 'history', 'apiVersion', 'kind']
])

/** Takes the words of `schema`. `closed` are its sections with secrets in them, under names; `secretive` are the keys that lead there. */
export function vocabularyOf(
  schema: Schema,
  closed: readonly string[] = [],
  secretive: readonly string[] = []
): Vocabulary {
  const sections = Object.keys((schema as { properties?: object }).properties ?? {})
  const open = new Set(sections.filter((name) => !closed.includes(name)))
  const leading = [...closed, ...secretive]
  // Many a word is near to a short key: `stack`, `block`.
  const long = leading.filter(({ length }) => length > 5)
  /** Remembered, because each key of a file is looked up, and most are those of the entry before. */
  const secretiveKeys = new Map<string, boolean>()
  let all: Set<string> | undefined
  const words = () => (all ??= new Set([...wordsOf(schema), ...closed, 'true', 'false', 'null']))
  const isWord = (text: string) => isReference(text) || words().has(text)
  return {
    isOpen: (section) => typeof section === 'string' && open.has(section),
    isNamed: (section) => closed.includes(String(section)),
    isSecretive(key) {
      let known = secretiveKeys.get(key)
      if (known === undefined) {
        known = leading.includes(key) || (isNear(key, long) && !words().has(key))
        if (secretiveKeys.size < maxKnownKeys) secretiveKeys.set(key, known)
      }
      return known
    },
    isWord,
    isNearWord: (text) =>
      isWord(text) || foreignKeys.has(text) || (/^[A-Za-z_-]+$/.test(text) && isNear(text, [...words()]))
  }
}

// Bounded, because whoever writes the file chooses the keys.
const maxKnownKeys = 1000

function isNear(text: string, words: readonly string[]): boolean {
  return didYouMean(text, words) !== ''
}

/** The names of properties and their parts, and the values that properties may have. */
function wordsOf(schema: unknown): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  if (Array.isArray(schema)) return schema.flatMap(wordsOf)
  return Object.entries(schema).flatMap(([keyword, value]): string[] => {
    if (['examples', 'description', 'title', 'default', 'pattern'].includes(keyword)) return []
    if (keyword === 'enum' || keyword === 'const') return [value].flat().map(String)
    if (keyword !== 'properties') return wordsOf(value)
    const names = Object.keys(value as object)
    return [...names, ...names.flatMap((name) => name.split(/(?=[A-Z])/)), ...wordsOf(Object.values(value as object))]
  })
}

/** True for `${VARIABLE}` or `${file:/path}` with little around it; also for a malformed one, if it cannot be a secret itself. */
function isReference(text: string): boolean {
  if (!text.includes('${') || suspectsIn(text).length > 0) return false
  const left = text.replace(/\$\{(file:\/[^}\s]*|[A-Za-z_]\w*)\}/g, '')
  if (left.length <= longestHarmless) return true
  const [, inside] = /^\$\{([^{}]*)\}?$/.exec(text) ?? []
  if (inside === undefined) return false
  const pieces = inside.split(/[^A-Za-z0-9_]+/).filter((piece) => !/^[A-Z][A-Z0-9_]*$/.test(piece))
  return pieces.join('').length <= longestHarmless
}
