// Flux's Alerts and Providers as what the relay would have to be told to do the same. Pure.
import type { RuleText } from '../rules/schema.ts'
import { faultOf, secretOf, type Target, targetsOf } from './destination.ts'
import { type Alert, collect, isSame, type Provider, type Remark } from './flux.ts'
import type { Manifest } from './manifest.ts'
import { commonMetadata } from './metadata.ts'
import { nameEach } from './names.ts'
import { rulesOf } from './rules.ts'
import { type EventSource, sourcesOf } from './sources.ts'

/** An Alert the relay takes over. */
export interface Takeover {
  alert: Alert
  target: Target
  sources: EventSource[]
  rules: RuleText[]
  /** What is different from the Alert, and on. */
  remarks: Remark[]
}

export interface Import {
  takeovers: Takeover[]
  /** Those that the takeovers send to. */
  targets: Target[]
  /** What all events bear. */
  metadata: Record<string, string>
  /** Everything that was not carried over, or not as it was, in the order of the files. */
  remarks: Remark[]
}

interface Wired {
  alert: Alert
  provider: Provider
}

/** `namespace` is of those manifests that name none. */
export function importFlux(manifests: readonly Manifest[], namespace: string): Import {
  const { alerts, providers, secrets, remarks } = collect(manifests, namespace)
  const wired = alerts.flatMap((alert): Wired[] => {
    const provider = providers.find((other) => isSame(other, { ...alert, name: alert.spec.providerRef.name }))
    const fault = alert.spec.suspend
      ? 'is suspended'
      : provider === undefined
        ? `posts to Provider ${alert.namespace}/${alert.spec.providerRef.name}, which is in none of the files`
        : faultWith(provider, faultOf(provider, secretOf(provider, secrets)))
    if (fault === undefined && provider !== undefined) return [{ alert, provider }]
    const message = `Alert ${alert.namespace}/${alert.name} ${fault}; it is left out`
    remarks.push({ ...alert.at(alert.spec.suspend ? ['spec', 'suspend'] : ['spec', 'providerRef']), message })
    return []
  })

  const used = providers.filter((provider) => wired.some((entry) => entry.provider === provider))
  const targets = targetsOf(used, secrets, remarks)
  const names = nameEach(
    wired.map(({ alert }) => alert),
    '/',
    100
  )
  const taken = new Set<string>()
  const takeovers = wired.flatMap(({ alert, provider }, index): Takeover[] => {
    const own: Remark[] = []
    const target = targets.find((other) => other.provider === provider)
    const sources = sourcesOf(alert, own)
    const name = { name: names[index] ?? alert.name, destination: target?.name ?? '', taken }
    const rules = rulesOf(alert, sources, name, own)
    remarks.push(...own)
    if (target !== undefined && rules.length > 0) return [{ alert, target, sources, rules, remarks: own }]
    remarks.push({
      ...alert.at(),
      message: `Alert ${alert.namespace}/${alert.name} lets nothing through; it is left out`
    })
    return []
  })
  const metadata = commonMetadata(
    takeovers.map(({ alert }) => alert),
    remarks
  )
  return {
    takeovers,
    targets: targets.filter((target) => takeovers.some((takeover) => takeover.target === target)),
    metadata,
    remarks: inOrder(remarks, manifests)
  }
}

function faultWith({ namespace, name }: Provider, fault: string | undefined): string | undefined {
  return fault && `posts to Provider ${namespace}/${name}, which ${fault}`
}

/** By file, in the order they were read, and by line. */
function inOrder(remarks: Remark[], manifests: readonly Manifest[]): Remark[] {
  const files = [...new Set(manifests.map(({ at }) => at().file))]
  return remarks.toSorted((a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line)
}
