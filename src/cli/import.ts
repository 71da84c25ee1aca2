// `import`: turns Flux's Alerts, Providers and Secrets into a config of the relay, or into what Flux should have instead.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { formatProblem, type Problem } from '../config/problem.ts'
import { configOf } from '../import/config.ts'
import { hmacVariable, type Variable } from '../import/destination.ts'
import { feedOf } from '../import/flux-side.ts'
import { type Import, importFlux } from '../import/import.ts'
import { type Manifest, readManifests } from '../import/manifest.ts'
import { print } from './output.ts'

interface Options {
  namespace: string
  relay: string
  flux?: boolean
  json?: boolean
}

/** Prints the config, and on stderr what to know about it; resolves to the exit code: 1 where there is nothing to import. */
export function importFiles(paths: string[], { namespace, relay, flux, json }: Options): number {
  const manifests: Manifest[] = []
  const problems: Problem[] = []
  for (const { file, text } of paths.flatMap(textsAt)) {
    const read = readManifests(text, file)
    manifests.push(...read.manifests)
    problems.push(...read.problems)
  }
  if (problems.length > 0) {
    process.stderr.write(`${problems.map(formatProblem).join('\n')}\n`)
    return 2
  }
  const imported = importFlux(manifests, namespace)
  const { takeovers, targets, remarks } = imported
  const isEmpty = takeovers.length === 0
  if (json) {
    const config = isEmpty ? undefined : configOf(imported)
    const manifestsToApply = isEmpty ? undefined : feedOf(imported, relay, namespace)
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
  process.stdout.write(flux ? feedOf(imported, relay, namespace) : configOf(imported))
  if (!flux) process.stderr.write(nextSteps(imported))
  return 0
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
}

/** `-` is the standard input. */
function textsAt(path: string): Text[] {
  if (path === '-') return [{ file: '<stdin>', text: readFileSync(0, 'utf8') }]
  if (!statSync(path).isDirectory()) return [{ file: path, text: readFileSync(path, 'utf8') }]
  return filesBelow(path)
    .map((file) => ({ file, text: readFileSync(file, 'utf8') }))
    .filter(({ text }) => isOfInterest.test(text))
}

// A folder may contain anything, such as Helm templates, which are not YAML.
const isOfInterest = /notification\.toolkit\.fluxcd\.io|^\s*"?kind"?:\s*"?Secret\b/m

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
