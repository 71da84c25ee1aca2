// Liquid errors: put what the library says about a template into words for its author.
import { didYouMean } from '../../spelling.ts'

export interface LiquidNames {
  filters: readonly string[]
  tags: readonly string[]
}

/** Names that other languages have for the filters. */
const inOtherLanguages: Record<string, string> = {
  lower: 'downcase',
  lowercase: 'downcase',
  tolower: 'downcase',
  upper: 'upcase',
  uppercase: 'upcase',
  toupper: 'upcase',
  len: 'size',
  length: 'size',
  substr: 'slice',
  substring: 'slice',
  trunc: 'truncate',
  trim: 'strip',
  urlquery: 'url_encode',
  tojson: 'json',
  title: 'capitalize'
}

/** Returns `said`, the library's message, in words for an author. The position, which it gives by itself, is left out. */
export function liquidInWords(said: string, { filters, tags }: LiquidNames): string {
  const message = said.replace(/, (?:file:[^,]*, )?line:\d+, col:\d+$/, '')
  for (const [pattern, words] of sayings) {
    const found = pattern.exec(message)
    if (found !== null) return words(found[1] ?? '', { filters, tags })
  }
  return message
}

const sayings: readonly (readonly [said: RegExp, words: (found: string, names: LiquidNames) => string])[] = [
  [/^undefined filter: (.+)$/, noFilter],
  [/^tag "(.+)" not found$/, noTag],
  [/^output .* not closed$/s, () => 'this {{ is never closed with }}'],
  [/^tag \{%-?\s*(\w+).* not closed$/s, (tag) => `{% ${tag} %} is never closed with {% end${tag} %}`],
  [/^invalid value expression: ""$/, () => '{{ }} is empty'],
  [
    /^expected filter name$/,
    () => 'after | comes the name of a filter; to choose between values, write {% if … %} or | default:'
  ],
  [/^expected "\|" before filter$/, () => 'this is not allowed here; to compare, write ==, and before a filter, |'],
  [/^ENOENT: /, () => 'a template cannot include another']
]

function noFilter(filter: string, { filters }: LiquidNames): string {
  const synonym = inOtherLanguages[filter.toLowerCase().replaceAll('_', '')]
  const guess = synonym === undefined ? didYouMean(filter, filters) : `; did you mean "${synonym}"?`
  return `there is no filter "${filter}"${guess}`
}

function noTag(tag: string, { tags }: LiquidNames): string {
  if (tag.startsWith('end') || tag === 'else' || tag === 'elsif') return `{% ${tag} %} has nothing to close`
  return `there is no tag "${tag}"${didYouMean(tag, tags)}`
}
