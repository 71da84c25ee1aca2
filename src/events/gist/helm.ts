// Helm: reads what helm-controller says about an action, and the Helm log below it.
import { beginning, oneLine } from '../../legible.ts'
import type { ObjectRef } from '../flux.ts'
import { nameOf } from './wording.ts'

/** An action of Helm. `lead` is `upgrade to ledger 3.14.1`, or one sentence if it succeeded; `rest` is the error. */
export interface HelmAction {
  lead: string
  hasFailed: boolean
  rest: string
}

// helm-controller internal/reconcile: `Helm upgrade failed for release ns/name with chart c@1.2.3: …`,
// `Helm rollback to previous release ns/name.v3 with chart c@1.2.3 succeeded`, and before 2.2 without release and chart.
const action =
  /^Helm (install|upgrade|test|rollback|uninstall)(?: (remediation))?\b([^\n:]{0,600}?) ?\b(failed|succeeded)\b([^\n:]{0,600})(?::\s|\n|$)/
const chart = /\bwith chart (\S{1,253}?)@(\S{1,128})/

const failing: Record<string, string> = {
  install: 'install of',
  upgrade: 'upgrade to',
  test: 'test of',
  rollback: 'rollback to',
  uninstall: 'uninstall of'
}
const done: Record<string, string> = {
  install: 'installed',
  upgrade: 'upgraded to',
  test: 'tests passed:',
  rollback: 'rolled back to',
  uninstall: 'uninstalled'
}

/** Reads the action of Helm that `text` is about; undefined if it is about something else. */
export function helmActionIn(text: string): HelmAction | undefined {
  const found = action.exec(text)
  if (found === null) return undefined
  const [all, verb = '', remediation, before = '', result, after = ''] = found
  const [, name, version] = chart.exec(`${before} ${after}`) ?? []
  const what = name === undefined ? '' : ` ${name} ${version}`
  const hasFailed = result === 'failed'
  const words = (hasFailed ? failing[verb] : done[verb]) ?? verb
  const lead = what === '' ? (hasFailed ? verb : words.replace(/ to$|:$/, '')) : `${words}${what}`
  const isRemedy = remediation !== undefined && !lead.startsWith('rolled')
  return { lead: isRemedy ? `${lead} as remediation` : lead, hasFailed, rest: text.slice(all.length).trim() }
}

// A program that hands the event on may have put it on one line.
const logs = /(?:^|\s)\s{0,20}Last Helm logs:/

/** Splits `text` into the message and the lines of the Helm log below it. */
export function withoutHelmLogs(text: string): { said: string; lines: string[] } {
  const start = logs.exec(text)
  // If there is nothing before the log, the log is the message.
  if (start === null || text.slice(0, start.index).trim() === '') return { said: text, lines: [] }
  const lines = text
    .slice(start.index + start[0].length)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
  return { said: text.slice(0, start.index).trimEnd(), lines }
}

const stamp =
  /^(?:\d{4}[-/]\d\d[-/]\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d| [A-Z]{3,4})?(?: m=\S{1,30})?:?\s{1,4}/
/** Returns a line of a log without its timestamp. */
export function withoutStamp(line: string): string {
  return line.replace(stamp, '')
}

const omitted = /\((\d{1,9}) duplicate lines? omitted\)$/
const remarkable =
  /\b(?:not ready|fail(?:ed|ure|s)?|errors?|warning|timed out|exceeded|denied|forbidden|not found|unable|cannot)\b/i

/** Maximum number of lines of a log worth showing. */
const maxLines = 5
const maxLine = 200

/** Chooses the lines of a log that are worth showing, oldest first, without timestamps, equal lines as one. */
export function foldedLog(lines: readonly string[]): string[] {
  const counts = new Map<string, number>()
  let last = ''
  for (const line of lines.slice(-400)) {
    const times = Number(omitted.exec(line)?.[1] ?? 0)
    const text = beginning(oneLine(withoutStamp(line.replace(omitted, ''))), maxLine)
    if (text !== '') last = text
    if (last !== '') counts.set(last, (counts.get(last) ?? 0) + times + (text === '' ? 0 : 1))
  }
  const all = [...counts]
  const chosen = new Set(
    all
      .toReversed()
      .filter(([text]) => remarkable.test(text))
      .slice(0, maxLines)
  )
  for (const one of all.toReversed()) if (chosen.size < maxLines) chosen.add(one)
  return all.filter((one) => chosen.has(one)).map(([text, count]) => (count > 1 ? `${text} (×${count})` : text))
}

const pods =
  /^(\w{1,63}) is not ready: (?:([\w-]{1,63})\/)?([\w.-]{1,253})\. (\d{1,6}) out of (\d{1,6}) expected pods (?:are|have been)/
const unbound =
  /^(\w{1,63}) (?:is|has|does) (not (?:ready|bound|have)[\w ]{0,60}|failed): (?:([\w-]{1,63})\/)?([\w.-]{1,253})/

/** The job of a hook: `web-init: Jobs active: 1, jobs failed: 3, jobs succeeded: 0` */
const job = /^([\w.-]{1,253}): Jobs active: \d{1,6}, jobs failed: (\d{1,6}), jobs succeeded: \d{1,6}$/

/** Returns what a log last says Helm waited for, such as `Deployment ledger: 0 of 2 pods ready`; empty if it says nothing of it. */
export function waitedFor(log: readonly string[], object: ObjectRef): string {
  for (const line of log.toReversed()) {
    const [, kind, namespace = '', name, ready, wanted] = pods.exec(line) ?? []
    if (kind !== undefined && name !== undefined) {
      return `${nameOf({ kind, namespace, name }, object)}: ${ready} of ${wanted} pods ready`
    }
    const [, other, state, place = '', named] = unbound.exec(line) ?? []
    if (other !== undefined && named !== undefined) {
      return `${nameOf({ kind: other, namespace: place, name: named }, object)} ${state?.replace(/^not have/, 'has no')}`
    }
    const [, hook, failures] = job.exec(line) ?? []
    if (hook !== undefined) return failures === '0' ? `Job ${hook} not done` : `Job ${hook}: ${failures} failed`
  }
  return ''
}
