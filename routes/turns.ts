// Turns: reads large bodies in turns, a piece of each, so that a hundred of them keep nobody waiting.
import type { IncomingMessage } from 'node:http'

/** So many bodies advance by a piece (64 KiB) before everything else has its turn: a millisecond or two. */
const perTurn = 8

const waiting: IncomingMessage[] = []

/** Reads no more of `request` until it is its turn again. Without this, libuv goes on for two megabytes of each. */
export function letOthersIn(request: IncomingMessage): void {
  if (request.isPaused()) return
  request.pause()
  waiting.push(request)
  if (waiting.length === 1) setImmediate(takeTurns)
}

function takeTurns(): void {
  const next = waiting.splice(0, perTurn)
  if (waiting.length > 0) setImmediate(takeTurns)
  for (const request of next) request.resume()
}
