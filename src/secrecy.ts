// Secrecy: finds secrets in a text, because they look like one or are known, and takes them out.

/** A part of a text, from `start` up to `end`. */
export type Range = readonly [start: number, end: number]

/**
 * Every path below these is the key to a channel, whatever the host. For texts in which other addresses should stay as they are.
 */
export const webhookUrl = String.raw`(https?:\/\/[^\s"\\/]+\/(?:services|workflows|triggers|api\/webhooks)\/)[^\s"\\]+`

/** A part that a template or a reference fills in, which is no secret itself. */
const placeholder = String.raw`\{\{.*?\}\}|\{%.*?%\}|\$\{[A-Za-z_]\w*\}`

/** An address with a scheme, or one of Slack's without. */
const address = new RegExp(
  String.raw`(?<scheme>\b[a-z][a-z0-9+.-]*:\/\/|\bhooks\.(?=slack))(?<user>[^\s"'<>\\/?#@]*@)?(?<host>(?:${placeholder}|[^\s"'<>\\/?#@])*)(?<rest>(?:${placeholder}|[^\s"'<>])*)`,
  'dgi'
)
const placeholders = new RegExp(placeholder, 'g')

/** Addresses that messages advise the reader to open or write. They are no secrets, and cut short they would be no advice. */
const wellKnown = new Set(['api.slack.com/apps', 'slack.com/api', 'slack-gov.com/api'])

const slackToken = /\b(?:xox[a-z]|xapp|xwfp)(?:\.xox[a-z])?-(?<key>[\w.-]+)/dgi

const longRun = /[A-Za-z0-9_+/=~-]{20,}/g

/** Finds what looks like a secret in `text`: everything of a URL but scheme and host, Slack's tokens, and random text. */
export function suspectsIn(text: string): Range[] {
  const ranges: Range[] = []
  for (const { indices } of text.matchAll(address)) {
    const { user, host, rest } = indices?.groups ?? {}
    if (host && rest && !user && wellKnown.has(text.slice(host[0], rest[1]).replace(/[.,;:)`]+$/, ''))) continue
    if (user !== undefined) ranges.push(...without(placeholders, text, user))
    if (host !== undefined)
      ranges.push(...randomIn(text.slice(...host)).map(([start, end]): Range => [host[0] + start, host[0] + end]))
    // A slash alone leads nowhere, and the first of several may stay.
    if (rest !== undefined) ranges.push(...without(placeholders, text, [rest[0] + 1, rest[1]]))
  }
  for (const { indices } of text.matchAll(slackToken)) if (indices?.groups?.['key']) ranges.push(indices.groups['key'])
  const elsewhere = text.replace(address, (url) => ' '.repeat(url.length))
  return [...ranges, ...randomIn(elsewhere)]
}

function randomIn(text: string): Range[] {
  return [...text.matchAll(longRun)].flatMap(({ 0: run, index }) =>
    isRandom(run) ? [[index, index + run.length]] : []
  )
}

/** Returns `range` of `text` without what `pattern` finds in it. */
function without(pattern: RegExp, text: string, [start, end]: Range): Range[] {
  const ranges: Range[] = []
  let from = start
  for (const { 0: found, index } of text.slice(start, end).matchAll(pattern)) {
    ranges.push([from, start + index])
    from = start + index + found.length
  }
  return [...ranges, [from, end] as const].filter(([from, to]) => from < to)
}

/**
 * Reports whether letters and digits of `run` change kind at every fifth place or more: in words they do so at most where one
 * begins. Of 24 random letters and digits, one in two hundred passes for words; `ResourceSetInputProvider` is not random.
 */
export function isRandom(run: string): boolean {
  const kinds = [...run].flatMap((letter) =>
    /[0-9]/.test(letter) ? 'digit' : /[a-z]/.test(letter) ? 'lower' : /[A-Z]/.test(letter) ? 'upper' : []
  )
  const changes = kinds.filter((kind, at) => {
    const before = kinds[at - 1] ?? kind
    return kind !== before && !(before === 'upper' && kind === 'lower')
  })
  return kinds.length >= 16 && changes.length >= kinds.length / 5
}

/** Secrets that are known, found again in whole or in pieces. */
export interface KnownSecrets {
  add(secret: string): void
  /** Finds every place of `text` that repeats `pieceLength` characters of a secret, or all of a shorter one. */
  in(text: string): Range[]
}

/** This many characters of a secret count as a secret. */
export const pieceLength = 8
/** Shorter pieces occur everywhere. */
const shortest = 4

/** Parts that many addresses have, secrets of nobody. */
const common = /^(services|workflows|triggers|webhooks?|incoming|integrations|https?:?)$/i

export function createKnownSecrets(): KnownSecrets {
  const pieces = new Set<string>()
  const short = new Set<string>()

  function addPart(part: string): void {
    if (common.test(part)) return
    for (let at = 0; at + pieceLength <= part.length; at++) pieces.add(part.slice(at, at + pieceLength))
    if (part.length >= shortest && part.length < pieceLength) short.add(part)
  }

  return {
    add(secret) {
      const plain = secret.trim()
      // Messages may have it as it is, or as it stands in JSON.
      for (const form of new Set([plain, JSON.stringify(plain).slice(1, -1)])) {
        // The parts that all addresses have in common are not secret.
        const parts = /^[a-z][a-z0-9+.-]*:\/\//i.test(form) ? partsOf(form) : form.split(/\s*[\r\n]+\s*/)
        for (const part of parts) addPart(part)
      }
    },
    in(text) {
      const found: Range[] = []
      for (let at = 0; pieces.size > 0 && at + pieceLength <= text.length; at++) {
        if (pieces.has(text.slice(at, at + pieceLength))) found.push([at, at + pieceLength])
      }
      // Looks at each place once instead of at each secret: a file that is wholly wrong has thousands of short texts, and as many
      // messages.
      for (let at = 0; short.size > 0 && at + shortest <= text.length; at++) {
        if (isInWord(text[at - 1])) continue
        for (let end = at + shortest; end < at + pieceLength && end <= text.length; end++)
          if (!isInWord(text[end]) && short.has(text.slice(at, end))) found.push([at, end])
      }
      return merged(found)
    }
  }
}

function isInWord(letter = ''): boolean {
  return /[\w-]/.test(letter)
}

/** Returns the parts of a URL before and behind its host. */
function partsOf(url: string): string[] {
  return suspectsIn(url).flatMap(([start, end]) => url.slice(start, end).split(/[/?&=:@#]/))
}

/** Returns `text` with an ellipsis for each of `ranges`. */
export function cutOut(text: string, ranges: readonly Range[]): string {
  return replaced(text, ranges, () => '…')
}

/** Returns `text` with an asterisk for each character of `ranges`, so that columns stay what they are. */
export function starOut(text: string, ranges: readonly Range[]): string {
  return replaced(text, ranges, (secret) => secret.replace(/[^\s"']/g, '*'))
}

function replaced(text: string, ranges: readonly Range[], instead: (secret: string) => string): string {
  let result = ''
  let done = 0
  for (const [start, end] of merged(ranges)) {
    result += text.slice(done, start) + instead(text.slice(start, end))
    done = end
  }
  return result + text.slice(done)
}

function merged(ranges: readonly Range[]): Range[] {
  const result: [number, number][] = []
  for (const [start, end] of ranges.toSorted((a, b) => a[0] - b[0])) {
    const last = result.at(-1)
    if (last !== undefined && start <= last[1]) last[1] = Math.max(last[1], end)
    else result.push([start, end])
  }
  return result
}
