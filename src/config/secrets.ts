// Secrets: reads secrets from the environment or from files. The config file only names them: ${VARIABLE}, ${file:/path}.
import type { Fault } from '../errors.ts'
import { didYouMean } from '../spelling.ts'
import { readText } from './files.ts'

export interface Secrets {
  /**
   * `text` with its references filled in, as one line without white space around it, because files end in a line end. Adds a fault for
   * each reference that cannot be filled in.
   */
  fill(text: string, path: Fault['path']): string
  /** The same for a text that is a secret, even if it is written out in the file. */
  secret(text: string, path: Fault['path']): string
  /** A signing key, not trimmed: Flux may sign with the line end that it ends in. */
  key(text: string, path: Fault['path']): string
  /** All secrets: none of them may be in any output. */
  values(): readonly string[]
  /** True if a reference could not be filled in: without it, the value may seem to be that of another place. */
  isUnknown(path: Fault['path']): boolean
}

// The last alternative only looks like a reference, and would be taken for the secret itself.
const reference = /\$\{(?:file:([^}]+)|([A-Za-z_][A-Za-z0-9_]*))\}|\$\{[^}]*\}?/g

/** References as a shell, Kubernetes, Helm, Windows and vaults write them. Here they would be taken for the value itself. */
const foreign =
  /^(?:\$[A-Z_][A-Z\d_]*|\$\([A-Za-z_]\w*\)|\{\{.*\}\}|%[A-Z_][A-Z\d_]*%|<path:.*>|(?:ref\+\w+|op):\/\/.*|vault:.*#.*)$/
/** What SOPS leaves in place of a value: nobody signs with that. */
const encrypted = /^ENC\[AES256_GCM,.*\]$/

const neverSeen = '; where it was set after the relay was started, restart it'
/** All bytes that are not text would become the same character, for those who sign and for those who guess. */
const notText =
  'is not text in UTF-8, so that a part of it is lost: save it as UTF-8, or write a key of random bytes in hex, on both sides'

const rightForm = 'write ${VARIABLE} or ${file:/path}'
const notDecrypted = 'is encrypted by SOPS: decrypt it first (sops --decrypt)'

/** The files that a config file of this `text` names, each once. */
export function filesIn(text: string): string[] {
  return [...new Set([...text.matchAll(reference)].flatMap(([, file]) => file ?? []))]
}

/** Reports whether `text` refers to a value elsewhere, in whatever form. */
export function refers(text: string): boolean {
  return text.includes('${') || foreign.test(text.trim()) || encrypted.test(text.trim())
}

/** Reads secrets from `environment` and files. `isRunning` is true if the relay runs, with the environment that it was started with. */
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
      const hasDefault = /^\$\{\w+(?::[-=+?]|[=+?])/.test(whole)
      return { error: `${whole} is not a reference${hasDefault ? ', which has no default' : ''}; ${rightForm}` }
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

/** True if there is nothing to be seen, whatever Unicode calls it: white space, marks of order and of direction, joiners. */
function isBlank(secret: string): boolean {
  return /^[\s\p{Cc}\p{Cf}\p{Zs}\u2800\u3164\uffa0]*$/u.test(secret)
}

/** Stands in for any secret. It is a URL, because a webhook URL has to be one. */
export const standIn = 'https://stand-in.invalid/'

/** The same with a stand-in for each missing secret. What is not a secret, such as the name of a cluster, still has to be there. */
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
