// Percent: decodes what people write into addresses. Pure.

/** Decodes the percent-encoding of a part of an address. Returns a part that is not encoded rightly, such as `50%`, as it is. */
export function percentDecoded(part: string): string {
  try {
    return decodeURIComponent(part)
  } catch {
    return part
  }
}
