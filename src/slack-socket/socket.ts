// Socket: keeps one connection to Slack for an app, over which its clicks come. In: envelopes. Out: what is in them, and an
// acknowledgement of each once that is done.
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { kindOf } from '../deliver/answer.ts'
import { quoteReply } from '../deliver/saying.ts'
import type { Slack } from '../deliver/slack.ts'
import { readApiAnswer } from '../slack-api/answer.ts'
import { type SlackApp, type Socket, socketUrlFault, urlOf } from '../slack-api/app.ts'
import { type Envelope, readEnvelope } from '../slack-api/envelope.ts'
import { adviceOnSocket } from '../slack-api/words.ts'
import type { Connect, Connection } from './connection.ts'
import { createEnvelopes, type EnvelopesOptions } from './envelopes.ts'
import { type SocketFault, type SocketStanding, standingOf } from './standing.ts'

export interface SocketOptions extends Pick<EnvelopesOptions, 'take'> {
  app: SlackApp & { socket: Socket }
  slack: Slack
  connect: Connect
  /** Called with whether there is a connection, whenever one comes or goes. */
  turned(isConnected: boolean): void
  clock: Clock
  log: Logger
}

export interface OpenSocket {
  standing(): SocketStanding
  /** Resolves once all that came is done and acknowledged. Nothing more is taken. */
  stop(): Promise<void>
}

/** The wait after the first failure, doubled after each further one, and the longest. */
const firstRetryMs = 1000
const longestRetryMs = 60_000
/** The longest wait after a connection that Slack had said hello to, because clicks are lost meanwhile. */
const longestGapMs = 15_000
/** The wait if nothing changes until somebody does something. */
const askAgainMs = 5 * 60_000
/** The longest that Slack's Retry-After is heeded. */
const longestRestMs = 60 * 60_000
/** A connection that lasted for less is a failure as well: otherwise one that is closed at once would be opened again at once. */
const steadyMs = 10_000
/** The longest wait for `hello`, which Slack sends at once. */
const helloMs = 15_000
/** The longest that a connection is kept after another has replaced it, so that what came over it is answered. */
const farewellMs = 5000

const switchedOff: SocketFault = {
  why: 'Socket Mode is switched off for the app',
  advice: 'switch it on at https://api.slack.com/apps',
  isLasting: true
}
const tooMany = 'too_many_websockets'
const tooManyAdvice =
  'an app has ten connections at most: who else uses its app-level token? Give each relay an app of its own'

/** One connection of an app. `hello` makes it the one in use. */
interface Line {
  connection: Connection
  openedAt: number | undefined
  stopWaiting(): void
  /** Envelopes that are not answered yet. */
  busy: Set<Promise<void>>
}

