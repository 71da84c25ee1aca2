// Wording: how commands name objects and paint states.
import type { Cell } from './output.ts'

interface Named {
  cluster: string
  kind: string
  namespace: string
  name: string
}

/** The name of an object: `HelmRelease prod-eu/payments/ledger`. */
export function nameOf({ cluster, kind, namespace, name }: Named): string {
  return `${kind} ${[cluster, namespace, name].filter(Boolean).join('/')}`
}

/** The name of an object beside a column for its cluster: `HelmRelease payments/ledger`. */
export function nameInCluster(object: Named): string {
  return nameOf({ ...object, cluster: '' })
}

const formats = {
  red: ['failing', 'failed', 'changed', 'dead', 'blocked', 'error'],
  yellow: ['stale', 'repeated', 'pending', 'quiet', 'never', 'unknown', 'waits', 'warn'],
  green: ['healthy', 'recovered', 'updated', 'sent', 'active', 'open'],
  gray: ['muted', 'discarded', 'heartbeat', 'informed', 'info']
} as const

/** A word for a state, painted: red fails, yellow waits or is not known, green is well. */
export function painted(word: string): Cell {
  const format = (Object.keys(formats) as (keyof typeof formats)[]).find((format) =>
    (formats[format] as readonly string[]).includes(word)
  )
  return format === undefined ? word : { text: word, format }
}
