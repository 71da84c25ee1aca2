// The budget of a token: shares what Slack allows one app in all its channels among the lanes of these. It remembers, and
// reads no clock: time is passed in.

/**
 * Slack allows "several hundred" posts a minute in a workspace, beside one a second in each channel
 * (docs.slack.dev/apis/web-api/rate-limits): four a second, and so many at once.
 */
const apartMs = 250
const burst = 20

/** Times are in ms. It is of this process: a replica beside it has one of its own, and both learn from a 429. */
export interface Budget<Refusal> {
  /** When `lane` may post: now or earlier, or later in its turn. Asked again, it is the same turn. */
  turnOf(lane: string, now: number): number
  /** The turn is used up. */
  use(lane: string): void
  /** There was nothing to post: the turn goes to the next. */
  giveBack(lane: string): void
  /** Slack asked to wait: nobody posts until then, and after that one after the other. */
  restUntil(until: number, now: number): void
  /** Slack does not take the token: it is not asked again `until` then. */
  refuse(refusal: Refusal, until: number, now: number): void
  /** What Slack said of the token, as long as it is not to be asked again. */
  refusalAt(now: number): Refusal | undefined
  /** Somebody wants to know: Slack is to be asked again. */
  askAgain(): void
  /** The token is taken; true where it was refused before. */
  forgive(): boolean
}

export function createBudget<Refusal>(): Budget<Refusal> {
  /** By lane. */
  const turns = new Map<string, number>()
  /** When the last turn that was given out would have come, had there been no bursts. */
  let paid = Number.NEGATIVE_INFINITY
  let restsUntil = Number.NEGATIVE_INFINITY
  let refused: { refusal: Refusal; until: number } | undefined
  let last = Number.NEGATIVE_INFINITY

  /** A clock that was set back would make everybody wait for as long as that was. */
  function follow(now: number): void {
    const back = last - now
    last = now
    if (!(back > 0) || back === Infinity) return
    paid -= back
    restsUntil -= back
    if (refused !== undefined) refused.until -= back
    for (const [lane, at] of turns) turns.set(lane, at - back)
  }

  return {
    turnOf(lane, now) {
      follow(now)
      const known = turns.get(lane)
      if (known !== undefined) return known
      paid = Math.max(paid, now - apartMs) + apartMs
      const turn = Math.max(now, restsUntil, paid - (burst - 1) * apartMs)
      turns.set(lane, turn)
      return turn
    },
    use: (lane) => void turns.delete(lane),
    giveBack(lane) {
      if (turns.delete(lane)) paid -= apartMs
    },
    restUntil(until, now) {
      follow(now)
      restsUntil = Math.max(restsUntil, until)
      // Nothing is left for a burst when the wait is over, and whoever had a turn before asks for another.
      paid = Math.max(paid, restsUntil + (burst - 2) * apartMs)
      turns.clear()
    },
    refuse(refusal, until, now) {
      follow(now)
      refused = { refusal, until }
    },
    refusalAt(now) {
      follow(now)
      return refused !== undefined && now < refused.until ? refused.refusal : undefined
    },
    askAgain() {
      if (refused !== undefined) refused.until = Number.NEGATIVE_INFINITY
    },
    forgive() {
      const wasRefused = refused !== undefined
      refused = undefined
      return wasRefused
    }
  }
}
