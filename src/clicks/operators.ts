// Operators: knows who may press a button: users, and the members of user groups, which Slack is asked for now and then.
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { sayReply } from '../deliver/saying.ts'
import type { Slack } from '../deliver/slack.ts'
import { readApiAnswer } from '../slack-api/answer.ts'
import { type SlackApp, urlOf } from '../slack-api/app.ts'
import { adviceOnGroup } from '../slack-api/words.ts'

/** `reason` says why it cannot be known now. */
export type May = { is: 'yes' } | { is: 'no' } | { is: 'unknown'; reason: string }

/** How long an answer about a group is used: whoever leaves the group has left it here after so long. */
const freshMs = 60_000
/** The longest that Slack's Retry-After is heeded, because nobody of the group may press anything meanwhile. */
const longestRestMs = 5 * 60_000
/** The longest wait for an answer: Slack shows an error to the clicker after three seconds. */
const askMs = 2000

export interface Operators {
  may(app: SlackApp, user: string): Promise<May>
}

export function createOperators(slack: Slack, clock: Clock, log: Logger): Operators {
  const groups = new Map<string, { users: readonly string[]; at: number }>()
  const asking = new Map<string, Promise<readonly string[] | string>>()
  /** Groups that Slack wants to be asked for later: until when, in ticks, and what is said meanwhile. */
  const resting = new Map<string, { until: number; reason: string }>()

  /** Asks Slack for the members of a group. Returns them, or in words why Slack does not say, and what to do. */
  async function ask(app: SlackApp, group: string, key: string): Promise<readonly string[] | string> {
    const asked = new URLSearchParams({ usergroup: group })
    const reply = await slack.post(urlOf(app, 'usergroups.users.list'), asked, AbortSignal.timeout(askMs), app.token)
    const answer = reply.is === 'answer' ? readApiAnswer(reply.body) : undefined
    if (answer?.isOk && answer.users !== undefined) return answer.users
    const [said, advice] = [sayReply(reply), adviceOnGroup(answer?.word ?? '', group)]
    log.warn({ app: app.name, group, answer: said, advice }, 'Slack does not say who is in a user group of operators')
    const reason = `who is in the user group ${group} (${said})${answer?.word && advice ? `: ${advice}` : ''}`
    const restMs = reply.is === 'answer' ? (reply.retryAfterMs ?? 0) : 0
    if (restMs > 0) resting.set(key, { until: clock.ticks() + Math.min(restMs, longestRestMs), reason })
    return reason
  }

  async function membersOf(app: SlackApp, group: string): Promise<readonly string[] | string> {
    const key = `${app.apiUrl} ${app.token} ${group}`
    const known = groups.get(key)
    if (known !== undefined && clock.ticks() - known.at < freshMs) return known.users
    const rest = resting.get(key)
    if (rest !== undefined && clock.ticks() < rest.until) return rest.reason
    const answer = asking.get(key) ?? ask(app, group, key).finally(() => asking.delete(key))
    asking.set(key, answer)
    const users = await answer
    if (typeof users !== 'string') groups.set(key, { users, at: clock.ticks() })
    return users
  }

  return {
    async may(app, user) {
      const { operators = [] } = app.socket ?? {}
      if (operators.includes(user)) return { is: 'yes' }
      const answers = await Promise.all(
        operators.filter((id) => id.startsWith('S')).map((group) => membersOf(app, group))
      )
      if (answers.some((users) => typeof users !== 'string' && users.includes(user))) return { is: 'yes' }
      const reason = answers.find((users) => typeof users === 'string')
      return reason === undefined ? { is: 'no' } : { is: 'unknown', reason }
    }
  }
}
