// Standing of a socket: reports whether clicks reach this process, for how long that has been so, and what to do. Pure.

/** `connecting`: there is no connection yet, but not for long, as after a start. `lost`: there will be none by itself, or not soon. */
export const socketStates = ['connected', 'connecting', 'lost'] as const
export type SocketState = (typeof socketStates)[number]

/** Why there is no connection, in words without secrets. */
export interface SocketFault {
  why: string
  /** What to do about it. */
  advice?: string
  /** True if nothing changes until somebody does that. */
  isLasting?: boolean
}

export interface SocketStanding {
  app: string
  state: SocketState
  /** For how long there has been a connection, or none, in ms. */
  forMs: number
  /** Why the last try failed; undefined while there is a connection, and before the first try has failed. */
  why: string | undefined
  advice: string | undefined
}

/** A network that is away for less is back before anybody has read of it. */
const lostAfterMs = 5 * 60_000

const unreachable =
  'the relay keeps trying; is there a proxy, a firewall or a network policy between it and Slack (slack.com and wss-*.slack.com)?'

/** The standing of the socket of `app`. */
export function standingOf(
  app: string,
  { isConnected, forMs, fault }: { isConnected: boolean; forMs: number; fault: SocketFault | undefined }
): SocketStanding {
  if (isConnected) return { app, state: 'connected', forMs, why: undefined, advice: undefined }
  const isLost = fault !== undefined && (fault.isLasting === true || forMs >= lostAfterMs)
  const state = isLost ? 'lost' : 'connecting'
  return { app, state, forMs, why: fault?.why, advice: fault && (fault.advice ?? unreachable) }
}
