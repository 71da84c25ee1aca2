// Tokens: lets the lanes of one Slack app share its budget, a wait that Slack asks for, and a refusal of the token itself.
import { type Budget, createBudget } from '../slack-api/budget.ts'
import { isAbout } from '../slack-api/words.ts'
import type { LaneHead } from '../store/records.ts'
import { isAboutToken, type Reply } from './answer.ts'
import { inLane } from './channels.ts'
import type { Destination } from './destination.ts'
import type { Settled } from './outcome.ts'

export interface Tokens {
  /** When a message may go from `lane`, if that is later than `now`. A lane without an app may go at once. */
  turnOf(lane: string, now: number): number | undefined
  /** Gives the turn of `lane` back, because there was nothing to post after all. */
  giveBack(lane: string): void
  /**
   * The answer that Slack would give, if it has just refused the token of `lane`. Otherwise undefined: a request is made, and the turn
   * of the lane is used up.
   */
  answerFor(lane: string, now: number): Reply | undefined
  /** True if {@link answerFor} knows an answer. */
  isRefused(lane: string, now: number): boolean
  /** Learns which lanes are blocked: if no lane of an app is blocked for its token, another replica has found that Slack takes it. */
  follow(heads: readonly LaneHead[]): void
  /** Learns from the answer to a request. Returns the lanes that waited for Slack to take the token again. */
  learn(lane: string, settled: Settled, now: number): string[]
  /** Forgets a refusal, because an operator wants to try: Slack is asked again. */
  askAgain(lane: string): void
}

/** Tokens are remembered as long as the process runs: each is small, and there are only as many as the config file ever had. */
export function createTokens(destinations: () => ReadonlyMap<string, Destination>): Tokens {
  const budgets = new Map<string, Budget<Reply>>()
  /** By token: the lanes that Slack was not asked for, because it had refused the token. */
  const waiting = new Map<string, Set<string>>()

  const tokenOf = (lane: string): string | undefined => inLane(destinations(), lane)?.slack?.app?.token

  function budgetOf(lane: string): Budget<Reply> | undefined {
    const token = tokenOf(lane)
    if (token === undefined) return undefined
    const budget = budgets.get(token) ?? createBudget<Reply>()
    budgets.set(token, budget)
    return budget
  }

  return {
    turnOf(lane, now) {
      const turn = budgetOf(lane)?.turnOf(lane, now)
      return turn !== undefined && turn > now ? turn : undefined
    },
    giveBack: (lane) => budgetOf(lane)?.giveBack(lane),
    answerFor(lane, now) {
      const budget = budgetOf(lane)
      const refusal = budget?.refusalAt(now)
      if (refusal === undefined) budget?.use(lane)
      else {
        budget?.giveBack(lane)
        const token = tokenOf(lane) ?? ''
        waiting.set(token, (waiting.get(token) ?? new Set()).add(lane))
      }
      return refusal
    },
    isRefused: (lane, now) => budgetOf(lane)?.refusalAt(now) !== undefined,
    follow(heads) {
      const refused = new Set(
        heads.flatMap(({ lane, block }) => (block && isAbout('token', block.reason) ? (tokenOf(lane) ?? []) : []))
      )
      for (const [token, budget] of budgets) if (!refused.has(token)) budget.askAgain()
    },
    learn(lane, { kind, reply, settlement }, now) {
      const budget = budgetOf(lane)
      if (budget === undefined || reply.is !== 'answer') return []
      const { notBefore } = settlement.lane
      if (kind === 'rate limit') budget.restUntil(notBefore, now)
      if (isAboutToken(reply, 'web-api')) {
        budget.refuse(reply, notBefore, now)
        return []
      }
      const isTokenGood = kind === 'taken' || kind === 'refused' || kind === 'gone'
      if (!isTokenGood || !budget.forgive()) return []
      const token = tokenOf(lane) ?? ''
      const all = [...destinations().values()].filter(({ slack }) => slack?.app?.token === token)
      const others = new Set([...all.map((other) => other.lane), ...(waiting.get(token) ?? [])])
      waiting.delete(token)
      return [...others].filter((other) => other !== lane)
    },
    askAgain: (lane) => budgetOf(lane)?.askAgain()
  }
}
