// Wording: how commands name objects and paint states.
import type { Cell } from './output.ts'

interface Named {
  cluster: string
  kind: string
  namespace: string
  name: string
}

/** `HelmRelease prod-eu/payments/ledger` */
export function nameOf({ cluster, kind, namespace, name }: Named): string {
  return `${kind} ${[cluster, namespace, name].filter(Boolean).join('/')}`
}

/** `HelmRelease payments/ledger`, beside a column for the cluster. */
export function nameInCluster(object: Named): string {
  return nameOf({ ...object, cluster: '' })
}

const formats = {
  red: ['failing', 'failed', 'changed', 'dead', 'blocked', 'error'],
  yellow: ['stale', 'repeated', 'pending', 'quiet', 'never', 'unknown', 'waits', 'warn'],
  green: ['healthy', 'recovered', 'updated', 'sent', 'active', 'open'],
  gray: ['muted', 'discarded', 'heartbeat', 'informed', 'info']
} as const

/** A word for a state: red fails, yellow waits or is not known, green is well. */
export function painted(word: string): Cell {
  const format = (Object.keys(formats) as (keyof typeof formats)[]).find((format) =>
    (formats[format] as readonly string[]).includes(word)
  )
  return format === undefined ? word : { text: word, format }
}
