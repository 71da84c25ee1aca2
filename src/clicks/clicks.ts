// Clicks: answers people who press a button below a message. In: payloads of Slack. Out: one act of an operator, written down before
// the payload is answered; a message that only the clicker sees; the updated card.
import { kindOf } from '../deliver/answer.ts'
import type { Cards } from '../deliver/cards.ts'
import { sayReply } from '../deliver/saying.ts'
import type { Metrics } from '../metrics.ts'
import { type ButtonName, buttons, isOwnButton } from '../render/compose/buttons.ts'
import { section } from '../render/slack/blocks.ts'
import { isAnswerUrl, type SlackApp } from '../slack-api/app.ts'
import { type Click, readClick } from '../slack-api/click.ts'
import { type CarryingOutOptions, createCarryingOut } from './carrying-out.ts'
import type { Done } from './done.ts'
import { sayAgain, sayUnsure } from './words.ts'

export interface ClicksOptions extends CarryingOutOptions {
  cards: Pick<Cards, 'showAt'>
  metrics: Pick<Metrics, 'clicks'>
}

export interface Clicks {
  /** Resolves once what the click asks for is on disk, or nothing is to be done. Rejects if nobody could be told that it failed. */
  take(app: SlackApp, payload: unknown): Promise<void>
  /** Resolves once all who clicked have been answered. */
  stop(): Promise<void>
}

/** How long to try to write a click down, and the pause between tries. Any later, Slack has shown an error to the clicker. */
const tryForMs = 1500
const againMs = 400

/** The longest wait for the answer to be taken: Slack shows an error to the clicker after three seconds. */
const answerMs = 2500

const nameOfButton = new Map(Object.entries(buttons).map(([name, id]) => [id as string, name as ButtonName]))
const unknownButton = 'that button is of another version of the relay than the one that got the click'

export function createClicks(options: ClicksOptions): Clicks {
  const { cards, slack, metrics, clock, log } = options
  const carryOut = createCarryingOut(options)
  const following = new Set<Promise<void>>()

  async function take(app: SlackApp, payload: unknown): Promise<void> {
    const click = readClick(payload)
    if (click === undefined) return
    const button = nameOfButton.get(click.button)
    // A link is a button as well, and Slack reports when it is pressed.
    if (button === undefined && !isOwnButton(click.button)) return
    if (button === undefined) return tell(app, click, sayAgain(unknownButton))
    const facts = { app: app.name, button, by: click.user.name, user: click.user.id }
    let done: Done
    try {
      done = await insist((isAgain) => carryOut(app, { click, button, isAgain }))
    } catch (err) {
      log.error({ ...facts, err }, 'a click could not be carried out')
      metrics.clicks.inc({ button, outcome: 'failed' })
      if (await answer(app, click, sayUnsure(button))) return
      throw err
    }
    const { outcome, say, isChange } = done
    metrics.clicks.inc({ button, outcome })
    log.info({ ...facts, outcome }, 'button pressed')
    // Runs while Slack is answered.
    if (isChange && isAnswerUrl(click.answerTo, app)) follow(() => cards.showAt(app, click, click.answerTo))
    if (say === undefined) return
    if (outcome === 'done' && button !== 'why') follow(async () => void (await answer(app, click, say)))
    else await tell(app, click, say)
  }

  /** Answers with words alone. If they do not arrive, it throws: the clicker then sees Slack's own warning, as when nobody answers. */
  async function tell(app: SlackApp, click: Click, say: string): Promise<void> {
    if (!(await answer(app, click, say))) throw new Error('whoever pressed a button could not be told what it did')
  }

  /** Tries again while the database is away. `isAgain` says that an earlier try may have been written down: a click counts once. */
  async function insist<T>(work: (isAgain: boolean) => Promise<T>): Promise<T> {
    const until = clock.ticks() + tryForMs
    for (let isAgain = false; ; isAgain = true) {
      try {
        return await work(isAgain)
      } catch (error) {
        if (clock.ticks() >= until) throw error
        await new Promise<void>((resolve) => clock.after(againMs, resolve))
      }
    }
  }

  function follow(work: () => Promise<void>): void {
    const working = work().catch((err) => log.error({ err }, 'whoever pressed a button could not be answered'))
    following.add(working)
    void working.finally(() => following.delete(working))
  }

  /** Sends `text` to the clicker alone. Returns true if Slack took it. */
  async function answer(app: SlackApp, { answerTo }: Click, text: string): Promise<boolean> {
    if (!isAnswerUrl(answerTo, app)) return false
    const body = { response_type: 'ephemeral', replace_original: false, text, blocks: [section(text)] }
    const reply = await slack.post(answerTo, JSON.stringify(body), AbortSignal.timeout(answerMs))
    const isTaken = kindOf(reply, 'slack') === 'taken'
    if (!isTaken) log.warn({ app: app.name, answer: sayReply(reply) }, 'whoever pressed a button could not be answered')
    return isTaken
  }

  return {
    take,
    async stop() {
      await Promise.all(following)
    }
  }
}
