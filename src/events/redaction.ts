// Redaction: takes out of a controller's message whatever opens a door: passwords in URLs, signed queries, tokens, keys.
import { isRandom } from '../secrecy.ts'
import { withoutPrinted, withoutUnparsed } from './printed-values.ts'

// Each pattern consumes what it has looked at, or stops at the next separator, so the work is linear in the text.
const urlRest = /:\/\/[^\s"'<>`]+/g
const httpBefore = /https?$/i

/** Parameters that say what was asked for and never open anything. Any other parameter of a query may be part of a signature. */
const harmless = new Set([
  ...[
    'ref',
    'version',
    'timeout',
    'submodules',
    'depth',
    'tag',
    'branch',
    'commit',
    'path',
    'page',
    'limit',
    'n',
    'last'
  ],
  ...['scope', 'service', 'account', 'list-type', 'prefix', 'delimiter', 'encoding-type', 'max-keys', 'location'],
  ...[
    'api-version',
    'versioning',
    'format',
    'watch',
    'dryrun',
    'fieldmanager',
    'force',
    'fieldvalidation',
    'resourceversion'
  ]
])

// The path behind the host is the key to a channel, as in `webhookUrl` of secrecy.ts.
const webhookPath = /^(\/(?:services|workflows|triggers|api\/webhooks|webhookb2|bot(?=\d+:))\/?).+/
// These stand under any path. They count only if something behind them is as long as a key: Mattermost's /hooks/…, PagerDuty's
// /integration/….
const keyPath = /^(.{0,200}?\/(?:hooks?|integrations?|incoming)\/)(?=.{0,200}[\w-]{18}).+/
/** The path of a Slack webhook whose address has no scheme. */
const bareWebhook = /(?<=\bhooks\.slack(?:-gov)?\.com\/(?:services|workflows|triggers)\/)[\w/-]+/g
/** The path of a Flux Receiver: whoever knows it can call the Receiver, and the host stands elsewhere. */
const receiverPath = /(?<=\/hook\/)[\da-f]{64}(?!\w)/g
/** Credentials without a scheme before them, as in `app:…@tcp(db:3306)`. An image has a digest behind the @. */
const login =
  /(?<![\w./:@-])[\w.-]{1,64}:[^\s:@/"'`,;]{1,128}@(?=(?:tcp6?|udp|unix)\(|(?!sha\d{3}:)[\w.-]{1,253}:\d{1,5}(?!\w))/g

const keyNames = [
  ...[
    'x-(?:amz|goog|ms)-(?:signature|credential|security-token)',
    'sig',
    'signature',
    'awsaccesskeyid',
    'googleaccessid'
  ],
  ...[
    '(?:aws_?)?(?:secret_?)?access[-_]?key(?:[-_]?id)?',
    'account_?key',
    'sharedaccess(?:key|signature)',
    'session_?token'
  ],
  ...['(?:access|refresh|id|private|auth|bearer|job|deploy|x-vault)[-_]?token', 'token', 'api[-_]?key', 'x-api-key'],
  ...['client[-_]?secret', 'secret[-_]?key', 'secret[-_]?id', 'secret', 'private[-_]?key'],
  ...['(?:encryption|signing|integration|licen[cs]e)[-_]?key', 'pass(?:word|wort|wd|phrase|code)?', 'pwd']
].join('|')

/** Words that mean a secret also at the end of another word: PGPASSWORD, rootPassword, dbPass, githubApiKey. */
const lastWords =
  'pass(?:word|wort|wd|phrase)|(?-i:Pass)|(?:api|access|secret|private|encryption|signing)[-_]?key|client[-_]?secret|(?:access|refresh|auth)[-_]?token'

/** A list in brackets, and bytes or a string as Go prints them: `["…"]`, `[]uint8{0x68, 0x75}`, `[]byte("…")`. */
const bracketed = String.raw`\[(?:\](?:u?int8|byte|string)(?:\{[\da-fx, ]{0,20000}\}|\("(?:[^"\\\n]|\\.){0,4000}"\))|[^[\]\n]{1,2000}\])`
/**
 * `name=value`; in JSON and YAML `"name": "value"`, which ends where its quotes do; in Ruby and PHP `name => "value"`. A colon with
 * no quote beside it may begin a sentence, so it does not count.
 */
const keyed = new RegExp(
  String.raw`((?:(?<![A-Za-z0-9]|\/(?=(?:${keyNames})["']))(?:${keyNames})|(?<=[A-Za-z0-9])(?:${lastWords}))(?:["']? ?=>? ?|%3D|["']:\s{0,4}|:\s{0,4}(?=["'])|\\":\s{0,4})\\?["']?)((?<=["'])(?![\s,;)])[^\n"'\\]{1,400}(?=\\?["'])|(?<!["'])${bracketed}|…(?=[\]}])|[^\s"'&,;<>)\\]+)`,
  'gi'
)
/**
 * An option in a command that is a list: `"--password", "…"`, in YAML on two lines. What follows may be another option, which
 * stays.
 */
const listedOption =
  /(["'\s]--?[a-z-]{0,40}(?:pass(?:word|wd|phrase)?|token|client-secret|(?:api|access|secret|private)-key)(?:["'],\s{0,10}["']|["']?\s{0,4}\n\s{0,40}- ["']?))(?!-)[^"'\n]{1,400}/gi
/** `<password>…</password>` */
const element =
  /(<(?:[\w.:-]{0,40}(?:pass(?:word|wd|phrase)|token|secret|(?:api|access|private|secret)[-_]?key))>)[^<>\n]{1,400}(?=<\/)/gi
/** `password: hunter22`, but only if the value is no word, no path and no error code, as in `token: AADSTS7000215: …`. */
const listed = new RegExp(
  String.raw`((?:(?<![A-Za-z0-9])(?:token|pass)|${lastWords}): {0,4})(?!(?-i:[A-Z]{2,10})-?\d{2,8}: )(?=[^\s\d]{0,64}\d|[A-Za-z+/]{40}(?![\w/]))([^\s"'&,;<>()]{8,})(?![\w/])`,
  'gi'
)
/** `--password hunter22`, but not `--token is required`. */
const flagged =
  /(--[a-z-]{0,30}(?:pass(?:word|phrase)?|token|secret|api-key) {1,4})(?!-)(?=\S{0,100}\d)[^\s"'&,;<>()]{4,}/g
/** HTTP headers that hold keys, whatever their values look like. */
const headers =
  /\b((?:(?:private|job|deploy|x-[a-z-]{1,30})-token|(?:[a-z-]{1,20}-)?api-key|(?:set-)?cookie): {1,4})[^\s"',;)]{8,}/gi
/** From a Docker config: `"auth":"…"`, and as Go prints it: `map[auth:… password:…]`. */
const auth = /(\bauth\\?["']?: {0,4}\\?["']?)(?=[A-Za-z+/]{0,64}[\dA-Z=])[A-Za-z\d+/]{12,}={0,2}/g
const mapped = /(?<=[[ ])((?:auth|pass|password|token|secret|key):)[^\s\]]{6,}/g
/** A value that SOPS encrypted is no secret, but long. */
const encrypted = /\bENC\[[A-Z\d_]{1,20},[^\]\s]{1,6000}\]/g

const authorization =
  /\b(authorization["']?\s{0,4}[:=]\s{0,4}["'[]{0,2}(?:(?:bearer|basic|token|negotiate|digest|api-?key|api-token|geniekey|splunk|ssws|sharedkey|aws4-hmac-sha256)\s{1,4})?)(?!\s)([^\s"'\],;]+)/gi
/** A token behind its scheme. `Basic authentication`, `Bearer Token` and `Bearer realm=` hold none. */
const scheme =
  /\b((?:[Bb]earer|[Bb]asic|BEARER|BASIC)\s{1,4})(?![A-Z][a-z]{3,20}(?:[\s.,;:)]|$))(?=[a-z._~+/=-]{0,64}[A-Z\d])[\w.~+/=-]{8,}/g

/** Tokens that their first letters give away. */
const tokens = new RegExp(
  [
    ...['gh[a-z]_[A-Za-z0-9]{16,}', String.raw`github_pat_\w{20,}`, String.raw`gl[a-z]{2,6}-[\w.-]{16,}`],
    ...[String.raw`(?:xox[a-z]|xapp|xwfp)(?:\.xox[a-z])?-[\w.-]{8,}`, '(?:AKIA|ASIA|AROA|AIDA)[A-Z0-9]{16}'],
    ...[String.raw`AIza[\w-]{30,}`, String.raw`ya29\.[\w.-]{16,}`, String.raw`eyJ[\w-]{8,}\.[\w-]{2,}(?:\.[\w-]*)*`],
    ...[
      String.raw`(?:sk|rk|pk)[-_](?:live|test|proj|ant)[-_][\w-]{16,}`,
      'npm_[A-Za-z0-9]{30,}',
      'hf_[A-Za-z0-9]{30,}',
      'pul-[a-f0-9]{40}',
      'glsa_[A-Za-z0-9_]{32,}',
      'do[opr]_v1_[a-f0-9]{32,}'
    ],
    ...[
      String.raw`hv[sbr]\.[\w-]{20,}`,
      'AGE-SECRET-KEY-(?:[A-Z]{1,10}-)?1[A-Z0-9]{8,}',
      String.raw`dckr_(?:pat|oat)_[\w-]{16,}`
    ],
    // Databricks, Shopify, Supabase, New Relic, PagerDuty, Dynatrace: their letters are of one case, so nothing but their beginning tells
    ...[
      'dapi[a-f0-9]{32}',
      'shp(?:at|ca|pa|ss)_[a-f0-9]{32}',
      'sbp_[a-f0-9]{40}',
      'NRAK-[A-Z0-9]{27}',
      'R0[A-Z0-9]{30}(?![\\w-])'
    ],
    ...[String.raw`dt0[a-z]\d\d\.[A-Z0-9]{24}\.[A-Z0-9]{32,}`],
    ...[
      String.raw`AT(?:ATT|BB|CTT)[\w-]{16,}=?[A-F0-9]*`,
      String.raw`SG\.[\w-]{16,}\.[\w-]{16,}`,
      'pypi-[A-Za-z0-9_-]{16,}'
    ]
  ]
    .map((form) => `(?<![\\w-])${form}`)
    .join('|'),
  'g'
)
/** A token of Terraform Cloud. Kept apart, because it may begin with any letter: a pattern with it would be tried at every one. */
const atlas = /(?<![\w-])[A-Za-z0-9]{14}\.atlasv1\.[\w-]{40,}/g
const privateKey = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----[\w+/=\s\\:,-]*/g

const longRun = /(?<![\w+/=~-]|SHA256:)[\w+/=~-]{24,}/g

/**
 * Returns `text` with an ellipsis for each secret. Everything else stays, letter by letter, and redacting twice changes nothing
 * more.
 */
export function redact(text: string): string {
  // This is asked of every event: looking for a word costs less than any pattern.
  const lower = text.toLowerCase()
  let rest = text.includes('://') ? withoutUnparsed(text).replace(urlRest, withoutKeys) : text
  if (text.includes('hooks.slack')) rest = rest.replace(bareWebhook, '…')
  if (text.includes('/hook/')) rest = rest.replace(receiverPath, '…')
  if (text.includes('@')) rest = rest.replace(login, '…@')
  if (text.includes('-----BEGIN ')) rest = rest.replace(privateKey, '…')
  if (named.test(lower)) rest = withoutNamed(rest, lower)
  rest = withoutPrinted(rest, lower)
  if (text.includes('map[')) rest = rest.replace(mapped, '$1…')
  if (text.includes('ENC[')) rest = rest.replace(encrypted, 'ENC[…]')
  if (text.includes('.atlasv1.')) rest = rest.replace(atlas, '…')
  rest = rest.replace(tokens, '…')
  // Only a run with capitals and digits can be a key.
  if (lower === text || !digit.test(text)) return rest
  return rest.replace(longRun, withoutKey)
}

const link = /(https?:\/\/[^\s"'<>`]+)/i
const linkParts = /^(https?:\/\/)(?:[^/?#]*@)?([^/?#]*)([^?#]*)(.*)$/is
const parameter = new RegExp(`([?&](?:${keyNames})=)[^&#]+`, 'gi')

/**
 * Redacts a `text` that somebody wrote to be shown, such as a summary. Its links go on leading somewhere: their paths and queries
 * stay, except for keys, known by their name or their form.
 */
export function redactNote(text: string): string {
  if (!text.includes('://')) return redact(text)
  return text
    .split(link)
    .map((part, at) => (at % 2 === 0 ? redact(part) : linkWithoutKeys(part)))
    .join('')
}

function linkWithoutKeys(text: string): string {
  const [, scheme = '', host = '', path = '', rest = ''] = linkParts.exec(text) ?? []
  const steps = path.replace(webhookPath, '$1…').replace(keyPath, '$1…')
  return `${scheme}${host}${steps}${rest.replace(parameter, '$1…').replace(tokens, '…')}`
}

/** Returns `text` without the values behind names of secrets; `lower` is the whole message in lower case. */
function withoutNamed(text: string, lower: string): string {
  let rest = text
  if (lower.includes('authorization')) {
    rest = rest.replace(authorization, (all, name: string, value: string, at: number, whole: string) => {
      return isSaid(name, value, whole.slice(at + all.length, at + all.length + 40)) ? all : `${name}…`
    })
  }
  if (lower.includes('bearer') || lower.includes('basic')) rest = rest.replace(scheme, '$1…')
  if (keyWords.test(lower)) {
    rest = rest
      .replace(keyed, (all, name: string, value: string, at: number, whole: string) => {
        return isSaid(name, value, whole.slice(at + all.length, at + all.length + 40)) ? all : `${name}…`
      })
      .replace(listed, (all, name: string, value: string) => {
        return value.includes('/') && !isKey(value.replaceAll('/', '')) ? all : `${name}…`
      })
      .replace(flagged, '$1…')
      .replace(listedOption, '$1…')
      .replace(element, '$1…')
  }
  if (headerWords.some((word) => lower.includes(word))) rest = rest.replace(headers, '$1…')
  return lower.includes('auth') ? rest.replace(auth, '$1…') : rest
}

const word = /^(?:[A-Z]?[a-z]{1,20}|[A-Z]{2,20})$/
const endOfWord = /^(?:[\s.;:)]|$)/
const nothing = /^(?:missing|not|required|empty|null|nil|none|true|false|undefined|invalid|unset|expired)$/
const sentence = /^[A-Za-z]{1,20}(?:[:,]? [A-Za-z]{1,20}){3}[\s:,.]/
const absent =
  /^\\?["'](?: (?:is|was|were|could|does|has))? (?:not (?:found|exist|defined|been|be found|set)|missing|undefined|required)\b/

/**
 * Reports whether `value` continues a sentence about what is named, as in `secret 'git-token': not found`, which would say the
 * contrary without it; or is the name of something missing, or of a variable. `after` is the text behind it.
 */
function isSaid(name: string, value: string, after: string): boolean {
  if (/^\$\{?[A-Z][A-Z_]*\}?$/.test(value)) return true
  // The rule of a policy may have such a name: `check-signature: 'failed to verify …'`. A passphrase has words, too.
  if (/(?:token|signature)["']?:\s*["']$/i.test(name) && sentence.test(value)) return true
  if (/["']$/.test(name)) return absent.test(after) && /^[A-Za-z][\w.-]{0,62}$/.test(value) && !isKey(value)
  if (/["']:\s*$/.test(name)) return word.test(value) && endOfWord.test(after)
  if (/^authorization: *$/i.test(name)) return word.test(value) && /^[ ]/.test(after)
  return nothing.test(value) && endOfWord.test(after)
}

/** Every name that stands before a secret contains one of these. */
const keyWords = /key|token|secret|pass|sig|credential|pwd|accessid/
/** Every text with a name before a secret contains one of these. */
const named = /key|token|secret|pass|sig|credential|pwd|accessid|auth|bearer|basic|cookie/
const headerWords = ['-token: ', 'api-key: ', 'cookie: ']
const digit = /\d/
const capital = /[A-Z]/

/** Redacts a URL from its `://` on, which is at `at` in `text`. */
function withoutKeys(rest: string, at: number, text: string): string {
  // Punctuation that ends the sentence is no part of the URL.
  const url = rest.slice(3).replace(/[:,.;)\]}]{1,4}$/, '')
  const end = rest.slice(3 + url.length)
  const { user, after } = authorityOf(url, httpBefore.test(text.slice(Math.max(0, at - 5), at)))
  const question = after.search(/[?#]/)
  const path = question < 0 ? after : after.slice(0, question)
  const query = question < 0 ? '' : after.slice(question)
  const slash = path.indexOf('/')
  const host = slash < 0 ? path : path.slice(0, slash)
  const steps = slash < 0 ? '' : path.slice(slash).replace(webhookPath, '$1…').replace(keyPath, '$1…')
  return `://${user}${host}${steps}${isHarmless(query) ? query : `${query[0]}…`}${end}`
}

/** Returns who logs in, without the password, and what follows. A name alone is a user over ssh, and over HTTP as often a token. */
function authorityOf(url: string, isHttp: boolean): { user: string; after: string } {
  const path = url.search(/[/?#]/)
  const authority = path < 0 ? url : url.slice(0, path)
  const at = authority.lastIndexOf('@')
  if (at >= 0) {
    const user = authority.slice(0, at)
    const isName = user === 'git' || (!isHttp && !user.includes(':'))
    return { user: isName ? `${user}@` : '…@', after: url.slice(at + 1) }
  }
  // A password may hold a slash; but a slash also follows a port.
  const mayBePassword = /:(?!\d{0,5}$)./.test(authority)
  const later = mayBePassword ? url.lastIndexOf('@') : -1
  return later < 0 ? { user: '', after: url } : { user: '…@', after: url.slice(later + 1) }
}

function isHarmless(query: string): boolean {
  return query
    .slice(1)
    .split(/[&;#]/)
    .every((part) => {
      const [name = '', value = ''] = part.split('=', 2)
      return value.length <= 100 && (harmless.has(name.toLowerCase()) || (part === name && name.length <= 20))
    })
}

/**
 * Reports whether `run` mixes letters of both cases and digits as chance does. Names of Kubernetes, commits and digests have no
 * capitals.
 */
function isKey(run: string): boolean {
  return /[A-Z].*[A-Z]/.test(run) && /[a-z]/.test(run) && /\d/.test(run) && isRandom(run)
}

/** Returns `run` without the keys in it: base64 is one key, a path is judged step by step. */
function withoutKey(run: string): string {
  if (!capital.test(run)) return run
  if (!run.includes('/')) return isKey(run) ? '…' : run
  if (run.length >= 32 && isBase64(run)) return '…'
  return run
    .split('/')
    .map((step) => (step.length >= 24 && isKey(step) ? '…' : step))
    .join('/')
}

/** Reports whether `run` is base64 and not a path. The steps of a path are words: of one case, or with only a capital first. */
function isBase64(run: string): boolean {
  const steps = run.replace(/={1,2}$/, '').split('/')
  const isMixed = (step: string) => step.length < 6 || /[a-z][A-Z\d]|\d[A-Za-z]/.test(step)
  return steps.every((step) => /^[A-Za-z\d+]*$/.test(step) && isMixed(step)) && isKey(steps.join(''))
}
