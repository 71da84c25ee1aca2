// Notices of the relay: its config file, its bounds and its API. Pure.
import { basename } from 'node:path'
import { sayDuration } from '../duration.ts'
import { clean } from '../legible.ts'
import type { View } from '../render/compose/view.ts'
import { code, cut, prose } from '../render/slack/mrkdwn.ts'
import { newsOf, troubleOf } from './notice.ts'

/** Problems of a config file that are named; the log has all of them. */
const maxProblems = 3
const maxProblem = 200

/** That a change of the config file is refused, or that the file is right again. `problems`: `14:9 "eror" is not …`. */
export function configNotice(
  file: string,
  { problems, since, isOver }: { problems: readonly string[]; since: number; isOver: boolean },
  now: number
): View {
  const named = problems.slice(0, maxProblems).map((problem) => prose(cut(clean(problem), maxProblem)))
  const rest = problems.length - named.length
  const trouble = { kind: 'config', name: basename(file), severity: 'error', reason: 'ConfigRefused' } as const
  if (isOver) return troubleOf(now, { ...trouble, since, isOver, says: 'is right again and in effect' })
  return troubleOf(now, {
    ...trouble,
    since,
    isOver,
    says: 'has mistakes: the change is refused, what was in effect before stays',
    why: [...named, ...(rest > 0 ? [`_and ${rest} more_, which the log has`] : [])].join('\n')
  })
}

/** That as much waits as may. `silentMs`: how long it is not said again. */
export function fullNotice(
  { kind, name, limit }: { kind: keyof typeof fullTexts; name: string; limit: number },
  silentMs: number,
  now: number
): View {
  const { says, why } = fullTexts[kind](limit, name)
  return newsOf(now, {
    kind,
    name: name === '' ? 'flux-relay' : name,
    severity: 'error',
    reason: 'Full',
    says,
    why: `${why} This is not repeated for ${sayDuration(silentMs)}.`,
    page: { path: '/deliveries', label: 'what waits' }
  })
}

const fullTexts = {
  destination: (limit: number, name: string) => ({
    says: `has ${limit} notifications waiting, as many as may: what comes for it now is a dead letter at once`,
    why:
      'Everything else goes on. Mend its webhook, or send less to it; when it has room again, ' +
      `${code(`flux-relay retry --all --destination ${name}`)}.`
  }),
  source: (limit: number) => ({
    says: `has ${limit} notifications of its events waiting, as many as may: its next events are answered 503`,
    why:
      'Flux tries again for the `timeout` of its Provider, then an event is lost. Other sources go on, and so do events ' +
      'that lead to no notification. Look at what it sends, and at the destinations it waits for.'
  }),
  relay: (limit: number) => ({
    says: `${limit} notifications wait, as many as MAX_PENDING allows: events that lead to more are answered 503`,
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
  return newsOf(now, {
    kind: 'api',
    name: 'ADMIN_TOKEN',
    severity: 'warn',
    reason: 'WrongTokens',
    says: `${requests} requests within ${sayDuration(withinMs)} had a wrong token for the dashboard or the API`,
    why:
      `The last came from ${prose(clean(from))}; where a proxy stands in front, that is the proxy. Either a program still has an ` +
      `old ADMIN_TOKEN, or somebody is guessing. This is not repeated for ${sayDuration(silentMs)}.`
  })
}
