// `import`: turns Flux's Alerts, Providers and Secrets into a config of the relay, or into what Flux should have instead.
import { relative } from 'node:path'
import { formatProblem, type Problem } from '../config/problem.ts'
import { configOf } from '../import/config.ts'
import { hmacVariable, type Variable } from '../import/destination.ts'
import type { Remark } from '../import/flux.ts'
import { feedOf } from '../import/flux-side.ts'
import { type Import, importFlux } from '../import/import.ts'
import type { Kustomization } from '../import/kustomization.ts'
import { type Manifest, readManifests } from '../import/manifest.ts'
import { overlay } from '../import/overlays.ts'
import { word } from '../import/shell.ts'
import { cutOut, suspectsIn } from '../secrecy.ts'
import { kustomizationsIn, type ManifestText, manifestTexts } from './manifest-files.ts'
import { plain, print, printError } from './output.ts'

interface Options {
  namespace?: string
  relay: string
  flux?: boolean
  json?: boolean
}

/** Prints the config, and on stderr what to know about it. Resolves to the exit code: 1 if there is nothing to import. */
export async function importFiles(paths: string[], { namespace, relay, flux, json }: Options): Promise<number> {
  const texts = await manifestTexts(paths)
  const read = texts.map((text) => ({ ...text, ...readManifests(text.isForeign ? '' : text.text, text.file) }))
  const problems = read.flatMap((each) => (each.isFound ? [] : each.problems))
  if (problems.length > 0) {
    printError(problems.map(formatProblem).join('\n'))
    return 2
  }
  const kustomizations = kustomizationsIn(paths)
  const { manifests, remarks: changes } = overlay(
    read.flatMap((each) => each.manifests),
    kustomizations
  )
  const imported = importFlux(manifests, namespace)
  const { takeovers, targets } = imported
  const isEmpty = takeovers.length === 0
  const missed = [...passedOver(read), ...(isEmpty ? listedElsewhere(kustomizations, paths) : [])]
  const remarks = [...missed, ...changes, ...imported.remarks].map(discreet)
  const here = namespace ?? 'flux-system'
  if (json) {
    const config = isEmpty ? undefined : configOf(imported)
    const manifestsToApply = isEmpty ? undefined : feedOf(imported, relay, here)
    const variables = variablesOf(targets)
    print(json, { config, flux: manifestsToApply, variables, remarks }, '')
    return isEmpty ? 1 : 0
  }
  for (const { file, line, message } of remarks) printError(`${file}:${line}: ${message}`)
  if (remarks.some(({ message }) => /`kubectl get (-A )?-o yaml`/.test(message))) printError(asInCluster)
  if (isEmpty) {
    printError('there is no Alert for the relay to take over')
    printError(`read: ${inventory(manifests)}`)
    return 1
  }
  process.stdout.write(flux ? feedOf(imported, relay, here) : configOf(imported))
  if (!flux) printError(nextSteps(imported))
  return 0
}

/** The whole command that remarks abbreviate. */
const asInCluster =
  'what the cluster has: kubectl get alerts.notification.toolkit.fluxcd.io,providers.notification.toolkit.fluxcd.io -A -o yaml'

/** Makes a remark fit to print: texts of manifests may be untrusted, or a secret in the wrong field. */
function discreet(remark: Remark): Remark {
  const message = plain(remark.message)
  return { ...remark, message: cutOut(message, suspectsIn(message)) }
}

const lost = 'cannot be read, and is left out: it is a link that leads nowhere, or not for this user'

const foreign =
  'is not YAML, and not read: import what it makes, or what `kubectl get -A -o yaml` shows of its Alerts and Providers'

/** Makes remarks on files of a folder that were not read: such a file may be anything, and must not stop the others. */
function passedOver(read: readonly (ManifestText & { problems: Problem[] })[]): Remark[] {
  return read.flatMap(({ file, text, isLost, isForeign, problems: [first] }) => {
    if (isLost) return [{ file, line: 1, message: lost }]
    if (isForeign) return [{ file, line: 1, message: foreign }]
    const isMissed = /notification\.toolkit|kind"?:\s*"?\w*Secret/.test(text)
    if (first === undefined || !isMissed) return []
    const message = text.includes('{{')
      ? 'a template of Helm, not read: import what `helm template` prints, or what `kubectl get -o yaml` shows'
      : `no YAML, not read: ${first.message}`
    return [{ file, line: first.line, message }]
  })
}

/** Makes remarks on what kustomizations list elsewhere: an overlay has its Alerts from its base, which may be next to the given folder. */
function listedElsewhere(kustomizations: readonly Kustomization[], paths: readonly string[]): Remark[] {
  const isRead = (path: string) => paths.some((folder) => !relative(folder, path).startsWith('..'))
  return kustomizations.flatMap(({ file, folder, lists, remote, lineOf }) => {
    const elsewhere = [...lists.filter((path) => !isRead(path)), ...remote]
    if (elsewhere.length === 0) return []
    const message = `this lists ${elsewhere.join(', ')}, which was not read: import what \`kubectl kustomize ${word(folder)}\` prints`
    const [line] = ['resources', 'bases', 'components'].map(lineOf).filter((at) => at > 1)
    return [{ file, line: line ?? 1, message }]
  })
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

/** Counts manifests by kind: `2 Alerts, 1 Provider`. */
function inventory(manifests: readonly Manifest[]): string {
  const counts = [...Map.groupBy(manifests, ({ kind }) => kind)].map(([kind, { length }]) => count(length, kind))
  return counts.length === 0 ? 'no manifest' : counts.join(', ')
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
