// Echo: removes from an answer what it repeats of the secret that was sent: a webhook's address or an app's token. Pure.
import { percentDecoded } from '../percent.ts'

/** `body` without the secret, whatever the case of its letters. A body that is JSON stays JSON. */
export function withoutEcho(body: string, { url, token }: { url: string; token?: string | undefined }): string {
  const secrets = token === undefined ? secretsOf(url) : [token]
  return secrets.reduce(
    (left, secret) => left.replace(new RegExp(RegExp.escape(secret), 'gi'), () => insteadOf(secret)),
    body
  )
}

/** Digits are replaced by digits: they may be a number, and a text in its place would not be JSON. */
function insteadOf(secret: string): string {
  return /^\d+$/.test(secret) ? '1'.repeat(secret.length) : '[redacted]'
}

/** The secret parts of a webhook's address: its path and query, and each part of these that is not a word. */
function secretsOf(url: string): string[] {
  const { pathname, search } = new URL(url)
  const parts = `${pathname}${search}`.split(/[/?&=]/).filter((part) => part.length >= 6 && !isWord(part))
  return [`${pathname}${search}`, pathname, ...parts, ...parts.map(percentDecoded)].filter((part) => part.length > 1)
}

/** True for a plain word. The longest one that addresses have in common is `slack_incoming`. */
function isWord(part: string): boolean {
  return /^[a-z_]+$/.test(part) && part.length < 16
}
