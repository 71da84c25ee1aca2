// Search: reads what people type into a search box, such as `cluster:prod-eu name:ledg* "deadline exceeded"`, and says what it
// finds. Pure.
import { compileGlobs, isGlob } from './patterns.ts'
import { unknownName } from './spelling.ts'

/** Fields that may stand before a colon in a search for objects. */
export const objectSearchFields = ['cluster', 'kind', 'namespace', 'name', 'reason', 'severity', 'owner'] as const

/** Like {@link objectSearchFields}, for events and for notifications. */
export const eventSearchFields = [
  ...['cluster', 'kind', 'namespace', 'name', 'reason', 'severity', 'source', 'transition']
] as const
export const notificationSearchFields = ['cluster', 'kind', 'namespace', 'name', 'destination', 'rule'] as const

const nameFields = ['cluster', 'kind', 'namespace', 'name'] as const

/** Names of an object in lists, messages and commands, from which people copy words such as `apps/shop`. */
const spokenNames = [
  ['cluster', 'namespace', 'name'],
  ['kind', 'namespace', 'name'],
  ['kind', 'name']
] as const

function namesOf(object: Readonly<Record<(typeof nameFields)[number], string>>): string[] {
  return spokenNames.map((fields) => fields.map((field) => object[field]).join('/'))
}

/** Reports whether a word may be several parts of a name. */
function isPath(word: string): boolean {
  return word.includes('/')
}

/**
 * A parsed search. The values of a field are globs, one of which has to match; each word has to be found somewhere. Case never
 * counts.
 */
export interface Search {
  fields: Readonly<Record<string, readonly string[]>>
  words: readonly string[]
}

interface Token {
  field: string | undefined
  value: string
}

const tokenPattern = /(?:([a-z]+):(?!\/\/))?(?:"([^"]*)(?:"|$)|([^\s"]+))/gi

function tokensOf(text: string): Token[] {
  return [...text.matchAll(tokenPattern)].flatMap(([, field, quoted, plain]) => {
    const value = quoted ?? plain ?? ''
    return value === '' ? [] : [{ field: field?.toLowerCase(), value }]
  })
}

/** Parses `text`; a string says what is wrong with it. `fields`: what may stand before a colon. */
export function parseSearch(text: string, fields: readonly string[]): Search | string {
  const found: Record<string, string[]> = {}
  const words: string[] = []
  for (const { field, value } of tokensOf(text)) {
    if (field === undefined) words.push(value)
    else if (fields.includes(field)) found[field] = [...(found[field] ?? []), value]
    else return `${unknownName('field', field, fields)}; put quotes around a word with a colon that is not a field`
  }
  return { fields: found, words }
}

/** Reports whether nothing is asked for. */
export function isEverything({ fields, words }: Search): boolean {
  return words.length === 0 && Object.keys(fields).length === 0
}

/** Compiles a search into a test. `of` has the fields of what is searched; words are looked for in them and in `texts`. */
export function compileSearch(
  search: Search
): (of: Readonly<Record<string, string>>, texts: readonly string[]) => boolean {
  const fields = Object.entries(search.fields).map(
    ([field, values]) => [field, compileGlobs(values.map((value) => value.toLowerCase()))] as const
  )
  const words = search.words.map((word) => word.toLowerCase())
  const hasPath = words.some(isPath)
  return (of, texts) => {
    if (!fields.every(([field, { matches }]) => matches((of[field] ?? '').toLowerCase()))) return false
    if (words.length === 0) return true
    const names = hasPath ? namesOf({ cluster: '', kind: '', namespace: '', name: '', ...of }) : []
    const all = [...Object.values(of), ...names, ...texts].join('\n').toLowerCase()
    return words.every((word) => all.includes(word))
  }
}

/** Compiles what a search asks of an object's name alone; the rest is for {@link compileSearch}. */
export function compileNames({
  fields
}: Search): (object: Readonly<Record<(typeof nameFields)[number], string>>) => boolean {
  const names = nameFields.filter((field) => fields[field] !== undefined)
  if (names.length === 0) return () => true
  const isFound = compileSearch({
    fields: Object.fromEntries(names.map((field) => [field, fields[field] ?? []])),
    words: []
  })
  return (object) => isFound({ ...object }, [])
}

/** Returns `text` with `field:value` added, or without it if it has it. */
export function toggled(text: string, field: string, value: string): string {
  const tokens = tokensOf(text)
  const rest = tokens.filter((token) => token.field !== field || token.value !== value)
  const all = rest.length < tokens.length ? rest : [...tokens, { field, value }]
  return all.map(sayToken).join(' ')
}

/** Reports whether `text` asks for `field:value` in so many words. */
export function asksFor(text: string, field: string, value: string): boolean {
  return tokensOf(text).some((token) => token.field === field && token.value === value)
}

function sayToken({ field, value }: Token): string {
  const said = /[\s:]/.test(value) ? `"${value}"` : value
  return field === undefined ? said : `${field}:${said}`
}

/** Returns a glob as a pattern for `like … escape '!'` in SQL, for text in lower case. */
export function likeGlob(glob: string): string {
  const like = escaped(glob.toLowerCase())
  return isGlob(glob) ? like.replaceAll('*', '%').replaceAll('?', '_') : like
}

/** A revision as messages and pages show it, from which people copy it: `main@4f2c91d` for `main@sha1:4f2c91d0…`. */
const shortRevision = /^(.+@)([0-9a-f]{7})$/

/**
 * Like {@link likeGlob}, for a word in the JSON of an event: as most programs write it, and as Go does, which escapes HTML. A short
 * revision is also looked for as Flux writes it.
 */
export function likeWord(word: string): string[] {
  const json = JSON.stringify(word.toLowerCase()).slice(1, -1)
  const go = json.replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)
  const [, pointer = '', sha] = shortRevision.exec(json) ?? []
  const whole = sha === undefined ? [] : [`%${escaped(pointer)}%:${sha}%`]
  return [...[...new Set([json, go])].map((text) => `%${escaped(text)}%`), ...whole]
}

/**
 * Returns where a word is looked for beside the JSON of an event, in SQL: in the names of its object, if the word may be several
 * parts of one.
 */
export function spokenIn(word: string, columnOf: (field: string) => string): string[] {
  if (!isPath(word)) return []
  return spokenNames.map((fields) => fields.map(columnOf).join(` || '/' || `))
}

// The escape is no backslash, because PostgreSQL reads that differently with `standard_conforming_strings = off`, which a pooler may set.
function escaped(text: string): string {
  return text.replace(/[!%_]/g, '!$&')
}
