// Words of clicks: say to whoever pressed a button what came of it, and why somebody was notified. Pure.
import { sayWhyNot } from '../rehearsal/rehearsal.ts'
import type { Named } from '../render/compose/card.ts'
import { nameOf } from '../render/compose/name.ts'
import { eventPage } from '../render/compose/pages.ts'
import { messageRoom } from '../render/slack/limits.ts'
import { code, cut, link, plain, prose, time } from '../render/slack/mrkdwn.ts'
import type { EventDetail } from '../store/records.ts'

/** Objects, and rules that did not match, that are named. */
const maxNamed = 10
const maxRules = 5

/** What is known of the latest event of an entry of a card; `event` is undefined where it is not kept any more. */
export interface Told {
  entry: Named
  event: EventDetail | undefined
}

/** Why a card is there: of each incident on it what it is, who was notified by which rule, and what else did not match. */
export function sayWhy(told: readonly Told[], publicUrl: string | undefined): string {
  const paragraphs = told.slice(0, maxNamed).map((each) => sayOne(each, told.length === 1, publicUrl))
  const rest = told.length - maxNamed
  return cut([...paragraphs, ...(rest > 0 ? [`_and ${rest} more_`] : [])].join('\n'), messageRoom.section)
}

function sayOne({ entry: { view, since }, event }: Told, isOnly: boolean, publicUrl: string | undefined): string {
  const name = `*${plain(nameOf(view))}*${view.object.cluster === '' ? '' : ` in ${code(view.object.cluster)}`}`
  const began = since === undefined ? '' : ` fails since ${time(since)}`
  if (event === undefined) return `${name}${began}. Its event is not kept any more.`
  const page = eventPage(publicUrl, event.id)
  const { trace, notifications } = event
  const notified = notifications.map(
    ({ destination, rule, state, reason }) =>
      `${prose(destination)} by the rule ${code(rule)} (${state}${reason === null ? '' : `: ${prose(cut(reason, 120))}`})`
  )
  const sentence = `${name}${began}. Its latest event was ${event.transition} (${plain(event.severity)}, ${plain(cut(event.reason, 80))}), from source ${code(event.source)}. Notified: ${notified.join(', ') || 'nobody'}.`
  if (!isOnly) return sentence
  const matched = trace.verdicts.filter(({ fired }) => fired).map(({ rule }) => code(rule))
  const others = trace.verdicts.flatMap((verdict) =>
    verdict.fired ? [] : [`• ${code(verdict.rule)}: ${prose(cut(sayWhyNot(verdict), 160))}`]
  )
  const quiet = trace.quiet.map(
    ({ rule, destination, because }) =>
      `• ${prose(destination)} is not notified by ${code(rule)}: ${prose(cut(because, 160))}`
  )
  return [
    sentence,
    ...(matched.length > 0 ? [`Rules that match: ${matched.slice(0, maxNamed).join(', ')}.`] : []),
    ...quiet.slice(0, maxRules),
    ...(others.length > 0 ? ['Rules that do not:'] : []),
    ...others.slice(0, maxRules),
    ...(others.length > maxRules ? [`_and ${others.length - maxRules} more_`] : []),
    ...(page === undefined ? [] : [link(page, 'all of it')])
  ].join('\n')
}

/** What to say to who may not. */
export function sayRefusal(operators: readonly string[]): string {
  const who = operators.map((id) => (id.startsWith('S') ? `<!subteam^${id}>` : `<@${id}>`))
  return `You may not do that here. Operators are: ${who.slice(0, maxNamed).join(', ')}. Nothing has changed.`
}

/** What to say where nothing came of it for now. */
export function sayAgain(because: string): string {
  return `That did not work: ${prose(because)}. Nothing has changed; please try again.`
}

/** What to say where the database failed: it may have written it down before. */
export const unsure =
  'The relay could not write that down, or does not know whether it has. Look at the card, and try again where it shows no change.'
