// SOPS: reads why no key could decrypt a file, out of a report laid out for a terminal.

import { withoutJson } from './json-body.ts'

const heading = /Failed to get the data key required to decrypt the SOPS file\.?/

/** Returns `decryption of a: no identities specified`; undefined if `text` is about something else. */
export function sopsCause(text: string): string | undefined {
  const found = heading.exec(text)
  if (found === null) return undefined
  const object = /decryption failed for '([^'\n]{1,253})'/.exec(text.slice(0, found.index))?.[1]
  const why = reportedBy(text.slice(found.index + found[0].length))
  if (why === '') return undefined
  return `${object === undefined ? 'decryption' : `decryption of ${object}`}: ${why}`
}

/** Returns the error of the first key: the lines behind its bar, joined. */
function reportedBy(text: string): string {
  const lines: string[] = []
  for (const line of text.split('\n').slice(0, 200)) {
    const bar = /^\s{0,40}(-\s{0,8})?\|\s?(.*)$/.exec(line)
    if (bar === null && lines.length > 0) break
    if (bar?.[1] !== undefined && lines.length > 0) break
    if (bar !== null) lines.push((bar[2] ?? '').trim())
  }
  // gpg writes several lines, with the cause last.
  const gpg = lines.findLast((line) => line.startsWith('gpg: decryption failed: '))
  const said = withoutJson(lines.join('\n'))
    .replaceAll('\n', ' ')
    .replace(/ Deprecated\. For verbose messaging.*$/, '')
  return gpg ?? said.replace('failed to create reader for decrypting sops data key with age: ', 'age: ')
}
