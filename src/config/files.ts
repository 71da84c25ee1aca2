// Files: reads the config file and those of secrets, and sees when they change. Reading always comes to an end, whatever stands in a
// file's place.
import { closeSync, constants, fstatSync, openSync, readSync, statSync } from 'node:fs'

/** Eight times what a ConfigMap or a Secret may have. A larger file is a wrong one, and would keep everybody waiting. */
const maxBytes = 8 * 1024 * 1024
const chunkBytes = 64 * 1024

export const notThere = 'does not exist'

const why: Record<string, string> = {
  ENOENT: notThere,
  EACCES: 'is not readable by this user: see the modes of the file and of its folders',
  EISDIR: 'is a directory: name the file in it',
  ENOTDIR: 'is not there: a part of its path is a file, not a folder',
  ELOOP: 'is a link to itself'
}

/** The text of `file`, or why it cannot be read, as in `does not exist`. With `waits`, a pipe is waited for until somebody writes to it. */
export function readText(file: string, { waits = false }: { waits?: boolean } = {}): string | { error: string } {
  let opened: number | undefined
  try {
    opened = openSync(file, constants.O_RDONLY | (waits ? 0 : constants.O_NONBLOCK))
    // The next text of a pipe may never come, and nobody would be answered meanwhile.
    if (!waits && fstatSync(opened).isFIFO())
      return { error: 'is a pipe, which can be read only once: write it to a file' }
    const bytes = readUpTo(maxBytes, opened)
    return bytes?.toString('utf8') ?? { error: `has more than ${maxBytes / 1024 / 1024} MiB: is it another file?` }
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? ''
    return { error: why[code] ?? `cannot be read: ${code}` }
  } finally {
    if (opened !== undefined) closeSync(opened)
  }
}

/** Reads all bytes; undefined if there are more than `most`. */
function readUpTo(most: number, opened: number): Buffer | undefined {
  const chunks: Buffer[] = []
  for (let size = 0; size <= most; ) {
    const chunk = Buffer.allocUnsafe(chunkBytes)
    const length = readSync(opened, chunk)
    if (length === 0) return Buffer.concat(chunks)
    chunks.push(chunk.subarray(0, length))
    size += length
  }
  return undefined
}

/**
 * A text that changes when `file` is another one, is written to (also by something that sets its time back, like `cp -p`) or may be
 * read by others than before; undefined if the file cannot be looked at.
 */
export function stampOf(file: string): string | undefined {
  try {
    const { ino, size, mtimeMs, ctimeMs } = statSync(file)
    return `${ino} ${size} ${mtimeMs} ${ctimeMs}`
  } catch {
    return undefined
  }
}
