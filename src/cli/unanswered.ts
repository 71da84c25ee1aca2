// Unanswered: says why a request over the network got no answer, or not all of it.

/** Explains an `error` of an HTTP client. `withinMs` is how long was waited. */
export function whyUnanswered(error: unknown, withinMs: number): string {
  const { name, code, message } = error as NodeJS.ErrnoException
  // The code of a TimeoutError is the number 23.
  if (name === 'TimeoutError') return `nothing came within ${withinMs / 1000} s`
  if (code === 'UND_ERR_SOCKET') return `the connection ended before the answer did (${message})`
  return code || message
}
