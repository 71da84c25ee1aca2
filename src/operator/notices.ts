// What the operator is told of the relay itself, beside what the lanes say: in the form of any other notification.
import { basename } from 'node:path'
import { sayDuration } from '../duration.ts'
import type { Full } from '../intake/budget.ts'
import type { View } from '../render/compose/view.ts'
import { maxSummary } from '../render/slack/limits.ts'
import { clean, cut } from '../render/slack/mrkdwn.ts'

/** Problems of a config file that are told; the log has all of them. */
const maxProblems = 3
const maxProblem = 200

interface Trouble {
  kind: string
  name: string
  reason: string
  /** The gist, one line. */
  gist: string
  text: string
  since: number
  isOver: boolean
}

/** That a change of the config file is refused, or that the file is right again. `problems`: `14:9 "eror" is not …`. */
export function configNotice(
  file: string,
  { problems, since, isOver }: { problems: readonly string[]; since: number; isOver: boolean },
  now: number
): View {
  const told = problems.slice(0, maxProblems).map((problem) => cut(clean(problem), maxProblem))
  const rest = problems.length - told.length
  const gist = isOver
    ? 'The config file is right again and in effect.'
    : 'A change of the config file is refused; what was in effect before stays.'
  const text = isOver ? gist : [gist, ...told, ...(rest > 0 ? [`… and ${rest} more`] : [])].join('\n')
  return viewOf({ kind: 'config', name: basename(file), reason: 'ConfigRefused', gist, text, since, isOver }, now)
}

/** That a source has been quiet since `since`, or that it posts again. */
export function quietNotice(
  source: string,
  { since, expectMs, isOver }: { since: number; expectMs: number; isOver: boolean },
  now: number
): View {
  const gist = isOver
    ? `Events come again after ${sayDuration(now - since)}.`
    : `No event for ${sayDuration(now - since)}; one is expected every ${sayDuration(expectMs)}.`
  const why =
    'Flux is down or suspended there, or what it posts does not arrive. ' +
    'In that cluster: kubectl -n flux-system get events --field-selector involvedObject.kind=Alert'
  const text = isOver ? gist : `${gist}\n${why}`
  return viewOf({ kind: 'source', name: source, reason: 'SourceQuiet', gist, text, since, isOver }, now)
}

/** That requests come that cannot prove to be of this source. `silentMs`: how long it is not told again. */
export function floodNotice(
  source: string,
  { requests, withinMs, silentMs }: { requests: number; withinMs: number; silentMs: number },
  now: number
): View {
  const gist = `${requests} requests within ${sayDuration(withinMs)} had no valid signature or token; they were refused.`
  const why =
    'If Flux sent them, their events are lost: compare `token` in the Secret of its Provider with the keys of this ' +
    `source. Otherwise somebody else is at the door. This is not told again for ${sayDuration(silentMs)}.`
  return {
    ...frame('source', source, now),
    says: 'informed',
    severity: 'warn',
    reason: 'BadSignatures',
    summary: cut(gist, maxSummary),
    message: `${gist}\n${why}`,
    cause: 'BadSignatures'
  }
}

/** That as much waits as may. `silentMs`: how long it is not said again. */
export function fullNotice({ kind, name, limit }: Full, silentMs: number, now: number): View {
  const { gist, why } = fullTexts[kind](limit, name)
  return {
    ...frame(kind, name === '' ? 'flux-relay' : name, now),
    says: 'informed',
    severity: 'error',
    reason: 'Full',
    summary: cut(gist, maxSummary),
    message: `${gist}\n${why} This is not said again for ${sayDuration(silentMs)}.`,
    cause: 'Full'
  }
}

const fullTexts: Record<Full['kind'], (limit: number, name: string) => { gist: string; why: string }> = {
  destination: (limit, name) => ({
    gist: `${limit} notifications wait for it, as many as may: what comes for it now is a dead letter at once.`,
    why:
      'Everything else goes on. Mend its webhook, or send less to it; when it has room again, ' +
      `flux-relay retry --all --destination ${name}`
  }),
  source: (limit) => ({
    gist: `${limit} notifications of its events wait, as many as may: its next ones are answered 503.`,
    why:
      'Flux tries again for the `timeout` of its Provider, then an event is lost. Other sources go on, and so do events ' +
      'that lead to no notification. Look at what it sends, and at the destinations it waits for.'
  }),
  relay: (limit) => ({
    gist: `${limit} notifications wait, as many as MAX_PENDING allows: events that lead to more are answered 503.`,
    why:
      'Flux tries again for the `timeout` of its Provider, then an event is lost. Mend the webhooks that are gone, or have ' +
      'what waits for them discarded.'
  })
}

/** That somebody tries tokens on the dashboard or the API. `from`: as the socket has it. */
export function wrongTokensNotice(
  { requests, withinMs, from, silentMs }: { requests: number; withinMs: number; from: string; silentMs: number },
  now: number
): View {
  const gist = `${requests} requests within ${sayDuration(withinMs)} had a wrong token for the dashboard or the API.`
  const why =
    `The last came from ${clean(from)}; where a proxy stands in front, that is the proxy. Either a program still has an ` +
    `old ADMIN_TOKEN, or somebody is guessing. This is not repeated for ${sayDuration(silentMs)}.`
  return {
    ...frame('api', 'ADMIN_TOKEN', now),
    says: 'informed',
    severity: 'warn',
    reason: 'WrongTokens',
    summary: cut(gist, maxSummary),
    message: `${gist}\n${why}`,
    cause: 'WrongTokens'
  }
}

function viewOf({ kind, name, reason, gist, text, since, isOver }: Trouble, now: number): View {
  return {
    ...frame(kind, name, now),
    says: isOver ? 'recovered' : 'failed',
    severity: 'error',
    reason: isOver ? '' : reason,
    summary: cut(gist, maxSummary),
    message: text,
    cause: reason,
    failure: { reason, text: gist, since, count: 1 }
  }
}

function frame(kind: string, name: string, at: number) {
  return { object: { cluster: '', kind, namespace: '', name: clean(name) }, controller: 'flux-relay', at }
}
