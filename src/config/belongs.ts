// Belongs: finds where a misplaced key of a config file belongs.
import type { Schema } from '../json-schema.ts'

/** The keys that lead to a map; `[]` stands for an item of a list, `<name>` for a name. */
type Path = readonly string[]

interface Keywords {
  properties?: Record<string, Keywords>
  additionalProperties?: Keywords | boolean
  items?: Keywords
  anyOf?: Keywords[]
}

/**
 * Returns `; it belongs under \`rules[].match\``, for the place nearest to `at`; empty if no map of `schema` has such a key. With
 * `isBelow`, only places below `at` count: a key that belongs there is hardly misspelt.
 */
export function whereBelongs(key: string, at: readonly (string | number)[], schema: Schema, isBelow = false): string {
  const [best] = mapsWith(key, schema as Keywords, [])
    .map((path) => ({ path, shared: sharedWith(at, path) }))
    .filter(({ shared }) => !isBelow || (at.length > 0 && shared === at.length))
    // Among equally near places, that of a rule comes first, which most files are about; and `match` before the `not` in it.
    .sort((a, b) => b.shared - a.shared || rank(a.path) - rank(b.path) || a.path.length - b.path.length)
  if (best === undefined) return ''
  const where = best.path.join('.').replaceAll('.[]', '[]')
  return where === '' ? '; it belongs at the top of the file' : `; it belongs under \`${where}\``
}

function rank([section]: Path): number {
  return section === 'rules' ? 0 : 1
}

function mapsWith(
  key: string,
  { properties = {}, additionalProperties, items, anyOf = [] }: Keywords,
  at: Path
): Path[] {
  return [
    ...(Object.hasOwn(properties, key) ? [at] : []),
    ...Object.entries(properties).flatMap(([name, inner]) => mapsWith(key, inner, [...at, name])),
    ...(typeof additionalProperties === 'object' ? mapsWith(key, additionalProperties, [...at, '<name>']) : []),
    ...(items === undefined ? [] : mapsWith(key, items, [...at, '[]'])),
    ...anyOf.flatMap((inner) => mapsWith(key, inner, at))
  ]
}

/** The number of keys with which both begin. */
function sharedWith(at: readonly (string | number)[], path: Path): number {
  const differs = path.findIndex((name, index) => {
    const own = at[index]
    return own === undefined || (name === '[]' ? !/^\d+$/.test(String(own)) : name !== '<name>' && name !== own)
  })
  return differs < 0 ? path.length : differs
}
