// Secrets: reads them from the environment or from files; the config file only names them: ${VARIABLE}, ${file:/path}.
import type { Fault } from '../errors.ts'
import { didYouMean } from '../spelling.ts'
import { readText } from './files.ts'

export interface Secrets {
  /**
   * `text` with its references filled in, as one line without white space around it: files end in a line end. A fault is
   * added for each that cannot be.
   */
  fill(text: string, path: Fault['path']): string
  /** Fills in the references of a text that is a secret, wherever it stands. */
  secret(text: string, path: Fault['path']): string
  /** A signing key, as it is: Flux may sign with the line end that it ends in. */
  key(text: string, path: Fault['path']): string
  /** Every secret: none of them may be in any output. */
  values(): readonly string[]
  /** Where a reference could not be filled in: without it, the value may seem to be that of another place. */
  isUnknown(path: Fault['path']): boolean
}

// The last alternative is what only looks like one, and would be taken for the secret itself.
const reference = /\$\{(?:file:([^}]+)|([A-Za-z_][A-Za-z0-9_]*))\}|\$\{[^}]*\}?/g

/** How a shell, Kubernetes, Helm, Windows and vaults write one: here they would be taken for the value itself. */
const foreign =
  /^(?:\$[A-Z_][A-Z\d_]*|\$\([A-Za-z_]\w*\)|\{\{.*\}\}|%[A-Z_][A-Z\d_]*%|<path:.*>|(?:ref\+\w+|op):\/\/.*|vault:.*#.*)$/
/** What SOPS leaves in place of a value: nobody signs with that. */
const encrypted = /^ENC\[AES256_GCM,.*\]$/

const neverSeen = '; where it was set after the relay was started, restart it'
/** As much of it as is not text would be the same character, whoever signs with it or guesses. */
const notText =
  'is not text in UTF-8, so that a part of it is lost: save it as UTF-8, or write a key of random bytes in hex, on both sides'

const rightForm = 'write ${VARIABLE} or ${file:/path}'
const notDecrypted = 'is encrypted by SOPS: decrypt it first (sops --decrypt)'

/** The files that a config file of this `text` names, each once. */
export function filesIn(text: string): string[] {
  return [...new Set([...text.matchAll(reference)].flatMap(([, file]) => file ?? []))]
}

/** Whether `text` refers to a value elsewhere, in whatever form. */
export function refers(text: string): boolean {
  return text.includes('${') || foreign.test(text.trim()) || encrypted.test(text.trim())
}

/** `isRunning`: the relay is, so that its environment is the one that it was started with. */
export function createSecrets(
  environment: Record<string, string | undefined>,
  faults: Fault[],
  { isRunning = false }: { isRunning?: boolean } = {}
): Secrets {
  const values: string[] = []
  const unknown = new Set<string>()
  return {
    values: () => values,
    isUnknown: (path) => unknown.has(String(path)),
    fill,
    secret: (text, path) => kept(text, path, fill),
    key: (text, path) => kept(text, path, replaced)
  }

  function kept(text: string, path: Fault['path'], fillIn: (text: string, path: Fault['path']) => string): string {
    const before = faults.length
    const secret = fillIn(text, path)
    if (faults.length === before && isBlank(secret)) faults.push({ path, message: blank })
    if (secret !== '') values.push(secret)
    return secret
  }

  function fill(text: string, path: Fault['path']): string {
    const filled = replaced(text, path, (value) => value.trim()).trim()
    if (!/[\r\n]/.test(filled)) return filled
    faults.push({ path, message: 'the value filled in here has several lines; it should have one' })
    return filled.replace(/\s*[\r\n]\s*/g, ' ')
  }

  function replaced(text: string, path: Fault['path'], trimmed = (value: string) => value): string {
    if (foreign.test(text.trim())) faults.push({ path, message: `is not a reference; ${rightForm}` })
    if (encrypted.test(text.trim())) faults.push({ path, message: `${notDecrypted}, or ${rightForm}` })
    return text.replace(reference, (whole, file?: string, variable?: string, offset?: number) => {
      const found = read(whole, file, variable)
      if (typeof found === 'string') return trimmed(found)
      faults.push({ path, message: found.error, offset: offset ?? 0 })
      unknown.add(String(path))
      return ''
    })
  }

  function read(whole: string, file: string | undefined, variable: string | undefined): string | { error: string } {
    if (file === undefined && variable === undefined) {
      return { error: `${whole} is not a reference; ${rightForm}` }
    }
    const found = variable === undefined ? readText(file ?? '') : environment[variable]
    if (found === undefined) {
      const guess = didYouMean(variable ?? '', Object.keys(environment))
      return { error: `the environment variable ${variable} is not set${guess || (isRunning ? neverSeen : '')}` }
    }
    const what = variable === undefined ? `the secret file ${file}` : `the environment variable ${variable}`
    if (typeof found !== 'string') return { error: `${what} ${found.error}` }
    if (found.trim() === '') return { error: `${what} is empty` }
    if (encrypted.test(found.trim())) return { error: `${what} ${notDecrypted}` }
    return found.includes('\ufffd') ? { error: `${what} ${notText}` } : found
  }
}

const blank = `this secret is blank, so everybody knows it; ${rightForm}`

/** Nothing to be seen in it, whatever Unicode calls it: white space, marks of order and of direction, joiners. */
function isBlank(secret: string): boolean {
  return /^[\s\p{Cc}\p{Cf}\p{Zs}\u2800\u3164\uffa0]*$/u.test(secret)
}

/** As good as any for what is made of secrets: a webhook URL has to be one. */
export const standIn = 'https://stand-in.invalid/'

/** The same, but a secret that is missing is stood in for. What is not a secret, such as the name of a cluster, still counts. */
export function createStandIns(environment: Record<string, string | undefined>, faults: Fault[]): Secrets {
  return { ...createSecrets(environment, faults), secret: stoodIn('secret'), key: stoodIn('key') }

  function stoodIn(kind: 'secret' | 'key'): Secrets['secret'] {
    return (text, path) => {
      const missing: Fault[] = []
      const secret = createSecrets(environment, missing)[kind](text, path)
      return missing.length > 0 ? standIn : secret
    }
  }
}
