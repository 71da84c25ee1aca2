// Coding: undoes the compression of an answer. The relay asks nobody to compress, but some gateways do: a login page
// that cannot be read would pass for the yes of a receiver that nothing is known of.
import { brotliDecompressSync, constants, gunzipSync, inflateSync } from 'node:zlib'

/** What 16 KiB can become; brotli can make more of them, and then they are left as they are. */
const maxOutputLength = 16 * 1024 * 1024

const decoders: Record<string, (bytes: Buffer) => Buffer> = {
  gzip: (bytes) => gunzipSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength }),
  deflate: (bytes) => inflateSync(bytes, { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength }),
  br: (bytes) => brotliDecompressSync(bytes, { finishFlush: constants.BROTLI_OPERATION_FLUSH, maxOutputLength })
}

/**
 * The start of a body in plain, where `coding` is its `content-encoding`. What does not decode stays as it is: an error
 * would be no answer, and the message would be posted again for a day.
 */
export function plainBytes(bytes: Buffer, coding: string | string[] | undefined): Buffer {
  const decode = decoders[String(coding).toLowerCase().replace(/^x-/, '')]
  if (decode === undefined) return bytes
  try {
    const plain = decode(bytes)
    return plain.length > 0 ? plain : bytes
  } catch {
    return bytes
  }
}
