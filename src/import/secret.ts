// Secrets for the import: reads what a Secret holds, or the keys of what makes one.
import { type Manifest, recordOf, refOf, textOf } from './manifest.ts'
import { hasPlaceholder } from './placeholders.ts'

/** The values of a Secret as they are in the cluster, by key; undefined if they are encrypted. */
export type Values = Record<string, string | undefined>

/** Reads a Secret, or something that makes one, of which at most the keys are known, and no values. */
export function secretIn(manifest: Manifest): { name: string; spec: Values } | undefined {
  const { apiVersion, kind, value } = manifest
  const { name } = refOf(manifest)
  if (apiVersion === 'v1' && kind === 'Secret') return { name, spec: plainData(manifest) }
  const spec = recordOf(value['spec'])
  if (kind === 'SealedSecret') {
    const template = recordOf(recordOf(spec['template'])['metadata'])
    return { name: textOf(template['name']) ?? name, spec: unknownValues(Object.keys(recordOf(spec['encryptedData']))) }
  }
  if (kind !== 'ExternalSecret') return undefined
  const target = recordOf(spec['target'])
  const given = Array.isArray(spec['data']) ? spec['data'].map((each) => textOf(recordOf(each)['secretKey'])) : []
  const templated = Object.keys(recordOf(recordOf(target['template'])['data']))
  const keys = templated.length > 0 ? templated : given.filter((key) => key !== undefined)
  // It has `dataFrom`, or no key that can be read: it may have any.
  return keys.length === 0 ? undefined : { name: textOf(target['name']) ?? name, spec: unknownValues(keys) }
}

function unknownValues(keys: readonly string[]): Values {
  return Object.fromEntries(keys.map((key) => [key, undefined]))
}

/** The values of a Secret. In a file of SOPS, the keys are legible and the values are not. */
function plainData({ value: { data, stringData } }: Manifest): Values {
  const read = (texts: unknown, decode: (text: string) => string) =>
    Object.entries((texts ?? {}) as Record<string, unknown>).map(([key, text]) => {
      const isLegible = typeof text === 'string' && !text.startsWith('ENC[') && !hasPlaceholder(text)
      return [key, isLegible ? decode(text) : undefined] as const
    })
  const decoded = read(data, (text) => Buffer.from(text, 'base64').toString())
  return Object.fromEntries([...decoded, ...read(stringData, (text) => text)])
}
