// Questions: asks whoever is at the terminal.
import { createInterface } from 'node:readline/promises'

/** Asks the person at the terminal. Resolves to true if they say yes; to false at Ctrl-C and Ctrl-D, and unasked if nobody is there. */
export async function isSure(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim())
  } catch (error) {
    if ((error as Error).name !== 'AbortError') throw error
    process.stderr.write('\n')
    return false
  } finally {
    lines.close()
  }
}
