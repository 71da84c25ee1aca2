// Questions: asks whoever is at the terminal.
import { createInterface } from 'node:readline/promises'

/** Returns true if the person at the terminal says yes; Ctrl-C and Ctrl-D are no. False, without a question, if nobody is there. */
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
