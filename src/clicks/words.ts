// Words of clicks: says to whoever pressed a button what came of it, and why somebody was notified. Pure.

import type { TriedLane } from '../actions/trying.ts'
import type { Silence } from '../mutes/silence.ts'
import { sayWhyNot } from '../rehearsal/rehearsal.ts'
import type { ButtonName } from '../render/compose/buttons.ts'
import { isOpen, type Named } from '../render/compose/card.ts'
import { nameOf } from '../render/compose/name.ts'
import { eventPage } from '../render/compose/pages.ts'
import { messageRoom } from '../render/slack/limits.ts'
import { code, cut, link, plain, prose, time } from '../render/slack/mrkdwn.ts'
import type { EventDetail } from '../store/records.ts'

/** The most objects, and the most rules that did not match, that are named. */
export const maxNamed = 10
const maxRules = 5
/** The most characters of the name of an object, a source or a rule. */
const maxName = 120
/** The most characters for all who were notified, and for all rules that match. */
const maxNotified = 1000
const maxMatched = 400

/** The latest event of an entry of a card. `event` is undefined if it is not kept any more. */
export interface Told {
  entry: Named
  event: EventDetail | undefined
}

/** Explains a card: each incident on it, and who was notified by which rule. If it is the only one, also which rules did not match. */
export function sayWhy(told: readonly Told[], publicUrl: string | undefined): string {
  const [only, ...others] = told
  if (only !== undefined && others.length === 0) return sayOnly(only, publicUrl)
  const paragraphs = told.slice(0, maxNamed).map(sayOne)
  const kept = fitting(paragraphs, messageRoom.section - sayRest(told.length).length - 1)
  return [...kept, sayRest(told.length - kept.length)].filter(Boolean).join('\n')
}

function sayRest(count: number): string {
  return count > 0 ? `_and ${count} more_` : ''
}

/** The first of `lines` that fit into `room`. None is cut: a part of its markup would show as it is. */
function fitting(lines: readonly string[], room: number): string[] {
  let left = room
  const end = lines.findIndex((line) => {
    left -= line.length + 1
    return left < 0
  })
  return lines.slice(0, end < 0 ? lines.length : end)
}

