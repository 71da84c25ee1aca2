// Gist: says what an event is about in one line, decisive words first, and finds what is worth showing beside it.
import { beginning, clean, oneLine } from '../legible.ts'
import type { ObjectRef } from './flux.ts'
import { withAnswersOnOneLine } from './gist/answers.ts'
import { type Applied, appliedIn, sayApplied } from './gist/applied.ts'
import { decisiveLine } from './gist/decisive-line.ts'
import { driftIn } from './gist/drift.ts'
import { shortened } from './gist/error-chain.ts'
import { isVague } from './gist/error-words.ts'
import { type NotReady, notReadyIn, sayNotReady } from './gist/health.ts'
import { foldedLog, helmActionIn, waitedFor, withoutHelmLogs, withoutStamp } from './gist/helm.ts'
import { type ImageUpdate, latestIn, pushIn, sayImage, sayPush } from './gist/images.ts'
import { withoutJson } from './gist/json-body.ts'
import { kustomizeCause } from './gist/kustomize.ts'
import { kyvernoCause } from './gist/kyverno.ts'
import { withoutFields } from './gist/log-line.ts'
import { sopsCause } from './gist/sops.ts'
import { furtherReports, reportIn, withHeadingOnOneLine } from './gist/terraform.ts'
import { inFewerWords } from './gist/wording.ts'
import { redact } from './redaction.ts'

/** The point of a message without the phrases around it. Plain text, nothing escaped, without secrets or control characters. */
export interface Gist {
  /** One line of at most 200 characters, the decisive words within the first 90. Empty for an empty message. */
  what: string
  /** The objects for which a failed health check, or a wait that timed out, was waiting. */
  notReady?: NotReady
  /** Images that were updated, or are the latest. */
  images?: ImageUpdate[]
  /** Objects that were applied or deleted, in the order of the message. */
  objects?: Applied[]
  /** Log lines that add to `what`: at most five, oldest first, without timestamps, equal ones folded: `… (×149)`. */
  log?: string[]
}

export const maxGist = 200

/** Number of texts whose gists are kept: in a storm many events say the same. */
const maxShared = 100
const longestShared = 4000
const sharedGists = new Map<string, Gist>()

/** Returns the gist of `message`, which is about `object`, both as Flux sent them. The work is bounded, whatever the message is. */
export function gistOf(object: ObjectRef, reason: string, message: string): Gist {
  // A message that names its object is read with that name in mind, so its gist is not shared.
  if (message.length > longestShared || message.includes(object.name)) return read(object, reason, message)
  const key = [object.kind, object.namespace, reason, message].join('\n')
  const known = sharedGists.get(key)
  if (known !== undefined) return known
  const gist = read(object, reason, message)
  const [oldest] = sharedGists.keys()
  if (sharedGists.size === maxShared && oldest !== undefined) sharedGists.delete(oldest)
  sharedGists.set(key, gist)
  return gist
}

function read(object: ObjectRef, reason: string, message: string): Gist {
  const text = redact(clean(bounded(message)))
  const { said, lines } = withoutHelmLogs(text)
  const found = driftIn(said, reason, object, maxGist) ?? gistOfSaid(said, object)
  const log = foldedLog(lines)
  const waited = isVagueAtEnd(found.what) ? waitedFor(lines.slice(-400).map(withoutStamp), object) : ''
  const what = waited === '' ? found.what : withWaited(found.what, waited)
  // A pattern that is bounded in characters may cut a surrogate pair in two.
  return { ...found, what: fitted(oneLine(what)).toWellFormed(), ...(log.length > 0 && { log }) }
}

// Errors stand first, or last behind the log of an apply; what is between them is more of the same. Flux documents 39,000
// characters.
const headChars = 49_152
const tailChars = 16_384

/** Returns both ends of `message`, cut between words so that no half of a secret is left. */
function bounded(message: string): string {
  if (message.length <= headChars + tailChars) return message
  const head = message.slice(0, headChars).replace(/\S+$/, '')
  const tail = message.slice(-tailChars).replace(/^\S+/, '')
  return `${head}\n${tail}`
}

