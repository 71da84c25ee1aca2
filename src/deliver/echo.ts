// Echo: takes out of an answer what it repeats of the secret that was sent: of a webhook its address, of an app its token. Pure.

/** `body` without them, whatever the case of their letters. It stays JSON where it is. */
export function withoutEcho(body: string, { url, token }: { url: string; token?: string | undefined }): string {
  const secrets = token === undefined ? secretsOf(url) : [token]
  return secrets.reduce(
    (left, secret) => left.replace(new RegExp(RegExp.escape(secret), 'gi'), () => insteadOf(secret)),
    body
  )
}

/** Digits may be a number, where nothing else may stand. */
function insteadOf(secret: string): string {
  return /^\d+$/.test(secret) ? '1'.repeat(secret.length) : '[redacted]'
}

/** The secret parts of a webhook's address: path and query, and each part of them that is not a word. */
function secretsOf(url: string): string[] {
  if (!URL.canParse(url)) return [url]
  const { pathname, search } = new URL(url)
  const parts = `${pathname}${search}`.split(/[/?&=]/).filter((part) => part.length >= 6 && !isWord(part))
  return [`${pathname}${search}`, pathname, ...parts, ...parts.map(decoded)].filter((part) => part.length > 1)
}

/** The longest word that addresses have in common is `slack_incoming`. */
function isWord(part: string): boolean {
  return /^[a-z_]+$/.test(part) && part.length < 16
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
