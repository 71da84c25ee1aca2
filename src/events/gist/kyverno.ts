// Kyverno: reads why a policy denies an object out of the YAML in the answer of its webhook.

const blocked =
  /\b(?:resource|policy) \S{1,400} (?:was blocked due to the following policies|for resource violations?):?\s/
const rule = /^\s{0,20}([\w./-]{1,120}):\s{1,20}([\w./-]{1,120}):\s{1,20}(?:[|>][-+]?\s{1,20})?(?=(['"]?))/

/**
 * Returns `Deployment/apps/web dry-run failed: …: label team is required [require-labels]`; undefined if `text` is about something
 * else.
 */
export function kyvernoCause(text: string): string | undefined {
  if (!text.includes('olicies') && !text.includes('violation')) return undefined
  const found = blocked.exec(text)
  if (found === null) return undefined
  const rest = text.slice(found.index + found[0].length).slice(0, 4000)
  const [all, policy = '', , quote = ''] = rule.exec(rest) ?? []
  if (all === undefined) return undefined
  const message = saidIn(rest.slice(all.length), quote)
  return `${text.slice(0, found.index).trim()} ${message} [${policy}]`
}

/** The next policy, or the next item of a list of errors around this one. */
const endOfPlain = /\n\s{0,20}[\w./-]{1,120}:(?:\s|$)|\n\n\s{1,20}\* /

/** Returns a scalar on one line, without the words that Kyverno puts around the message of its policy. */
function saidIn(text: string, quote: string): string {
  const end = quote === '' ? text.search(endOfPlain) : endOfScalar(text, quote)
  const scalar = end < 0 ? text : text.slice(quote.length, end)
  return (quote === "'" ? scalar.replaceAll("''", "'") : scalar)
    .replace(/\s{1,200}/g, ' ')
    .replace(/^validation (?:error|failure): /, '')
    .replace(/\.? rule \S{1,120} failed at path .*$/i, '')
    .trim()
}

/** Returns where a quoted scalar ends: within single quotes, YAML doubles a quote. */
function endOfScalar(text: string, quote: string): number {
  for (let at = text.indexOf(quote, 1); at >= 0; at = text.indexOf(quote, at + 1)) {
    if (text[at + 1] !== quote && text[at - 1] !== '\\') return at
    if (text[at + 1] === quote) at++
  }
  return -1
}
