// Signature: proves who sent a request: by generic-hmac's HMAC over the raw bytes, or by the bearer token of a plain
// generic Provider.
import { createHmac, hash, timingSafeEqual } from 'node:crypto'

/** The proofs of origin that a source accepts. With neither keys nor tokens it accepts anyone. */
export interface Credentials {
  hmacKeys: readonly string[]
  tokens: readonly string[]
}

/** Reports whether anyone who reaches the relay can post to a source. */
export function isUnsigned({ hmacKeys, tokens }: Credentials): boolean {
  return hmacKeys.length === 0 && tokens.length === 0
}

export type Authenticity = { ok: true } | { ok: false; because: string }

// Flux names the hash in the header and reserves the right to change it (Provider docs, "HMAC verification").
const signaturePattern = /^(sha224|sha256|sha384|sha512)=([0-9a-f]{56,128})$/

/** Decides whether a request proves that it comes from its source. `because` is fit for the sender to read. */
export function verify(
  body: Buffer,
  headers: { signature: string | undefined; authorization: string | undefined },
  credentials: Credentials
): Authenticity {
  if (isUnsigned(credentials)) return { ok: true }
  const { hmacKeys, tokens } = credentials

  if (hmacKeys.length > 0 && headers.signature !== undefined) {
    const [, algorithm, digest] = signaturePattern.exec(headers.signature) ?? []
    if (algorithm === undefined || digest === undefined) {
      return { ok: false, because: 'X-Signature is not of the form sha256=<hex>' }
    }
    const given = Buffer.from(digest, 'hex')
    // Leaving early shows nothing: a wrong signature always tries every key, and whoever has a right one knows its key.
    for (const key of new Set(hmacKeys.flatMap(formsOf))) {
      const wanted = createHmac(algorithm, key).update(body).digest()
      if (wanted.length === given.length && timingSafeEqual(wanted, given)) return { ok: true }
    }
    return { ok: false, because: 'X-Signature does not match any key of this source' }
  }

  if (tokens.length > 0 && headers.authorization !== undefined) {
    const given = /^Bearer +([^ \t]+)$/i.exec(headers.authorization)?.[1]
    if (given === undefined) return { ok: false, because: 'Authorization is not of the form Bearer <token>' }
    const matched = tokens.map((token) => isSent(given, token.trim())).includes(true)
    return matched ? { ok: true } : { ok: false, because: 'the bearer token is not one of this source' }
  }

  const wanted = [hmacKeys.length > 0 && 'X-Signature', tokens.length > 0 && 'Authorization: Bearer']
  return { ok: false, because: `${wanted.filter(Boolean).join(' or ')} is missing` }
}

/**
 * Returns the forms of a key that Flux may sign with. A Secret made with `echo` ends in a newline: notification-controller 1.3 to
 * 1.6 trimmed it and 1.7 stopped, and the relay's own copy of the key may have it or not.
 */
function formsOf(key: string): string[] {
  const trimmed = key.trim()
  return [key, trimmed, `${trimmed}\n`]
}

/** Returns the X-Signature value that notification-controller's generic-hmac Provider sends for `body`. */
export function sign(body: Buffer, key: string): string {
  return `sha256=${createHmac('sha256', key).update(body).digest('hex')}`
}

/**
 * Reports whether `given`, part of a header as Node reads it, is `token`. Node makes one character of each byte (latin1); Flux and
 * curl send UTF-8, and programs on Node send one byte for each character that fits into one.
 */
export function isSent(given: string, token: string): boolean {
  return [equal(given, token), equal(Buffer.from(given, 'latin1'), token)].includes(true)
}

/** Returns the value of an Authorization header with `token`, for a client that writes one byte per character. */
export function bearer(token: string): string {
  return `Bearer ${Buffer.from(token).toString('latin1')}`
}

/** Compares two secrets in a time that depends on neither: hashing first makes their lengths equal. */
export function equal(a: string | Buffer, b: string | Buffer): boolean {
  return timingSafeEqual(hash('sha256', a, 'buffer'), hash('sha256', b, 'buffer'))
}
