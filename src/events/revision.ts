// Revision: parses the revision of a Flux source, in every form Flux has used.

export interface Revision {
  /** As Flux sent it. */
  text: string
  /** Branch, tag or ref before the digest; a chart version is all pointer. */
  pointer: string
  /** Full commit or digest, empty for a chart version. */
  sha: string
  /** For people: `main@abc1234`, `latest@0123abc`, `6.5.3`. */
  short: string
}

const hex = /^[0-9a-f]{7,128}$/i

/**
 * Parses `main@sha1:<hex>`, `sha256:<hex>`, `feature/a/b@sha1:<hex>`, `6.5.3` and, from before Flux 2.0, `main/<hex>`,
 * `HEAD/<hex>` and `<hex>` (RFC-0005; fluxcd/pkg git/utils.go). Anything else is kept whole as the pointer.
 */
export function parseRevision(text: string): Revision {
  const at = text.lastIndexOf('@')
  const colon = text.lastIndexOf(':')
  if (colon > at && hex.test(text.slice(colon + 1))) {
    return revision(text, at < 0 ? '' : text.slice(0, at), text.slice(colon + 1))
  }
  // Split at the last slash, because branch names hold slashes of their own.
  const slash = text.lastIndexOf('/')
  if (at < 0 && hex.test(text.slice(slash + 1)) && text.length - slash - 1 >= 40) {
    return revision(text, text.slice(0, Math.max(slash, 0)), text.slice(slash + 1))
  }
  return revision(text, text, '')
}

function revision(text: string, pointer: string, sha: string): Revision {
  const short = [pointer.replace(/^refs\/(heads|tags)\//, ''), sha.slice(0, 7)].filter(Boolean).join('@')
  return { text, pointer, sha, short }
}
