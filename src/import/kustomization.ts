// Kustomizations: reads what a kustomization.yaml lists, makes and changes of what the import takes over.
import { dirname, join } from 'node:path/posix'
import { parse } from 'yaml'
import { type Manifest, recordOf, textOf } from './manifest.ts'

export interface Kustomization {
  file: string
  folder: string
  /** True if it is built only as a part of those that list it. */
  isComponent: boolean
  /** The namespace of everything that it lists, whatever that says itself. */
  namespace: string | undefined
  /** The files and folders that it lists. */
  lists: string[]
  /** Addresses of folders in other repositories. */
  remote: string[]
  /** Files of patches, which are no manifests. */
  patches: string[]
  /** Fields that change what Alerts and Providers say, or what they are called. */
  changes: string[]
  /** The Secrets that it makes, as far as their keys can be read. */
  secrets: Manifest[]
  /** True if it says of further kinds where they name other objects. */
  isConfigured: boolean
  /** The line of a field, from 1. */
  lineOf(field: string): number
}

/** Reads another file by its path; undefined if there is none. */
export type ReadText = (path: string) => string | undefined

/** Reads the kustomization.yaml `text` at `file`; undefined if it is no YAML. */
export function readKustomization(text: string, file: string, read: ReadText): Kustomization | undefined {
  const value = parsed(text)
  if (value === undefined) return undefined
  const folder = dirname(file)
  const at = (path: string) => join(folder, path).replace(/\/$/, '')
  const patches = patchesOf(value)
  const patchTexts = patches.map(({ path, text }) => ({ path, text: path === undefined ? text : read(at(path)) }))
  const changes = [
    ...['namePrefix', 'nameSuffix', 'replacements', 'vars', 'transformers'].filter((field) => isSet(value[field])),
    ...new Set(patches.filter((patch, at) => concerns(patch, patchTexts[at]?.text)).map(({ field }) => field))
  ]
  const lineOf = (field: string) =>
    Math.max(
      0,
      text.split('\n').findIndex((line) => line.startsWith(`${field}:`))
    ) + 1
  const namespace = textOf(value['namespace'])
  const listed = ['resources', 'bases', 'components'].flatMap((field) => textsOf(value[field]))
  return {
    file,
    folder,
    isComponent: value['kind'] === 'Component',
    namespace,
    lists: listed.filter(isLocal).map(at),
    remote: listed.filter((entry) => !isLocal(entry)),
    patches: patchTexts.flatMap(({ path }) => (path === undefined ? [] : [at(path)])),
    changes,
    isConfigured: isSet(value['configurations']),
    secrets: recordsOf(value['secretGenerator']).flatMap((generator) => {
      const secret = secretOf(generator, (path) => read(at(path)))
      const own = textOf(generator['namespace']) ?? namespace
      const options = { ...recordOf(value['generatorOptions']), ...recordOf(generator['options']) }
      return secret === undefined
        ? []
        : [
            {
              apiVersion: 'v1',
              kind: 'Secret',
              value: { metadata: { name: secret.name, ...(own && { namespace: own }) }, stringData: secret.data },
              ...(options['disableNameSuffixHash'] !== true && { hasHash: true as const }),
              at: () => ({ file, line: lineOf('secretGenerator') })
            }
          ]
    }),
    lineOf
  }
}

interface Patch {
  field: string
  /** The path of its file. */
  path?: string
  /** Its text, if it stands in the kustomization itself. */
  text?: string
  /** The kind that it is for, if it says so. */
  kind?: string
}

function patchesOf(value: Record<string, unknown>): Patch[] {
  const targeted = ['patches', 'patchesJson6902'].flatMap((field) =>
    recordsOf(value[field]).map((patch): Patch => {
      const [path, text] = [textOf(patch['path']), textOf(patch['patch'])]
      const kind = textOf(recordOf(patch['target'])['kind'])
      return { field, ...(path && { path }), ...(text && { text }), ...(kind && { kind }) }
    })
  )
  const merged = textsOf(value['patchesStrategicMerge']).map((entry): Patch => {
    const field = 'patchesStrategicMerge'
    return entry.includes('\n') ? { field, text: entry } : { field, path: entry }
  })
  return [...targeted, ...merged]
}

/** Reports whether a patch may change what the import reads. A target may be a pattern; one that cannot be read may be about anything. */
function concerns({ kind }: Patch, text: string | undefined): boolean {
  const kinds = kind === undefined ? /^\s*(?:- )?["']?kind["']?:\s*(.*)$/gm : undefined
  const named = kinds === undefined ? [kind] : [...(text ?? '').matchAll(kinds)].map(([, each]) => each)
  return named.length === 0 || named.some((each) => /Alert|Provider|Secret|[.*|[(]/.test(each ?? ''))
}

/** The Secret of a generator: its keys, and those values that are legible; undefined if nobody knows the keys. */
function secretOf(
  generator: Record<string, unknown>,
  read: ReadText
): { name: string; data: Record<string, string> } | undefined {
  const name = textOf(generator['name'])
  const envs = [...textsOf(generator['envs']), ...textsOf([generator['env']])].map(read)
  if (name === undefined || envs.includes(undefined)) return undefined
  const lines = envs.flatMap((text) => (text ?? '').split('\n')).filter((line) => /^\s*[^#\s][^=]*=/.test(line))
  const pairs = [...textsOf(generator['literals']), ...lines].map((pair) => cut(pair.trim()))
  const files = textsOf(generator['files']).map((entry) => {
    const [key, path] = cut(entry)
    const text = read(path || key)
    // A file that cannot be read here is taken for encrypted.
    return [path === '' ? (key.split('/').at(-1) ?? key) : key, text ?? 'ENC['] as const
  })
  return { name, data: Object.fromEntries([...pairs, ...files]) }
}

function cut(pair: string): readonly [key: string, value: string] {
  const at = pair.indexOf('=')
  return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1).replace(/^(["'])(.*)\1$/, '$2')]
}

function parsed(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
  } catch {
    return undefined
  }
}

function isSet(value: unknown): boolean {
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null && value !== ''
}

function isLocal(path: string): boolean {
  return !/:\/\/|\?ref=|^git@/.test(path)
}

function recordsOf(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.map(recordOf) : []
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((each) => typeof each === 'string') : []
}