/** Opens a connection at once, and again whenever it is lost, until it is stopped. */
export function openSocket({ app, slack, connect, take, turned, clock, log }: SocketOptions): OpenSocket {
  const giveUp = new AbortController()
  const deal = createEnvelopes({
    take,
    failed: (err) => log.error({ app: app.name, err }, 'a click could not be carried out')
  })
  const lines = new Set<Line>()
  let current: Line | undefined
  /** True while a connection is being opened, or waited for. */
  let isOpening = false
  let cancel = () => {}
  let failures = 0
  let fault: SocketFault | undefined
  /** Since when there has been a connection, or none, in ticks. */
  let since = clock.ticks()

  function openIn(ms: number): void {
    if (isOpening || giveUp.signal.aborted) return
    isOpening = true
    cancel = clock.after(
      ms,
      () => void open().catch((err: unknown) => again({ why: `an error: ${(err as Error).name}` }))
    )
  }

  /** The wait before the next try. It differs between relays, which all lost their connections at the same moment. */
  function retryMs(longestMs = longestRetryMs): number {
    const ms = Math.min(longestMs, firstRetryMs * 2 ** failures)
    return ms * (0.5 + Math.random() / 2)
  }

  function again(found: SocketFault, ms = retryMs()): void {
    failures += 1
    isOpening = false
    const { why, advice } = found
    if (why !== fault?.why)
      log.warn({ app: app.name, fault: why, advice, inMs: Math.round(ms) }, 'no connection to Slack for buttons')
    fault = found
    openIn(ms)
  }

  async function open(): Promise<void> {
    const url = urlOf(app, 'apps.connections.open')
    const reply = await slack.post(url, '{}', giveUp.signal, app.socket.appToken)
    if (giveUp.signal.aborted) return
    const answer = reply.is === 'answer' ? readApiAnswer(reply.body) : undefined
    const address = answer?.isOk ? answer.url : undefined
    if (address === undefined) {
      const said = quoteReply(reply)
      const wait = reply.is === 'answer' ? reply.retryAfterMs : undefined
      const kind = kindOf(reply, 'web-api')
      const isLasting = answer?.isOk === false && kind !== 'transient' && kind !== 'rate limit'
      if (isLasting) return again({ why: said, advice: adviceOnSocket(answer?.word ?? ''), isLasting }, askAgainMs)
      return again({ why: said }, Math.min(longestRestMs, Math.max(wait ?? 0, retryMs())))
    }
    const wrong = socketUrlFault(address, app)
    if (wrong !== undefined)
      return again({ why: wrong, advice: 'is `apiUrl` the one of Slack?', isLasting: true }, askAgainMs)
    const connection = connect(address, { message, over })
    const stopWaiting = clock.after(helloMs, () => {
      drop(line)
      again({ why: 'Slack did not say hello' })
    })
    const line: Line = { connection, openedAt: undefined, stopWaiting, busy: new Set() }
    lines.add(line)

    function message(text: string): void {
      const envelope = readEnvelope(text)
      if (envelope?.is === 'hello') welcome(line)
      else if (envelope?.is === 'disconnect') leave(line, envelope.reason)
      else if (envelope?.is === 'payload') receive(line, envelope)
    }

    function over(why: string): void {
      drop(line)
      lost(line, { why })
    }
  }

  function welcome(line: Line): void {
    if (line.openedAt !== undefined || !lines.has(line)) return
    line.stopWaiting()
    line.openedAt = clock.ticks()
    const before = current
    current = line
    isOpening = false
    fault = undefined
    if (before === undefined) since = clock.ticks()
    turned(true)
    log.info({ app: app.name }, before === undefined ? 'connected to Slack for buttons' : 'connection to Slack renewed')
    if (before !== undefined) void bidFarewell(before)
  }

  async function bidFarewell(line: Line): Promise<void> {
    const stopWaiting = clock.after(farewellMs, () => drop(line))
    await untilAnswered(line)
    stopWaiting()
    drop(line)
  }

  /** Waits for all answers, also to what arrives meanwhile: whatever was done has to be acknowledged. */
  async function untilAnswered({ busy }: Line): Promise<void> {
    while (busy.size > 0) await Promise.all(busy)
  }

  /** Follows Slack's notice that it is about to close a connection. */
  function leave(line: Line, reason: string): void {
    if (reason === 'warning' || reason === 'refresh_requested') {
      if (line !== current) return
      failures = hasLasted(line) ? 0 : failures + 1
      // The old connection is used until the new one is there.
      openIn(failures === 0 ? 0 : retryMs())
      return
    }
    drop(line)
    if (reason === 'link_disabled') lost(line, switchedOff, askAgainMs)
    else lost(line, { why: `Slack says ${reason}`, ...(reason === tooMany && { advice: tooManyAdvice }) })
  }

  function lost(line: Line, found: SocketFault, ms?: number): void {
    if (giveUp.signal.aborted) return
    const { openedAt } = line
    if (openedAt !== undefined && line !== current) return
    if (openedAt === undefined) {
      again(found, ms)
      return
    }
    current = undefined
    since = clock.ticks()
    turned(false)
    // The next connection is under way already.
    if (isOpening) return
    if (hasLasted(line)) failures = 0
    again(found, ms ?? retryMs(longestGapMs))
  }

  /** True if a connection has lasted so long that failures before it do not count any more. */
  function hasLasted({ openedAt }: Line): boolean {
    return openedAt !== undefined && clock.ticks() - openedAt >= steadyMs
  }

  function drop(line: Line): void {
    line.stopWaiting()
    lines.delete(line)
    line.connection.end()
  }

  function receive(line: Line, envelope: Extract<Envelope, { is: 'payload' }>): void {
    const answered = deal(envelope, (text) => {
      if (!line.connection.send(text)) current?.connection.send(text)
    })
    line.busy.add(answered)
    void answered.finally(() => line.busy.delete(answered))
  }

  turned(false)
  openIn(0)
  return {
    standing: () => standingOf(app.name, { isConnected: current !== undefined, forMs: clock.ticks() - since, fault }),
    async stop() {
      giveUp.abort()
      cancel()
      await Promise.all([...lines].map(untilAnswered))
      for (const line of lines) drop(line)
    }
  }
}
