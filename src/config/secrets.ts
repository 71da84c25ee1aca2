// Secrets stand in the environment or in files; the config file only names them: ${VARIABLE}, ${file:/path}.
import { readFileSync } from 'node:fs'
import type { Fault } from '../errors.ts'

export interface Secrets {
  /** `text` with its references filled in; a fault is added for each that cannot be. */
  resolve(text: string, path: Fault['path']): string
  /** Every secret that was filled in: none of them may be in any output. */
  values(): readonly string[]
}

const reference = /\$\{(?:file:([^}]+)|([A-Za-z_][A-Za-z0-9_]*))\}/g

export function createSecrets(environment: Record<string, string | undefined>, faults: Fault[]): Secrets {
  const values: string[] = []
  return {
    values: () => values,
    resolve(text, path) {
      return text.replace(
        reference,
        (whole, file: string | undefined, variable: string | undefined, offset: number) => {
          const found = file === undefined ? environment[variable ?? ''] : readSecret(file)
          if (typeof found === 'string' && found.trim() !== '') {
            values.push(found)
            return found
          }
          const message =
            found === undefined
              ? missing(variable)
              : found === '' || typeof found === 'string'
                ? `${whole} is empty`
                : found.error
          faults.push({ path, message, offset })
          return ''
        }
      )
    }
  }
}

function missing(variable: string | undefined): string {
  return `the environment variable ${variable} is not set`
}

function readSecret(file: string): string | { error: string } {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    return { error: `cannot read the secret file ${file}: ${(error as NodeJS.ErrnoException).code}` }
  }
}
