// Text files: reads what people have, in the encoding that the first bytes name.
import { readFileSync } from 'node:fs'

/** The text of `file`, without a mark of its encoding. */
export function readTextFile(file: string): string {
  return decoded(readFileSync(file))
}

/** Decodes a text. A Windows shell writes UTF-16 with `>`, and some editors there put a mark before UTF-8. */
export function decoded(bytes: Uint8Array): string {
  const [first, second] = bytes
  const isLittle = first === 0xff && second === 0xfe
  const isBig = first === 0xfe && second === 0xff
  return new TextDecoder(isLittle ? 'utf-16le' : isBig ? 'utf-16be' : 'utf-8').decode(bytes)
}