const forms: readonly ((text: string, object: ObjectRef) => Gist | undefined)[] = [
  (text) => {
    const push = pushIn(text)
    return push && { what: sayPush(push, maxGist), ...(push.images.length > 0 && { images: push.images.slice(0, 20) }) }
  },
  (text) => {
    const latest = latestIn(text)
    return latest && { what: `${sayImage(latest)} is the latest tag`, images: [latest] }
  },
  (text, object) => {
    const action = helmActionIn(text)
    if (action === undefined) return undefined
    if (action.rest === '') return { what: action.lead }
    const known = knownForm(action.rest, object)
    return known
      ? { ...known, what: led(action.lead, known.what) }
      : { what: causeOf(action.rest, object, action.lead) }
  },
  (text, object) => {
    const report = reportIn(text)
    if (report === undefined) return undefined
    const { title, sentence } = report
    const what = causeOf(sentence, object, title)
    // Terraform's own short title is read first; after a sentence that takes all the room, nobody would read it.
    const isSeen = what.slice(0, title.length <= 32 ? 90 : maxGist - 1).includes(title)
    return { what: isSeen ? what : `${title}: ${causeOf(sentence, object)}` }
  },
  (text, object) => {
    const health = notReadyIn(text)
    if (health === undefined) return undefined
    const { why, whose, ...notReady } = health
    const reason = why === '' ? '' : gistOfSaid(why, object).what
    return { what: sayNotReady({ ...notReady, why: reason, whose }, object, maxGist), notReady }
  },
  (text, object) => {
    const { objects, counts, others } = appliedIn(text)
    return counts.size === 0 || others > 0 ? undefined : { what: sayApplied(objects, counts, object, maxGist), objects }
  }
]

function gistOfSaid(text: string, object: ObjectRef): Gist {
  const gist = knownForm(text, object) ?? { what: causeOf(text, object) }
  const more = furtherReports(text)
  return more > 0 ? { ...gist, what: `${gist.what.replace(/\.$/, '')} (and ${more} more)` } : gist
}

function knownForm(text: string, object: ObjectRef): Gist | undefined {
  for (const form of forms) {
    const found = form(text, object)
    if (found !== undefined) return found
  }
  return undefined
}

/** Puts `lead` before `what`, or only its first word if the whole is too long. */
function led(lead: string, what: string): string {
  const text = `${lead}: ${what}`
  return text.length <= 90 ? text : `${lead.split(' ', 1)[0]}: ${what}`
}

// One line of a hostile message may be the whole message.
const maxLine = 4000

/** Returns the decisive line of `text` in few words, with its cause first if it is long. `lead` will stand before it. */
function causeOf(text: string, object: ObjectRef, lead = ''): string {
  const said = withAnswersOnOneLine(
    withoutJson(withoutFields(withoutOldReason(withHeadingOnOneLine(text).replaceAll(`\n${advice}`, ` ${advice}`))))
  )
  const { line, others } = decisiveLine(
    sopsCause(said) ?? kustomizeCause(said) ?? kyvernoCause(said) ?? withoutQuotedFiles(said)
  )
  const bounded = line.length > maxLine ? `${line.slice(0, 2500)} … ${line.slice(-1400)}` : line
  const cause = shortened(inFewerWords(oneLine(bounded), object), lead)
  return others > 0 ? `${cause} (and ${others} more)` : cause
}

/**
 * Takes out the reason of the API server, which older kustomize-controllers said beside the error: for most webhooks, both are the
 * same text.
 */
function withoutOldReason(text: string): string {
  return text.includes('dry-run failed, reason: ')
    ? text.replace(/(?<=dry-run failed), reason: [\s\S]{0,3000}?, error: /, ': ')
    : text
}

/** Helm puts this on a line of its own after each missing kind, within one list. */
const advice = 'ensure CRDs are installed first'

/** Cuts out whole files and patches that kustomize quotes in the middle of an error. */
function withoutQuotedFiles(text: string): string {
  const rest = text.includes('`') ? text.replace(/`\n[^`]{0,4000}`/g, '`…`') : text
  return rest.includes(' from [')
    ? rest.replace(/(?<= from )\[(?:- )?\w{1,60}: ?[^\n\]]{0,200}\n[^[\]]{0,4000}\](?=: )/g, '[…]')
    : rest
}

function isVagueAtEnd(what: string): boolean {
  return isVague(what.split(': ').at(-1) ?? '')
}

/** Appends what was waited for: `upgrade to ledger 3.14.1: context deadline exceeded; Deployment ledger: 0 of 2 pods ready` */
function withWaited(what: string, waited: string): string {
  const whole = `${what}; ${waited}`
  return whole.length <= 90 ? whole : whole.replace('timed out waiting for the condition', 'timed out')
}

/** Cuts `what` to its limit and keeps `(and 3 more)` at its end. */
function fitted(what: string): string {
  const text = what.replace(/[\s:;,.([{]+$/, '')
  if (text.length <= maxGist) return text
  const count = /(?: \(and \d{1,6} more\)){1,2}$/.exec(text)?.[0] ?? ''
  return `${beginning(text, maxGist - 1 - count.length).trimEnd()}…${count}`
}
