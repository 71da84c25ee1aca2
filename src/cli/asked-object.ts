// Asked object: reads which object a person means, in the forms that lists, errors and config files have.
import { vocabulary } from '../events/vocabulary.ts'

/** The parts that are given. Those that are not may be anything. */
export interface AskedObject {
  kind: string | undefined
  cluster: string | undefined
  namespace: string | undefined
  name: string
}

/** Reads `apps/web`, `prod/apps/web`, `HelmRelease prod/apps/web` or `HelmRelease/apps/web`. Names of clusters may have slashes. */
export function askedObject(text: string): AskedObject {
  const [, spoken, path = text] = /^([A-Z]\w*) +(.*)$/s.exec(text.trim()) ?? []
  const [name = '', namespace, ...others] = path.trim().split('/').reverse()
  const before = others.reverse().join('/')
  const isKind = spoken === undefined && vocabulary.kind.includes(before)
  return {
    kind: isKind ? before : spoken,
    // A part that is empty is not asked for.
    cluster: isKind ? undefined : before || undefined,
    namespace: namespace || undefined,
    name
  }
}