/** The first of `names` that fit into `room`, and the number of the rest. */
function listed(names: readonly string[], room: number): string {
  const kept = fitting(names, room)
  const rest = names.length - kept.length
  return `${kept.join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
}

function sayOne({ entry, event }: Told): string {
  const { view, since } = entry
  const { cluster } = view.object
  const name = `*${plain(cut(nameOf(view), maxName))}*${cluster === '' ? '' : ` in ${code(cut(cluster, maxName))}`}`
  const at = since === undefined ? '' : time(since)
  const began = at && (isOpen(entry) ? ` fails since ${at}` : ` failed at ${at}, which is over`)
  if (event === undefined) return `${name}${began}. Its event is not kept any more.`
  const notified = event.notifications.map(
    ({ destination, rule, state, reason }) =>
      `${prose(destination)} by the rule ${ruleName(rule)} (${state}${reason === null ? '' : `: ${prose(cut(reason, 120))}`})`
  )
  return `${name}${began}. The latest event posted of it was ${event.transition} (${plain(event.severity)}, ${plain(cut(event.reason, 80))}), from source ${code(cut(event.source, maxName))}. Notified: ${listed(notified, maxNotified) || 'nobody'}.`
}

function sayOnly(told: Told, publicUrl: string | undefined): string {
  const { event } = told
  if (event === undefined) return sayOne(told)
  const { trace } = event
  const page = eventPage(publicUrl, event.id)
  const matched = trace.verdicts.filter(({ fired }) => fired).map(({ rule }) => ruleName(rule))
  const others = trace.verdicts.flatMap((verdict) =>
    verdict.fired ? [] : [`• ${ruleName(verdict.rule)}: ${prose(cut(sayWhyNot(verdict), 160))}`]
  )
  const quiet = trace.quiet.map(
    ({ rule, destination, because }) =>
      `• ${prose(destination)} is not notified by ${ruleName(rule)}: ${prose(cut(because, 160))}`
  )
  const last = page === undefined ? [] : [link(page, 'all of it')]
  const lines = [
    sayOne(told),
    ...(matched.length > 0 ? [`Rules that match: ${listed(matched, maxMatched)}.`] : []),
    ...quiet.slice(0, maxRules),
    ...(others.length > 0 ? ['Rules that do not:'] : []),
    ...others.slice(0, maxRules),
    ...(others.length > maxRules ? [sayRest(others.length - maxRules)] : [])
  ]
  return [...fitting(lines, messageRoom.section - last.join().length - 1), ...last].join('\n')
}

function ruleName(rule: string): string {
  return code(cut(rule, maxName))
}

/** The answer to somebody who may not press the button. */
export function sayRefusal(operators: readonly string[]): string {
  const who = operators.map((id) => (id.startsWith('S') ? `<!subteam^${id}>` : `<@${id}>`))
  const rest = who.length - maxNamed
  const all = `${who.slice(0, maxNamed).join(', ')}${rest > 0 ? ` and ${rest} more` : ''}`
  const may = all === '' ? 'Nobody may: the app has no `operators` in the config file.' : `Operators are: ${all}.`
  return `You may not do that here. ${may} Nothing has changed.`
}

/** The answer to somebody of another workspace who asks why. */
export const sayToGuest =
  'Only people of the workspace that the app is in see why somebody was notified: ask one of those in this channel.'

/** The answer if what an object is called cannot be silenced alone. */
export const notAlone =
  'Nothing has changed: what this object is called would be a pattern in a silence, which others match, too. Where that is meant, make the silence by hand, with `flux-relay silence` or on the page of silences.'

/** The answer to a try. `tried` is undefined if nothing waits for any channel of an app. */
export function sayTried(name: string, tried: TriedLane | undefined, isApp: boolean): string {
  const { destinations = [], backlog = 0, limitedUntil } = tried ?? {}
  const which = isApp ? `Slack app ${prose(name)}` : prose(cut(destinations.join(', ') || name, maxNotified))
  if (limitedUntil !== undefined)
    return `${which} waits until ${time(limitedUntil)}, as it was asked to. Nothing has changed.`
  if (backlog === 0) return `Nothing waits for ${which}: it is tried with the next message.`
  const how = isApp ? ', in one of the channels that wait: where Slack takes its token, the others follow' : ''
  return `${which} is tried now${how}.`
}

/** The answer if what a notice is about is not there any more. */
export function sayGone(name: string): string {
  return `${prose(name)} is no longer in the config file: nothing can be sent there. Nothing has changed.`
}

/** The answer if the failure on the card is over. If the object has failed again, another message is about that. */
export const overAlready = 'That failure is over already. Nothing has changed.'

/** The answer to a silence if the message was about one object, and is about several by now. */
export const notOfSeveral =
  'The message is about several objects by now, and a silence from here is about one. Nothing has changed.'

/** The answer if nothing came of it for now. */
export function sayAgain(because: string): string {
  return `That did not work: ${prose(because)}. Nothing has changed; please try again.`
}

/** The answer if a message is not in the database: its post's answer was lost or is on its way, or it was posted again, or elsewhere. */
export const unknownMessage =
  'Nothing has changed: this message is not known to the relay that got the click. Is there another one like it in the channel? Then press there. Was it posted this very moment? Then try again. Do two relays share the app? Then give each an app of its own.'

/** The answer if the database failed, which may have written the click down before. */
export function sayUnsure(button: ButtonName): string {
  if (button === 'why') return sayAgain('the relay cannot read its database')
  const unsure = 'The relay could not write that down, or does not know whether it has.'
  if (button === 'retry' || button === 'try') return `${unsure} Please try again: twice does no harm.`
  return `${unsure} Look at the card, and try again where it shows no change.`
}

/** The answer if an earlier try was written down after all. */
export const doneBefore =
  'That is done, though the database of the relay was away for a moment meanwhile. It takes effect within seconds.'

/** The answer about a silence of `name`. `isKnown` is true if the silence was there before. */
export function saySilenced(
  name: string,
  { endsAt, untilRecovered, author }: Silence,
  publicUrl: string | undefined,
  isKnown = false
): string {
  const until = untilRecovered ? 'until it recovers, 30 days at most' : `until ${time(endsAt)}`
  const ended = `it can be ended ${publicUrl === undefined ? 'by `flux-relay silence`' : `<${publicUrl}/silences|here>`}.`
  if (!isKnown) return `*${prose(name)}* is silenced ${until}. What is withheld is summed up at the end; ${ended}`
  const by = author === '' ? '' : `, by ${prose(author)}`
  return `*${prose(name)}* is silenced ${until} already${by}. Nothing has changed; ${ended}`
}
