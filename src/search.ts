// Search: reads what people type into a search box, such as `cluster:prod-eu name:ledg* "deadline exceeded"`, and says what it
// finds. Pure.
import { compileGlobs, isGlob } from './patterns.ts'
import { unknownName } from './spelling.ts'

/** What every word before a colon may be where objects are searched. */
export const objectSearchFields = ['cluster', 'kind', 'namespace', 'name', 'reason', 'severity', 'owner'] as const

/** As {@link objectSearchFields}, for events and for notifications. */
export const eventSearchFields = [
  ...['cluster', 'kind', 'namespace', 'name', 'reason', 'severity', 'source', 'transition']
] as const
export const notificationSearchFields = ['cluster', 'kind', 'namespace', 'name', 'destination', 'rule'] as const

const nameFields = ['cluster', 'kind', 'namespace', 'name'] as const

/** What an object is called in lists, messages and commands, from which people copy words such as `apps/shop`. */
const spokenNames = [
  ['cluster', 'namespace', 'name'],
  ['kind', 'namespace', 'name'],
  ['kind', 'name']
] as const

function namesOf(object: Readonly<Record<(typeof nameFields)[number], string>>): string[] {
  return spokenNames.map((fields) => fields.map((field) => object[field]).join('/'))
}

/** Whether a word may be several parts of a name. */
function isPath(word: string): boolean {
  return word.includes('/')
}

/** Values of a field are globs of which one has to match; each word has to be found somewhere. The case never counts. */
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

/** A string says what is wrong with `text`. `fields`: what may stand before a colon. */
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

/** Whether nothing is asked for. */
export function isEverything({ fields, words }: Search): boolean {
  return words.length === 0 && Object.keys(fields).length === 0
}

/** Whether something is found: `of` has its fields, and words are looked for in `texts`, too. */
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

/** What a search asks of an object's name alone; the rest of it is for {@link compileSearch}. */
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

/** `text` with `field:value` added, or without it where it has it. */
export function toggled(text: string, field: string, value: string): string {
  const tokens = tokensOf(text)
  const rest = tokens.filter((token) => token.field !== field || token.value !== value)
  const all = rest.length < tokens.length ? rest : [...tokens, { field, value }]
  return all.map(sayToken).join(' ')
}

/** Whether `text` asks for `field:value` in so many words. */
export function asksFor(text: string, field: string, value: string): boolean {
  return tokensOf(text).some((token) => token.field === field && token.value === value)
}

function sayToken({ field, value }: Token): string {
  const said = /[\s:]/.test(value) ? `"${value}"` : value
  return field === undefined ? said : `${field}:${said}`
}

/** A pattern for `like … escape '!'` in SQL, of what was put in lower case, for a glob. */
export function likeGlob(glob: string): string {
  const like = escaped(glob.toLowerCase())
  return isGlob(glob) ? like.replaceAll('*', '%').replaceAll('?', '_') : like
}

/** A revision as messages and pages show it, which is where it was copied: `main@4f2c91d` of `main@sha1:4f2c91d0…`. */
const shortRevision = /^(.+@)([0-9a-f]{7})$/

/**
 * As {@link likeGlob}, for a word in the JSON of an event: as most write it, and as Go does, which spares HTML; a short revision as
 * Flux writes it, too.
 */
export function likeWord(word: string): string[] {
  const json = JSON.stringify(word.toLowerCase()).slice(1, -1)
  const go = json.replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)
  const [, pointer = '', sha] = shortRevision.exec(json) ?? []
  const whole = sha === undefined ? [] : [`%${escaped(pointer)}%:${sha}%`]
  return [...[...new Set([json, go])].map((text) => `%${escaped(text)}%`), ...whole]
}

/** Where a word is looked for beside the JSON of an event, in SQL: the names of its object, where it may be several parts of them. */
export function spokenIn(word: string, columnOf: (field: string) => string): string[] {
  if (!isPath(word)) return []
  return spokenNames.map((fields) => fields.map(columnOf).join(` || '/' || `))
}

// A backslash in a statement is something else with PostgreSQL's `standard_conforming_strings = off`, also behind a pooler.
function escaped(text: string): string {
  return text.replace(/[!%_]/g, '!$&')
}
