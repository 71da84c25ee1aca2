// Kustomizations: notice where kustomize changes manifests before the cluster has them, so that importing the files is not enough.
import { parse } from 'yaml'
import type { Remark } from './flux.ts'

/** Fields of a kustomization.yaml that change what Alerts and Providers say, or where they are. */
const changing = [
  ...['namespace', 'namePrefix', 'nameSuffix', 'patches', 'patchesStrategicMerge', 'patchesJson6902'],
  ...['replacements', 'vars', 'components', 'transformers']
]

/** A remark on the kustomization.yaml `text`, where it changes the manifests of its `folder`; undefined where it does not. */
export function kustomizeRemark(text: string, file: string, folder: string): Remark | undefined {
  const value = parsed(text)
  if (value?.['kind'] === 'Component') {
    const message =
      'this is a Component: each kustomization that uses it has its Alerts, in its own namespace. Import what `kubectl get -A -o yaml` shows'
    return { file, line: 1, message }
  }
  const found = changing.filter((field) => isSet(value?.[field]))
  const [first] = found
  if (first === undefined) return undefined
  const line = text.split('\n').findIndex((each) => each.startsWith(`${first}:`)) + 1
  const message = `kustomize changes what this lists (${found.join(', ')}), and the import does not: import what \`kubectl kustomize ${folder}\` prints`
  return { file, line: Math.max(1, line), message }
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
  return Array.isArray(value) ? value.length > 0 : value !== undefined && value !== null
}
