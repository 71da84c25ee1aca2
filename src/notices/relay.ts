// Notices of the relay: reports on its config file, its bounds and its API. Pure.
import { basename } from 'node:path'
import { sayAbout, sayDuration } from '../duration.ts'
import { clean } from '../legible.ts'
import { noClicks } from '../render/compose/buttons.ts'
import type { View } from '../render/compose/view.ts'
import { code, cut, prose, time } from '../render/slack/mrkdwn.ts'
import { asSentence, newsOf, troubleOf } from './notice.ts'

/** The most problems of a config file that are named; the log has all of them. */
const maxProblems = 3
const maxProblem = 200

/**
 * The notice that a change of the config file is refused, or that the file is right again. `problems` are such as
 * `14:9 "eror" is not …`. `isRead` is true if the file could be read, whatever is in it.
 */
export function configNotice(
  file: string,
  { problems, since, isOver, isRead }: { problems: readonly string[]; since: number; isOver: boolean; isRead: boolean },
  now: number
): View {
  const named = problems.slice(0, maxProblems).map((problem) => prose(cut(clean(problem), maxProblem)))
  const rest = problems.length - named.length
  const trouble = { kind: 'config', name: basename(file), severity: 'error', reason: 'ConfigRefused' } as const
  if (isOver) return troubleOf(now, { ...trouble, since, isOver, says: 'is valid again and in effect' })
  return troubleOf(now, {
    ...trouble,
    since,
    isOver,
    says: isRead
      ? 'has mistakes: the change was refused, the previous version stays in effect'
      : 'cannot be read: the previous version stays in effect, until the relay is restarted',
    why: [...named, ...(rest > 0 ? [`_and ${rest} more_, which the log has`] : [])].join('\n')
  })
}

/** The notice that a bound on waiting notifications is reached. It is not repeated for `silentMs`. */
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
    says: `has ${limit} notifications waiting, which is the limit: new ones become dead letters at once`,
    why:
      'Other destinations are not affected. Fix its webhook, or send less to it; when it has room again, ' +
      `${code(`flux-relay retry --all --destination ${name}`)}.`
  }),
  source: (limit: number) => ({
    says: `has ${limit} notifications of its events waiting, which is the limit: its next events are answered 503`,
    why:
      'Flux retries for the `timeout` of its Provider, then an event is lost. Other sources are not affected, nor are events ' +
      'that lead to no notification. Check what it sends, and the destinations that its notifications wait for.'
  }),
  relay: (limit: number) => ({
    says: `${limit} notifications wait, the most that MAX_PENDING allows: events that lead to more are answered 503`,
    why:
      'Flux retries for the `timeout` of its Provider, then an event is lost. Replace the webhooks that are gone, or discard ' +
      'what waits for them.'
  })
}

/** The notice that nothing could be stored from `since` until `until`, in ms. */
export function outageNotice({ since, until }: { since: number; until: number }, now: number): View {
  return newsOf(now, {
    kind: 'relay',
    name: 'flux-relay',
    severity: 'error',
    reason: 'CannotStore',
    says: `could not store events for *${sayAbout(until - since)}*: they were answered 503`,
    why:
      'It can again. Flux tries each event for 14 s, or for 30 s where its Provider has `timeout: 60s`; what did not get through by then is ' +
      'lost, and what still fails comes with the next event of its object. `request refused` in the log says why.',
    facts: [`from ${time(since)} until ${time(until)}`]
  })
}

/** The notice that clicks on the buttons of an app do not come, or do again. `since` is in ms; `isShared` is true if there are replicas. */
export function buttonsNotice(
  app: string,
  {
    since,
    ...change
  }: { since: number } & ({ isOver: true } | { isOver: false; why: string; advice: string; isShared: boolean }),
  now: number
): View {
  const trouble = { kind: 'app', name: app, severity: 'warn', reason: noClicks, since } as const
  if (change.isOver)
    return troubleOf(now, { ...trouble, isOver: true, says: `gets clicks again after *${sayAbout(now - since)}*` })
  const { why, advice, isShared } = change
  const unless = isShared ? ', unless another replica has a connection' : ''
  return troubleOf(now, {
    ...trouble,
    isOver: false,
    says: `has no connection for its buttons: ${prose(clean(why))}`,
    why:
      `${prose(asSentence(advice))} Whoever presses a button meanwhile is shown a warning sign by Slack, and nothing ` +
      `happens${unless}; the dashboard and ${code('flux-relay ack')} work as ever.`,
    facts: [`since ${time(since)}`]
  })
}

/** The notice that somebody tries tokens on the dashboard or the API. `from` is the address of the socket. */
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
      `The last came from ${prose(clean(from))}; behind a proxy, that is the proxy. Either a program still uses an ` +
      `old ADMIN_TOKEN, or somebody is guessing. This is not repeated for ${sayDuration(silentMs)}.`
  })
}
