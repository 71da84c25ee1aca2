// `import`: turns Flux's Alerts, Providers and Secrets into a config of the relay, or into what Flux should have instead.
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { formatProblem, type Problem } from '../config/problem.ts'
import { configOf } from '../import/config.ts'
import { hmacVariable, type Variable } from '../import/destination.ts'
import type { Remark } from '../import/flux.ts'
import { feedOf } from '../import/flux-side.ts'
import { type Import, importFlux } from '../import/import.ts'
import { kustomizeRemark } from '../import/kustomization.ts'
import { type Manifest, readManifests } from '../import/manifest.ts'
import { print } from './output.ts'

interface Options {
  namespace?: string
  relay: string
  flux?: boolean
  json?: boolean
}

/** Prints the config, and on stderr what to know about it; resolves to the exit code: 1 where there is nothing to import. */
export function importFiles(paths: string[], { namespace, relay, flux, json }: Options): number {
  const texts = paths.flatMap(textsAt)
  const read = texts.map((text) => ({ ...text, ...readManifests(text.text, text.file) }))
  const manifests = read.flatMap((each) => each.manifests)
  const problems = read.flatMap((each) => (each.isFound ? [] : each.problems))
  if (problems.length > 0) {
    process.stderr.write(`${problems.map(formatProblem).join('\n')}\n`)
    return 2
  }
  const imported = importFlux(manifests, namespace)
  const { takeovers, targets } = imported
  const remarks = [...passedOver(read), ...kustomizeRemarks(paths, texts), ...imported.remarks]
  const isEmpty = takeovers.length === 0
  const here = namespace ?? 'flux-system'
  if (json) {
    const config = isEmpty ? undefined : configOf(imported)
    const manifestsToApply = isEmpty ? undefined : feedOf(imported, relay, here)
    const variables = variablesOf(targets)
    print(json, { config, flux: manifestsToApply, variables, remarks }, '')
    return isEmpty ? 1 : 0
  }
  for (const { file, line, message } of remarks) process.stderr.write(`${file}:${line}: ${message}\n`)
  if (isEmpty) {
    process.stderr.write('there is no Alert for the relay to take over\n')
    process.stderr.write(`read: ${inventory(manifests)}\n`)
    return 1
  }
  process.stdout.write(flux ? feedOf(imported, relay, here) : configOf(imported))
  if (!flux) process.stderr.write(nextSteps(imported))
  return 0
}

/** One that was found in a folder may be anything: it does not stand in the way of the others. */
function passedOver(read: readonly (Text & { problems: Problem[] })[]): Remark[] {
  return read.flatMap(({ file, text, problems: [first] }) => {
    if (first === undefined) return []
    const message = text.includes('{{')
      ? 'a template of Helm, not read: import what `helm template` prints, or what `kubectl get -o yaml` shows'
      : `no YAML, not read: ${first.message}`
    return [{ file, line: first.line, message }]
  })
}

/** On each kustomization that changes the Alerts or Providers below it. */
function kustomizeRemarks(paths: readonly string[], texts: readonly Text[]): Remark[] {
  const folders = new Set(texts.filter(({ isFound }) => isFound).flatMap(({ file }) => foldersAbove(file, paths)))
  return [...folders].toSorted().flatMap((folder) =>
    ['kustomization.yaml', 'kustomization.yml'].flatMap((name) => {
      const file = join(folder, name)
      const remark = existsSync(file) ? kustomizeRemark(readFileSync(file, 'utf8'), file, folder) : undefined
      return remark ?? []
    })
  )
}

/** The folder of `file`, and those above it up to the one that was asked for. */
function foldersAbove(file: string, paths: readonly string[]): string[] {
  const top = paths.find((path) => file.startsWith(join(path, '/'))) ?? dirname(file)
  const folders: string[] = []
  for (let folder = dirname(file); ; folder = dirname(folder)) {
    folders.push(folder)
    if (folder === join(top, '.') || folder === dirname(folder)) return folders
  }
}

function nextSteps({ takeovers, targets }: Import): string {
  const variables = variablesOf(targets)
  return [
    `${count(takeovers.length, 'Alert')}, ${count(targets.length, 'destination')}. Set these for the relay:`,
    ...variables.flatMap(({ name, what, command }) =>
      command === undefined ? [`  export ${name}=…   # ${what}`] : [`  export ${name}="$(${command})"`]
    ),
    `  export ${hmacVariable}="$(openssl rand -hex 32)"   # the same in Flux's Secret: import --flux shows how`,
    ''
  ].join('\n')
}

function variablesOf(targets: Import['targets']): Variable[] {
  const all = targets.flatMap(({ variable, others }) => [variable, ...others])
  return all.filter(({ name }, at) => all.findIndex((other) => other.name === name) === at)
}

/** `2 Alerts, 1 Provider`, or that there was nothing of the kind. */
function inventory(manifests: readonly Manifest[]): string {
  const counts = [...Map.groupBy(manifests, ({ kind }) => kind)].map(([kind, { length }]) => count(length, kind))
  return counts.length === 0 ? 'no manifest' : counts.join(', ')
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}

interface Text {
  file: string
  text: string
  /** In a folder; otherwise it was asked for by its name. */
  isFound: boolean
}

/** `-` is the standard input. */
function textsAt(path: string): Text[] {
  if (path === '-') return [{ file: '<stdin>', text: readFileSync(0, 'utf8'), isFound: false }]
  if (!statSync(path).isDirectory()) return [{ file: path, text: readFileSync(path, 'utf8'), isFound: false }]
  return filesBelow(path)
    .map((file) => ({ file, text: readFileSync(file, 'utf8'), isFound: true }))
    .filter(({ text }) => isOfInterest.test(text))
}

// A folder may contain anything.
const isOfInterest = /notification\.toolkit\.fluxcd\.io|^\s*"?kind"?:\s*"?(Sealed|External)?Secret\b/m

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !name.startsWith('.') && name !== 'node_modules')
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) return filesBelow(path)
      return /\.(ya?ml|json)$/.test(entry.name) ? [path] : []
    })
}
