// Questions: ask whoever is at the terminal.
import { createInterface } from 'node:readline/promises'

/** Whether whoever is at the terminal says yes. Where nobody is: false, without a question. */
export async function isSure(question: string): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false
  const lines = createInterface({ input: process.stdin, output: process.stderr })
  try {
    return /^y(es)?$/i.test((await lines.question(`${question} [y/N] `)).trim())
  } finally {
    lines.close()
  }
}
