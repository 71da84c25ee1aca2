// Connection: holds one WebSocket to Slack, and notices by both heartbeats when nobody is at its other end any more.
import { channel } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { type Dispatcher, ping, WebSocket } from 'undici'
import type { Clock } from '../clock.ts'
import { createWayOut } from '../deliver/way-out.ts'

/** Receives what comes of a connection. After `over` there is nothing more. */
export interface Listener {
  message(text: string): void
  /** `why` says it in words without the address, which is a secret. */
  over(why: string): void
}

export interface Connection {
  /** Returns false if the connection is no longer open. */
  send(text: string): boolean
  /** Ends the connection; `over` is not called. */
  end(): void
}

/** Time between two looks at a connection. */
const lookMs = 5000
/** Time between two pings to Slack, and the longest wait for an answer. */
const pingMs = 10_000
const pongMs = 10_000
/** Slack pings as well. This is the longest silence that @slack/socket-mode allows it (`serverPingTimeout`). */
const silentMs = 30_000
/** The longest time to connect. */
const openMs = 15_000
/** Slack answers a closing handshake and leaves the connection open (slackapi/node-slack-sdk#2752): after this it is cut. */
const closeMs = 1000

/** The most bytes of a message. Slack repeats the message that a button is below, of some 100 KiB; whoever sends more is not Slack. */
const maxMessage = 1024 * 1024

const pings = channel('undici:websocket:ping')
const pongs = channel('undici:websocket:pong')
const requests = channel('undici:client:sendHeaders')

export type Connect = (url: string, listener: Listener) => Connection

/** Throws BAD_CONFIG like {@link createWayOut}. */
export function createConnector(clock: Clock): { connect: Connect; close(): Promise<void> } {
  const wayOut = createWayOut({ webSocket: { maxPayloadSize: maxMessage } })
  return {
    connect: (url, listener) => connect(url, { dispatcher: wayOut.to(url), clock }, listener),
    close: wayOut.close
  }
}

function connect(
  url: string,
  { dispatcher, clock }: { dispatcher: Dispatcher; clock: Clock },
  on: Listener
): Connection {
  const began = clock.ticks()
  let openedAt: number | undefined
  /** When Slack last showed a sign of life by itself. */
  let heardAt = began
  let pingedAt: number | undefined
  let isAnswered = true
  let isOver = false
  let socket: Socket | undefined
  const { pathname, search } = new URL(url)
  const path = `${pathname}${search}`

  // A WebSocket of undici cannot cut its connection: this finds the socket that it runs over.
  const findSocket = (message: unknown) => {
    const { request, socket: used } = message as { request: { path: string }; socket: Socket }
    if (request.path === path) socket = used
  }
  const heard = (message: unknown) => {
    if ((message as { websocket: WebSocket }).websocket === ws) heardAt = clock.ticks()
  }
  const answered = (message: unknown) => {
    if ((message as { websocket: WebSocket }).websocket === ws) isAnswered = true
  }
  requests.subscribe(findSocket)
  pings.subscribe(heard)
  pongs.subscribe(answered)

  const ws = new WebSocket(url, { dispatcher })
  ws.addEventListener('open', () => {
    openedAt = heardAt = clock.ticks()
    requests.unsubscribe(findSocket)
  })
  ws.addEventListener('message', ({ data }) => {
    if (isOver) return
    heardAt = clock.ticks()
    if (typeof data === 'string') on.message(data)
  })
  // The text of an error may contain the address.
  ws.addEventListener('error', () => over(openedAt === undefined ? 'it could not be opened' : 'it broke'))
  ws.addEventListener('close', ({ code }) => over(`it was closed (${code})`))
  let cancel = clock.after(lookMs, look)

  function look(): void {
    const now = clock.ticks()
    const fault = faultAt(now)
    if (fault !== undefined) {
      over(fault)
      return
    }
    if (openedAt !== undefined && (pingedAt === undefined || now - pingedAt >= pingMs)) {
      pingedAt = now
      isAnswered = false
      ping(ws)
    }
    cancel = clock.after(lookMs, look)
  }

  function faultAt(now: number): string | undefined {
    if (openedAt === undefined) return now - began >= openMs ? 'it did not open in time' : undefined
    // If Slack begins to close the connection, and then leaves it open, no event says so.
    if (ws.readyState !== ws.OPEN) return 'it was closed'
    if (!isAnswered && now - (pingedAt ?? now) >= pongMs) return 'Slack does not answer a ping'
    return now - heardAt >= silentMs ? 'Slack is silent' : undefined
  }

  function over(why: string): void {
    if (isOver) return
    end()
    on.over(why)
  }

  function end(): void {
    if (isOver) return
    isOver = true
    cancel()
    requests.unsubscribe(findSocket)
    pings.unsubscribe(heard)
    pongs.unsubscribe(answered)
    if (ws.readyState !== ws.CLOSED) ws.close(1000)
    if (socket !== undefined && !socket.destroyed) clock.after(closeMs, () => socket?.destroy())
  }

  return {
    send(text) {
      if (isOver || ws.readyState !== ws.OPEN) return false
      ws.send(text)
      return true
    },
    end
  }
}
