// Error words: tells what says that something is wrong, and what says no more than that.

/** Says only that something failed. What was tried stands before it, or why behind it. */
const vague =
  /^(?:<nil>|context deadline exceeded|context canceled|timed out waiting for the condition|exit status \d+|eof|unexpected eof|i\/o timeout|not found|denied|forbidden|unauthorized|unknown|failed|error|invalid|internal error|unexpected error|\d{3}(?: [A-Z][A-Za-z ]{2,30})?|no such file or directory|is a directory|permission denied|signal: killed|broken pipe|not ready|required value|connection (?:refused|timed out|reset by peer)|authentication required)\.?$/i

/** Whether `text` says nothing of what failed, or nothing of why. */
export function isVague(text: string): boolean {
  return vague.test(text.trim())
}

const wrong =
  /\b(?:errors?|fail(?:ed|ure|s)?|denied|forbidden|invalid|(?:not|none) (?:been|found|allowed|authori[sz]ed|ready|permitted|valid|yet|expected|set|supported|exist|match|of|a|be)|(?:did|was|were|are|has|have) not|n't|no matching|(?:rate )?limit (?:exceeded|reached|of)|rate limit|you must|must (?:be|have|match|not|contain)|no \w+|already|wrong|mismatch\w*|(?<=[a-z])(?:Exceeded|Failed|Error|Denied|Exception|NotFound|Timeout)|cannot|can't|could ?n[o']t|unable|refused|time(?:d )?out|timeout|expired|missing|required|unauthorized|exceeded|conflicts?|unknown|unsupported|unexpected|immutable|already exists|no matches|no such|does not|is not|violat\w+|blocked|rejected|declined|x509|crash\w*|killed|exhausted|insufficient|stalled|nil pointer|unbound|undefined|duplicate|locked|too (?:many|long|large)|disallowed|prohibited|has no|no entry|doesn't)\b/i

/** Whether `text` says that something is wrong. */
export function isWrong(text: string): boolean {
  return wrong.test(text)
}
