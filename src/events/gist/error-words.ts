// Error words: tell which words say that something is wrong, and which say no more than that.

/** Words that say only that something failed: what was tried stands before them, or the reason behind them. */
const vague =
  /^(?:<nil>|context deadline exceeded|context canceled|timed out waiting for the condition|exit status \d+|eof|unexpected eof|i\/o timeout|not found|denied|forbidden|unauthorized|unknown|failed|error|invalid|internal error|unexpected error|\d{3}(?: [A-Z][A-Za-z -]{2,30})?|no such file or directory|is a directory|permission denied|signal: killed|broken pipe|not ready|required value|invalid syntax|value out of range|server misbehaving|no such host|the server could not find the requested resource|connection (?:refused|timed out|reset by peer)|authentication required)\.?$/i

/** Reports whether `text` does not say what failed, or not why. */
export function isVague(text: string): boolean {
  return vague.test(text.trim())
}

const wrong =
  /\b(?:errors?|fail(?:ed|ure|s)?|denied|forbidden|invalid|(?:not|none) (?:\w+ed|been|found|allowed|authori[sz]ed|ready|permitted|valid|yet|expected|set|supported|exist|match|of|a|be)|(?:did|does|do|could|can|should|would|will|may|must|was|were|are|is|has|have|had) not|\w{2,6}n't|(?:rate )?limit (?:exceeded|reached|of)|rate limit|you must|connection (?:\w+ )?(?:closed|lost)|must (?:consist|be|have|match|not|contain)|no \w+|already|wrong|mismatch\w*|cannot|unable|refused|cancell?ed|time(?:d )?out|timeout|expired|missing|required|unauthorized|exceed(?:s|ed)?|conflicts?|unknown|unsupported|unexpected|immutable|violat\w+|blocked|rejected|declined|x509|crash\w*|killed|exhausted|insufficient|stalled|nil pointer|unbound|undefined|duplicate|locked|too (?:many|long|large)|disallowed|prohibited|has no|still exists|multiple matches|not currently|illegal|stale|got [\w ]{1,30}, want|provide credentials|malformed|corrupt\w*|misbehaving|absent|in(?:correct|consistent|complete)|un(?:healthy|available|reachable))\b|[a-z](?:Exceeded|Failed|Error|Denied|Exception|NotFound|Exists|InUse|Timeout)\b/i

/** Reports whether `text` says that something is wrong. */
export function isWrong(text: string): boolean {
  return wrong.test(text)
}

/** Matches a link that says what was tried, in words that are the same for every object. */
export const attempt =
  /^(?:(?:error|failed|failure|unable|could not|couldn't|cannot|can't|unknown|unexpected|invalid|error(?:ed)? while)\b[^'"/\d]{0,80}|[A-Za-z][^'"/\d]{0,60} (?:error|failed|failure))$/i

/** Matches attempts that are dropped even in the middle of a chain. */
export const tried = /^(?:error|failed|failure|unable|could not|couldn't|cannot|can't)\b/i
