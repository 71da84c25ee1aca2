// Strays: counts requests that meet no route, bytes that are not HTTP, and connections that made room for others. A wrong address is the commonest first mistake,
// and Flux reports only that it gave up. Logged in samples, because anyone can send any number of them.
import type { Logger } from 'pino'
import type { Clock } from '../src/clock.ts'
import type { Metrics } from '../src/metrics.ts'
import { createRarely } from '../src/rarely.ts'
import { type Foreign, foreign } from './foreign.ts'

export type Strays = ReturnType<typeof createStrays>

export function createStrays(metrics: Metrics, { clock, log }: { clock: Clock; log: Logger }) {
  const lostLines = createRarely(clock)
  const foreignLines = { tls: createRarely(clock), proxy: createRarely(clock), http2: createRarely(clock) }
  const crowdLines = createRarely(clock)
  // A counter that begins at one has not risen, as Prometheus sees it.
  for (const what of [...Object.keys(foreign), 'unknown']) metrics.unreadableRequests.inc({ what }, 0)
  return {
    /** A request to no address of ours, or with a method that it does not take. */
    lost({ method, url, ip }: { method: string; url: string; ip: string }): void {
      metrics.lostRequests.inc()
      lostLines((requests) =>
        log.warn(
          { requests, method, path: maskedPath(url), sender: ip },
          'no route takes this request: is the address wrong?'
        )
      )
    },
    /** There were too many connections: one that asked for nothing was closed. */
    crowdedOut(): void {
      metrics.crowdedOut.inc()
      crowdLines((connections) =>
        log.warn({ connections }, 'connections that asked for nothing were closed, to make room for others')
      )
    },
    /** Bytes that could not be read as HTTP, and what they are, where that is known. */
    unreadable(sender: string | undefined, what: Foreign | undefined): void {
      metrics.unreadableRequests.inc({ what: what ?? 'unknown' })
      if (what === undefined) return
      foreignLines[what]((requests) => log.warn({ requests, sender }, foreign[what].log))
    }
  }
}

/** A path may contain a token, as those of Flux's own webhook receivers do. Only the path that was probably meant is logged. */
function maskedPath(url: string): string {
  const [known] = /^\/+(?:webhook|api|healthz|readyz|metrics)(?=[/?#]|$)/.exec(url) ?? []
  if (known === undefined) return /^\/*([?#]|$)/.test(url) ? '/' : '/…'
  return url.length > known.length ? `${known}…` : known
}
