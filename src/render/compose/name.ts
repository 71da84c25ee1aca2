// Name: what an object is called in a message. Pure.
import type { View } from './view.ts'

/** Returns `apps/podinfo`, unescaped. */
export function nameOf({ object: { kind, namespace, name } }: Pick<View, 'object'>): string {
  return [namespace, name].filter(Boolean).join('/') || kind || 'unnamed object'
}
