// `explain`: shows what the relay would do with an event and why: rule by rule, with the messages.
import type { Config } from '../config/config.ts'
import { formatProblem } from '../config/problem.ts'
import { sayDuration } from '../duration.ts'
import type { FluxEvent } from '../events/flux.ts'
import { clean } from '../legible.ts'
import type { ObjectMemory } from '../objects/memory.ts'
import { paint } from '../paint.ts'
import { parseEvent } from '../rehearsal/event.ts'
import { healthyBefore, type Rehearsed, sayWhyNot, speak, startRehearsal, verdictsOn } from '../rehearsal/rehearsal.ts'
import type { Payload } from '../render/slack/payload.ts'

import { type Owned, ownerOf, sayEntry } from '../rules/owners.ts'
import type { Verdict } from '../rules/rule.ts'
import { unknownName } from '../spelling.ts'
import { loadConfigFile } from './config-file.ts'
import { print, printError } from './output.ts'
import { readTextFile } from './text-file.ts'

interface Options {
  source?: string
  /** Adds the address of each message in Slack's Block Kit Builder. */
  link?: boolean
  objectState?: 'unknown' | 'healthy' | 'failing'
  json?: boolean
}

/** Prints the explanation. Returns the exit code: 1 if nobody would be notified, 2 if a file or an option is faulty. */
export function explain(
  configFile: string,
  eventFile: string,
  { source: named, objectState = 'unknown', link, json }: Options
): number {
  const { config, problems } = loadConfigFile(configFile, { sends: false })
  if (config === undefined) {
    printError(problems.map(formatProblem).join('\n'))
    return 2
  }
  const names = [...config.sources.keys()]
  const source = named ?? (names.length === 1 && names[0] ? names[0] : 'default')
  if (!config.sources.has(source)) {
    printError(`--source: ${unknownName('source', source, names)}`)
    return 2
  }
  const wire = parseEvent(readTextFile(eventFile))
  if (typeof wire === 'string') {
    printError(`${eventFile}: ${wire}`)
    return 2
  }
  const now = Date.now()
  const rehearsal = startRehearsal(config, (event) => memoryOf(objectState, { event, config, now }))
  const rehearsed = rehearsal.receive(wire, now, source)
  rehearsal.end()
  const verdicts = verdictsOn(rehearsed, config)
  const messages = rehearsed.notifications.map((notification) => {
    const { text, payload, ...notified } = speak(notification)
    const forMs = notification.heldUntil === undefined ? 0 : (config.rules.byName.get(notification.rule)?.forMs ?? 0)
    const settles = notification.view.rollout?.is === 'settled'
    const settleMs = settles ? (config.rules.byName.get(notification.rule)?.rollouts?.settleMs ?? 0) : 0
    return {
      ...notified,
      ...(forMs > 0 && { for: sayDuration(forMs) }),
      ...(settleMs > 0 && { settle: sayDuration(settleMs) }),
      text: text.split('\n'),
      ...(link && { builder: builderUrl(payload) }),
      payload
    }
  })
  const { event, transition, trace } = rehearsed
  const { quiet, owner, unformed } = trace
  const answer = { event, transition, rules: verdicts, owner, quiet, unformed, messages }
  print(json, answer, inWords(rehearsed, verdicts, messages))
  return messages.length > 0 ? 0 : 1
}

/** The memory of an object in that state. Of a failing one, everyone was notified. */
function memoryOf(
  state: Options['objectState'],
  { event, config: { rules, owners, destinations }, now }: { event: FluxEvent; config: Config; now: number }
): ObjectMemory | undefined {
  if (state === 'unknown') return undefined
  const healthy = healthyBefore(now)
  if (state === 'healthy') return healthy
  const owner = ownerOf({ event, transition: 'failed' }, owners, (name) => destinations.whyShut(name))
  const notified = rules.all.flatMap(({ name, send, isToOwner }) =>
    [...send, ...(isToOwner ? (owner?.send ?? []) : [])].map((destination) => ({
      rule: name,
      destination,
      at: healthy.since,
      reminders: 0
    }))
  )
  // Nobody says what the failure was, so it counts as another one than that of the event.
  const failure = {
    severity: 'error',
    reason: '',
    revision: '',
    text: '',
    at: healthy.since,
    began: { reason: '', text: '' },
    since: healthy.since,
    count: 1,
    prints: []
  } as const
  return { ...healthy, failure, notified }
}

/** The address at which Slack shows the message. Its builder knows no attachments, so their blocks come after the others. */
function builderUrl({ blocks = [], attachments = [] }: Payload): string {
  const all = [...blocks, ...attachments.flatMap((attachment) => attachment.blocks)]
  return `https://app.slack.com/block-kit-builder/#${encodeURIComponent(JSON.stringify({ blocks: all }))}`
}

function inWords(
  { event, transition, trace }: Rehearsed,
  verdicts: readonly Verdict[],
  messages: readonly {
    destination: string
    rule: string
    says: string
    for?: string
    settle?: string
    text: string[]
    builder?: string
  }[]
): string {
  const { object, severity, reason, source } = event
  // Empty if neither the event, nor its source, nor the file names a cluster.
  const where = object.cluster === '' ? '' : ` in cluster "${object.cluster}"`
  const lines = [
    `${object.kind} ${object.namespace}/${object.name}${where}: ${transition} (${severity}, ${reason}), from source "${source}"`,
    ...sayMore(event),
    '',
    ...verdicts.map(sayVerdict),
    ...sayOwner(trace.owner),
    ...trace.quiet.map(({ rule, destination, because }) => `  –  ${rule} does not notify ${destination}: ${because}`),
    ...(trace.unformed ?? []).map(
      ({ rule, template, because }) => `  !  template ${template} of ${rule} failed: ${because}`
    ),
    ''
  ]
  if (messages.length === 0) lines.push('Nobody is notified.', '')
  for (const { destination, rule, says, for: lasts, settle, text, builder } of messages) {
    const when = lasts ? ` once it has lasted for ${lasts}` : settle ? ` after ${settle} without news of it` : ''
    lines.push(
      `${destination} is notified by ${rule} (${says})${when}:`,
      ...text.map((line) => `  ${line}`),
      ...(builder === undefined ? [] : [`  ${builder}`]),
      ''
    )
  }
  return lines.join('\n')
}

/** What events say since Flux 2.10. */
function sayMore({ action, related }: FluxEvent): string[] {
  const parts = [
    ...(action === '' ? [] : [`action ${clean(action)}`]),
    ...(related ? [`related to ${clean(`${related.kind} ${related.namespace}/${related.name}`)}`] : [])
  ]
  return parts.length === 0 ? [] : [parts.join(', ')]
}

function sayOwner(owner: Owned | undefined): string[] {
  if (owner === undefined) return []
  const { passed = [], send } = owner
  return [
    ...passed.map(
      ({ entry, app, channel, because }) => `  –  entry ${entry} of owners: ${app}:${clean(channel)} ${because}`
    ),
    `  →  the owner is ${send.join(', ')}, by ${sayEntry(owner)}`
  ]
}

function sayVerdict(verdict: Verdict): string {
  return verdict.fired
    ? `  ${paint('green', '✔')}  ${verdict.rule}`
    : paint('gray', `  ✘  ${verdict.rule}: ${sayWhyNot(verdict)}`)
}
