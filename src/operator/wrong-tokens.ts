// Wrong tokens: delays the answers to whoever guesses at the dashboard or the API, logs a line a minute, and notifies the operator of
// a flood.
import { isIPv6 } from 'node:net'
import type { Logger } from 'pino'
import type { Clock } from '../clock.ts'
import { wrongTokensNotice } from '../notices/relay.ts'
import type { Announce } from './operator.ts'
import { createFlood, floodSilentMs } from './traffic.ts'

/** The wrong tokens from one address, and from all, that are answered at once: people mistype. */
const freeOfOne = 3
const freeOfAll = 30
const waitMs = 1000
/** An address without a wrong token for so long begins anew. */
const forgetMs = 10 * 60 * 1000
/** The most addresses that are remembered; of further ones, only the total counts. */
const maxAddresses = 1000

const logEveryMs = 60_000

interface Count {
  count: number
  at: number
}

export type WrongTokens = ReturnType<typeof createWrongTokens>

export function createWrongTokens({ announce, clock, log }: { announce: Announce; clock: Clock; log: Logger }) {
  /** The latest address is at the end. */
  const byAddress = new Map<string, Count>()
  const all: Count = { count: 0, at: 0 }
  const floodAt = createFlood()
  let unlogged = 0
  let latest = ''
  let cancel: (() => void) | undefined

  function countOf(address: string, now: number): number {
    const before = byAddress.get(address)
    const count = before === undefined || now - before.at > forgetMs ? 1 : before.count + 1
    byAddress.delete(address)
    byAddress.set(address, { count, at: now })
    const [oldest] = byAddress.keys()
    if (byAddress.size > maxAddresses && oldest !== undefined) byAddress.delete(oldest)
    return count
  }

  function logNow(): void {
    cancel = undefined
    if (unlogged === 0) return
    log.warn({ requests: unlogged, from: latest }, 'wrong tokens for the dashboard or the API')
    unlogged = 0
    cancel = clock.after(logEveryMs, logNow)
  }

  return {
    /** Records a wrong token from `address`, as the socket has it. Returns how long the answer should wait, in ms. */
    note(address: string): number {
      const now = clock.now()
      latest = address
      unlogged += 1
      if (cancel === undefined) logNow()
      const flooded = floodAt(now)
      if (flooded !== undefined) {
        const notice = wrongTokensNotice({ ...flooded, from: address, silentMs: floodSilentMs }, now)
        announce('admin tokens', notice, floodSilentMs).catch((err: unknown) =>
          log.error({ err }, 'the operator could not be notified of wrong tokens')
        )
      }
      all.count = now - all.at > forgetMs ? 1 : all.count + 1
      all.at = now
      return countOf(networkOf(address), now) > freeOfOne || all.count > freeOfAll ? waitMs : 0
    },
    stop: (): void => cancel?.()
  }
}

/** The network of an address. One host has a whole /64 of IPv6 to choose its addresses from (RFC 6177). */
function networkOf(address: string): string {
  if (!isIPv6(address) || address.startsWith('::ffff:')) return address
  const [before = '', after = ''] = address.split('::', 2)
  const left = before.split(':').filter(Boolean)
  const right = after.split(':').filter(Boolean)
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0')
  return [...left, ...zeros, ...right].slice(0, 4).join(':')
}
