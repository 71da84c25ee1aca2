// Text in PostgreSQL: replaces what Flux may send but PostgreSQL cannot store.
import { hash } from 'node:crypto'
import type { ObjectRef } from '../../events/flux.ts'
import { objectKey } from '../../objects/name.ts'

/** Replaces NUL, the only character that PostgreSQL's texts cannot hold: refusing it would refuse the whole batch. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\ufffd')
}

// An index entry has to fit into a third of a page, 2704 bytes. Kubernetes' own names are far shorter.
const maxIndexedBytes = 1500

/** Makes a text {@link storable} and short enough for an index; different texts stay different. */
export function indexable(text: string): string {
  const plain = storable(text)
  if (Buffer.byteLength(plain) <= maxIndexedBytes) return plain
  return `${plain.slice(0, 250).toWellFormed()}…${hash('sha256', text)}`
}

/** The key that an object is remembered by in PostgreSQL. */
export function keyOf(object: ObjectRef): string {
  return indexable(objectKey(object))
}
