// Notices of the relay: its config file, its bounds and its API. Pure.
import { basename } from 'node:path'
import { sayDuration } from '../duration.ts'
import { clean } from '../legible.ts'
import type { View } from '../render/compose/view.ts'
import { cut } from '../render/slack/mrkdwn.ts'
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
  const named = problems.slice(0, maxProblems).map((problem) => cut(clean(problem), maxProblem))
  const rest = problems.length - named.length
  const refused = {
    gist: 'A change of the config file is refused; what was in effect before stays.',
    why: problems.length === 0 ? undefined : [...named, ...(rest > 0 ? [`… and ${rest} more`] : [])].join('\n')
  }
  const texts = isOver ? { gist: 'The config file is right again and in effect.' } : refused
  const name = basename(file)
  return troubleOf(now, { kind: 'config', name, severity: 'error', reason: 'ConfigRefused', ...texts, since, isOver })
}

/** That as much waits as may. `silentMs`: how long it is not said again. */
export function fullNotice(
  { kind, name, limit }: { kind: keyof typeof fullTexts; name: string; limit: number },
  silentMs: number,
  now: number
): View {
  const { gist, why } = fullTexts[kind](limit, name)
  return newsOf(now, {
    kind,
    name: name === '' ? 'flux-relay' : name,
    severity: 'error',
    reason: 'Full',
    gist,
    why: `${why} This is not said again for ${sayDuration(silentMs)}.`
  })
}

const fullTexts = {
  destination: (limit: number, name: string) => ({
    gist: `${limit} notifications wait for it, as many as may: what comes for it now is a dead letter at once.`,
    why:
      'Everything else goes on. Mend its webhook, or send less to it; when it has room again, ' +
      `flux-relay retry --all --destination ${name}`
  }),
  source: (limit: number) => ({
    gist: `${limit} notifications of its events wait, as many as may: its next ones are answered 503.`,
    why:
      'Flux tries again for the `timeout` of its Provider, then an event is lost. Other sources go on, and so do events ' +
      'that lead to no notification. Look at what it sends, and at the destinations it waits for.'
  }),
  relay: (limit: number) => ({
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
  return newsOf(now, {
    kind: 'api',
    name: 'ADMIN_TOKEN',
    severity: 'warn',
    reason: 'WrongTokens',
    gist: `${requests} requests within ${sayDuration(withinMs)} had a wrong token for the dashboard or the API.`,
    why:
      `The last came from ${clean(from)}; where a proxy stands in front, that is the proxy. Either a program still has an ` +
      `old ADMIN_TOKEN, or somebody is guessing. This is not repeated for ${sayDuration(silentMs)}.`
  })
}
