// The budget of a token: shares among the lanes of one app what Slack allows it in all its channels. It has a memory, but reads no
// clock: time is passed in.

/**
 * Slack allows "several hundred" posts a minute in a workspace, beside one a second in each channel
 * (docs.slack.dev/apis/web-api/rate-limits). The relay posts four a second, and so many at once.
 */
const apartMs = 250
const burst = 20

/** Times are in ms. A budget is of this process: another replica has one of its own, and both learn from a 429. */
export interface Budget<Refusal> {
  /** When `lane` may post: now or earlier, or later in its turn. The turn stays the same until it is used or given back. */
  turnOf(lane: string, now: number): number
  /** Uses the turn of `lane` up. */
  use(lane: string): void
  /** Gives the turn of `lane` to the next one, because there was nothing to post. */
  giveBack(lane: string): void
  /** Lets nobody post before `until`, as Slack asked, and after that one after the other. */
  restUntil(until: number, now: number): void
  /** Records that Slack refuses the token, which is not tried again before `until`. */
  refuse(refusal: Refusal, until: number, now: number): void
  /** The refusal of the token, as long as Slack is not to be asked again. */
  refusalAt(now: number): Refusal | undefined
  /** Lets Slack be asked again, because an operator wants to try. */
  askAgain(): void
  /** Records that Slack takes the token. Returns true if it was refused before. */
  forgive(): boolean
}

export function createBudget<Refusal>(): Budget<Refusal> {
  /** The turns that were given out, by lane. */
  const turns = new Map<string, number>()
  /** When the last turn that was given out would have come, had there been no bursts. */
  let paid = Number.NEGATIVE_INFINITY
  let restsUntil = Number.NEGATIVE_INFINITY
  let refused: { refusal: Refusal; until: number } | undefined
  let last = Number.NEGATIVE_INFINITY

  /** Follows a clock that was set back, which would make everybody wait for as long as that was. */
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
      // No burst is left when the wait is over, and whoever had a turn has to ask for another.
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
