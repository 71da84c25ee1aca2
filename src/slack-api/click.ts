// A click: reads what Slack says of a button that was pressed, as far as it is in Slack's form. Pure.
// docs.slack.dev/reference/interaction-payloads/block_actions-payload
import { fieldsOf, isText } from './fields.ts'

export interface Click {
  /** Identifies the click, however often, and in however many envelopes, Slack repeats it. */
  key: string
  /** When the button was pressed, by Slack's clock, in ms. */
  at: number
  user: { id: string; name: string }
  /** True if the user belongs to another workspace or organisation, and clicked in a channel that both share. */
  isGuest: boolean
  /** The message that the button is below. */
  channel: string
  ts: string
  /** The address for answers, within half an hour and five times at most; a secret. */
  answerTo: string
  /** The `action_id` of the button, and the value of the button or of the option that was chosen. */
  button: string
  value: string
}

/** docs.slack.dev/reference: IDs have some ten characters. */
const idPattern = /^[A-Z][A-Z0-9]{2,40}$/
const maxName = 80

/** Reads a click. Undefined if `payload` is no press of a button below a message. */
export function readClick(payload: unknown): Click | undefined {
  const { type, user, team, enterprise, container, response_url: answerTo, actions } = fieldsOf(payload)
  const { action_id: button, action_ts: at, value, selected_option: chosen } = fieldsOf(listOf(actions)[0])
  const { id, username, name, team_id: home } = fieldsOf(user)
  const { channel_id: channel, message_ts: ts } = fieldsOf(container)
  if (type !== 'block_actions' || !isId(id) || !isId(channel) || !isText(ts) || !isText(at) || !isText(button))
    return undefined
  // An app of a whole organisation has no workspace of its own.
  const places = [fieldsOf(team)['id'], fieldsOf(team)['enterprise_id'], fieldsOf(enterprise)['id']]
  return {
    key: `${id} ${ts} ${button} ${at}`.slice(0, 200),
    at: Number(at) * 1000 || 0,
    user: { id, name: [username, name].find(isText)?.slice(0, maxName) ?? id },
    isGuest: isText(home) && !places.includes(home),
    ...{ channel, ts, button },
    answerTo: isText(answerTo) ? answerTo : '',
    value: [value, fieldsOf(chosen)['value']].find(isText) ?? ''
  }
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : []
}

function isId(value: unknown): value is string {
  return typeof value === 'string' && idPattern.test(value)
}
