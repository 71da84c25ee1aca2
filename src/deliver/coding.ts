// Coding: undoes the compression of an answer, and decodes its characters. The relay never asks for compression, but some gateways
// compress: a login page that cannot be read would pass for the yes of a receiver of which nothing is known.
import { brotliDecompressSync, constants, gunzipSync, inflateRawSync, inflateSync, zstdDecompressSync } from 'node:zlib'

/** What 16 KiB can become. Brotli can make more of them; such a body is left as it is. */
const maxOutputLength = 16 * 1024 * 1024

/** Nobody has more proxies in a row, and each coding costs work. */
const maxCodings = 3

const toFlush = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength }

const decoders: Record<string, (bytes: Buffer) => Buffer> = {
  gzip: (bytes) => gunzipSync(bytes, toFlush),
  // Some servers leave out the header of zlib, because they read the name as that of the method (RFC 9110, 8.4.1.2).
  deflate: (bytes) => (isZlib(bytes) ? inflateSync(bytes, toFlush) : inflateRawSync(bytes, toFlush)),
  br: (bytes) => brotliDecompressSync(bytes, { finishFlush: constants.BROTLI_OPERATION_FLUSH, maxOutputLength }),
  zstd: (bytes) => zstdDecompressSync(bytes, { finishFlush: constants.ZSTD_e_flush, maxOutputLength })
}

/** True if the bytes begin with a header of zlib (RFC 1950, 2.2). */
function isZlib([method = 0, flags = 0]: Buffer): boolean {
  return (method & 0x0f) === 8 && (method * 256 + flags) % 31 === 0
}

/**
 * The start of a body as text. Each proxy on the way may have added a `coding`, which its `content-encoding` lists. Bytes that do
 * not decode stay as they are: an error would count as no answer, and the message would be posted again for a day.
 */
export function textOf(bytes: Buffer, coding: string | string[] | undefined): string {
  const codings = String(coding).toLowerCase().split(',').reverse().slice(0, maxCodings)
  const plain = codings.reduce((coded, name) => decoded(coded, name.trim().replace(/^x-/, '')), bytes)
  // Nearly every character of an answer is ASCII, which has zero bytes in UTF-16 only.
  const zero = plain.subarray(0, 4).indexOf(0)
  if (zero === -1) return plain.toString('utf8')
  return new TextDecoder(zero % 2 === 0 ? 'utf-16be' : 'utf-16le').decode(plain)
}

function decoded(bytes: Buffer, coding: string): Buffer {
  try {
    const plain = decoders[coding]?.(bytes) ?? bytes
    return plain.length > 0 ? plain : bytes
  } catch {
    return bytes
  }
}
