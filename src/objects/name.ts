// Object names: make the key that an object is remembered by, and its name in a sentence.
import type { ObjectRef } from '../events/flux.ts'

/** The key that an object is remembered by. */
export function objectKey({ cluster, kind, namespace, name }: ObjectRef): string {
  return `${cluster}/${kind}/${namespace}/${name}`
}

/** The object of a key. A cluster's name may contain a slash; names in Kubernetes may not. */
export function objectOf(key: string): ObjectRef {
  const parts = key.split('/')
  const [kind = '', namespace = '', name = ''] = parts.slice(-3)
  return { cluster: parts.slice(0, -3).join('/'), kind, namespace, name }
}

/** Formats an object for a sentence: `Kustomization apps/shop in prod-eu`. */
export function sayObject({ cluster, kind, namespace, name }: ObjectRef): string {
  return `${kind} ${[namespace, name].filter(Boolean).join('/')}${cluster && ` in ${cluster}`}`
}
