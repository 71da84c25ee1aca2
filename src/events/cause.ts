// When the trouble of two objects is the same but for their own names.
import { fingerprint } from './fingerprint.ts'
import type { FluxEvent } from './flux.ts'

/** The fingerprint of what happened, with the object's own name taken out of it. */
export function causeFingerprint({ object: { namespace, name }, reason, message }: FluxEvent): string {
  // Of one or two letters it may stand anywhere.
  const isTelling = name.length >= 3
  return fingerprint(reason, '', message, isTelling ? (text) => withoutName(text, namespace, name) : undefined)
}

const word = /[\w.-]/
const wordAfter = /[\w-]/
// Helm names a release with its number.
const releaseNumber = /^\.v(?:\d+|<n>)/

/** By hand, because a pattern made of each name costs more to compile than all the rest of an event. */
function withoutName(text: string, namespace: string, name: string): string {
  let result = ''
  let done = 0
  for (let at = text.indexOf(name); at >= 0; at = text.indexOf(name, at + 1)) {
    if (at < done) continue
    const qualified = at - namespace.length - 1
    const isQualified = qualified >= done && text.startsWith(`${namespace}/`, qualified)
    const start = isQualified && !word.test(text[qualified - 1] ?? '') ? qualified : at
    if (word.test(text[start - 1] ?? '')) continue
    const after = at + name.length
    const number = releaseNumber.exec(text.slice(after, after + 20))?.[0] ?? ''
    const end = wordAfter.test(text[after + number.length] ?? '') ? after : after + number.length
    if (wordAfter.test(text[end] ?? '')) continue
    result += `${text.slice(done, start)}<name>`
    done = end
  }
  return result + text.slice(done)
}
