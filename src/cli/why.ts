// `why`: explains one event: who was notified and why, what Slack answered, and what each rule made of it.
import type { ListedEvent, OneEvent } from '../../routes/api/events.ts'
import { RelayError } from '../errors.ts'
import { parseRevision } from '../events/revision.ts'
import { paint } from '../paint.ts'
import type { NotificationState } from '../store/records.ts'
import { askedObject } from './asked-object.ts'
import { ask, type ClientOptions } from './client.ts'
import { collect } from './list.ts'
import { age, plain, print } from './output.ts'
import { nameOf } from './say.ts'

/** The most lines of a message that are shown: longer ones contain logs. */
const maxMessageLines = 12

/**
 * Prints what came of `which`: the id of an event, or an object as {@link askedObject} reads it, of which it takes the newest event.
 * Resolves to the exit code: 1 if nobody was notified. Throws NO_ANSWER, with what there is, if there is no such event.
 */
export async function why(which: string, { json, ...relay }: ClientOptions): Promise<number> {
  const id = /^[0-9]+$/.test(which) ? which : await newestOf(which, relay)
  const { status, body } = await ask(relay, 'GET', `/api/events/${encodeURIComponent(id)}`, {}, [200, 404])
  if (status === 404) throw new RelayError('NO_ANSWER', `there is no event ${id}; ${await sayNewest(relay)}`)
  print(json, body, inWords(body))
  return body.notifications.length > 0 ? 0 : 1
}

async function newestOf(which: string, relay: ClientOptions): Promise<string> {
  const { items } = await collect<ListedEvent>(relay, 'events', { ...askedObject(which) }, 1)
  const [newest] = items
  if (newest === undefined)
    throw new RelayError('NO_ANSWER', `there is no event about ${which}; ${await sayNewest(relay)}`)
  return newest.id
}

async function sayNewest(relay: ClientOptions): Promise<string> {
  const { body } = await ask(relay, 'GET', '/api/events', { limit: '1' })
  const [newest] = body.events
  return newest === undefined ? 'none has come yet' : `the newest is ${newest.id}, about ${nameOf(newest.object)}`
}

function inWords(event: OneEvent): string {
  const { id, receivedAt, source, object, transition, severity, reason, message, gist, trace, notifications } = event
  const matched = trace.verdicts.filter(({ fired }) => fired)
  const others = trace.verdicts.filter(({ fired }) => !fired)
  return [
    paint('bold', sentence(event)),
    ...sayStanding(event.standing),
    '',
    plain(`Event ${id}, ${age(receivedAt)} ago (${receivedAt}), from source ${source}`),
    plain(`${nameOf(object)}: ${transition} (${severity}, ${reason})`),
    ...(gist === '' || gist === message.trim() ? [] : [paint('bold', `  ${plain(gist)}`)]),
    ...linesOf(message),
    '',
    ...(trace.acknowledged ? [plain(`✋  ${sayTakenOn(trace.acknowledged)}`)] : []),
    ...notifications.flatMap(sayNotification),
    ...trace.quiet.map(({ rule, destination, because }) =>
      plain(`–  ${destination} is not notified by ${rule}: ${because}`)
    ),
    ...matched.map(({ rule }) => `${paint('green', '✔')}  ${plain(rule)}`),
    ...others.map(({ rule, because, got, wanted }) =>
      paint('gray', plain(`✘  ${rule}: ${because} is ${got?.split('\n', 1)[0]}, wanted ${wanted}`))
    )
  ].join('\n')
}

function sayTakenOn({ by, at }: NonNullable<OneEvent['trace']['acknowledged']>): string {
  return `acknowledged by ${by} since ${at}: nobody was reminded or pinged`
}

