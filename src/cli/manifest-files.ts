// Manifest files: finds the manifests that were asked for, and the kustomizations beside them.
import { readdirSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { buffer } from 'node:stream/consumers'
import { type Kustomization, readKustomization } from '../import/kustomization.ts'
import { decoded, readTextFile } from './text-file.ts'

export interface ManifestText {
  file: string
  text: string
  /** True if it was found in a folder; otherwise it was asked for by its name. */
  isFound: boolean
  /** True if it exists, and could not be read. */
  isLost?: true
  /** True if it makes Alerts or Providers in a language other than YAML. */
  isForeign?: true
}

/** The names that kustomize looks for. */
const kustomizationName = /^(kustomization\.ya?ml|Kustomization)$/

/** Reads the texts at `paths`: files, folders, or `-` for the standard input. Throws if one does not exist. */
export async function manifestTexts(paths: readonly string[]): Promise<ManifestText[]> {
  const found: ManifestText[] = []
  for (const path of paths) found.push(...(await textsAt(path)))
  return found
}

/** Reads the kustomizations in the folders among `paths`. */
export function kustomizationsIn(paths: readonly string[]): Kustomization[] {
  const folders = paths.filter((path) => path !== '-' && statSync(path).isDirectory())
  const files = folders.flatMap(filesBelow).filter((file) => kustomizationName.test(basename(file)))
  return [...new Set(files)].flatMap((file) => {
    const text = textOf(file)
    return text === undefined ? [] : (readKustomization(text, file, textOf) ?? [])
  })
}

async function textsAt(path: string): Promise<ManifestText[]> {
  // Not read at once: what another program prints comes when it comes.
  if (path === '-') return [{ file: '<stdin>', text: decoded(await buffer(process.stdin)), isFound: false }]
  if (!statSync(path).isDirectory()) return [{ file: path, text: readTextFile(path), isFound: false }]
  const files = filesBelow(path)
  const read = files.filter(isManifest).map((file): ManifestText => {
    const text = textOf(file)
    return { file, text: text ?? '', isFound: true, ...(text === undefined && { isLost: true }) }
  })
  const foreign = files
    .filter((file) => foreignName.test(file) && makesAlerts.test(textOf(file) ?? ''))
    .map((file): ManifestText => ({ file, text: '', isFound: true, isForeign: true }))
  return [...read.filter(({ text, isLost }) => isLost || isOfInterest.test(text)), ...foreign]
}

function isManifest(file: string): boolean {
  return /\.(ya?ml|json)$/.test(file) || kustomizationName.test(basename(file))
}

// A folder may contain anything, so only these are read. The chart flux2-notification makes Alerts from values that have no kind.
const isOfInterest =
  /(notification|kustomize)\.toolkit\.fluxcd\.io|\bflux2-notification\b|^\s*"?kind"?:\s*"?(ConfigMap|(Sealed|External)?Secret)\b/m

/** File extensions of languages and templates in which people write manifests. */
const foreignName = /\.(cue|jsonnet|libsonnet|dhall|pkl|nix|k|tf|hcl|tpl|tmpl|gotmpl|j2|jinja2?|erb)$/
const makesAlerts = /notification\.toolkit\.fluxcd\.io[\s\S]*\b(Alert|Provider)\b/

function textOf(path: string): string | undefined {
  try {
    return readTextFile(path)
  } catch {
    return undefined
  }
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !name.startsWith('.') && name !== 'node_modules')
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      return entry.isDirectory() ? filesBelow(path) : [path]
    })
}
