// Text in PostgreSQL: replaces what Flux may send and PostgreSQL cannot store.
import { hash } from 'node:crypto'
import type { ObjectRef } from '../../events/flux.ts'
import { objectKey } from '../../objects/name.ts'

/** PostgreSQL's texts hold every character but one, and refusing it would refuse the whole batch. */
export function storable(text: string): string {
  return text.replaceAll('\0', '\ufffd')
}

// An entry of an index has to fit into a third of its page, 2704 bytes. Kubernetes' own names are far below.
const maxIndexedBytes = 1500

/** As {@link storable}, and short enough for an index: different texts stay different. */
export function indexable(text: string): string {
  const plain = storable(text)
  if (Buffer.byteLength(plain) <= maxIndexedBytes) return plain
  return `${plain.slice(0, 250).toWellFormed()}…${hash('sha256', text)}`
}

/** The name an object is remembered by. */
export function keyOf(object: ObjectRef): string {
  return indexable(objectKey(object))
}