/** The present state of the object, and when those who were notified are reminded. */
function sayStanding(standing: OneEvent['standing']): string[] {
  if (standing === null) return []
  const { state, failure, since, seenAt, notified, muted, nextReminderAt, owner } = standing
  if (failure === undefined) return [`The object works, since ${age(since)}.`]
  // An older relay sends no revision.
  const at = failure.revision ? `, at ${parseRevision(failure.revision).short}` : ''
  const is =
    state === 'stale'
      ? `It was failing at its last event, ${age(seenAt)} ago.`
      : `It still fails, for ${age(failure.since)}${at}.`
  const names = [...new Set(notified.map(({ destination }) => destination))]
  const who =
    muted !== undefined
      ? ''
      : ` ${names.length > 0 ? `Notified of it: ${names.join(', ')}` : 'Nobody was notified of it'}.`
  return [plain(`${is}${who}${owner === undefined ? '' : ` Its owner is ${owner}.`} ${sayNext(muted, nextReminderAt)}`)]
}

function sayNext(muted: NonNullable<OneEvent['standing']>['muted'], nextReminderAt: string | null): string {
  if (muted !== undefined)
    return `Withheld by ${muted.by}, which ends ${muted.untilRecovered ? 'when it recovers' : `in ${age(muted.endsAt)}`}.`
  if (nextReminderAt === null) return 'No reminder is due.'
  const isDue = Date.parse(nextReminderAt) <= Date.now()
  return isDue
    ? 'If it fails again, a reminder is sent.'
    : `If it fails again, the next reminder is due in ${age(nextReminderAt)}.`
}

/** The answer to the first question: who was notified, or why nobody was. */
function sentence({ notifications, trace, transition }: OneEvent): string {
  const byState = Map.groupBy(notifications, ({ state }) => state)
  const named = (state: NotificationState) =>
    [...new Set((byState.get(state) ?? []).map(({ destination }) => destination))].join(', ')
  const parts = [
    byState.has('sent') && `${named('sent')}: notified`,
    byState.has('pending') && `${named('pending')}: ${waitsFor(byState.get('pending') ?? [])}`,
    byState.has('dead') && `${named('dead')}: undeliverable`,
    byState.has('muted') && `${named('muted')}: ${whyMuted(byState.get('muted') ?? [])}`,
    byState.has('discarded') && `${named('discarded')}: discarded`
  ].filter((part) => part !== false)
  if (parts.length > 0) return plain(`${parts.join('; ')}.`)
  const [quiet] = trace.quiet
  if (quiet) return plain(`Nobody was notified: ${quiet.because}.`)
  return trace.verdicts.some(({ fired }) => fired)
    ? `Nobody was notified: no rule that matches sends what is ${transition}.`
    : 'Nobody was notified: no rule matches.'
}

type Notification = OneEvent['notifications'][number]

function waitsFor(pending: readonly Notification[]): string {
  return pending.find(({ reason }) => reason !== null)?.reason ?? 'waiting'
}

/** Why notifications were withheld: `passed by itself after 40 s`, `withheld by db upgrade`. */
function whyMuted(muted: readonly Notification[]): string {
  const reasons = [...new Set(muted.flatMap(({ reason }) => reason ?? []))]
  return reasons.length > 0 ? reasons.slice(0, 3).join('; ') : 'withheld'
}

function linesOf(message: string): string[] {
  const lines = message.trim().split('\n')
  const shown = lines.slice(0, maxMessageLines).map((line) => `  ${plain(line)}`)
  return lines.length > maxMessageLines ? [...shown, `  … and ${lines.length - maxMessageLines} more lines`] : shown
}

function sayNotification({
  id,
  rule,
  destination,
  state,
  reason,
  message
}: OneEvent['notifications'][number]): string[] {
  const because = reason === null ? '' : `: ${reason}`
  const attempts = (message?.attempts ?? []).map(({ at, answer }) => `     ${age(at)} ago: ${answer}`)
  return [`•  ${destination} by ${rule}: ${state}${because} (notification ${id})`, ...attempts].map(
    (line) => `${line.startsWith(' ') ? '     ' : ''}${plain(line)}`
  )
}
