// Strays: counts requests that match no route, bytes that are not HTTP, and connections closed to make room. A wrong address is
// the commonest first mistake, and Flux reports only that it gave up. Logs samples, because anyone can send any number of them.
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
  // A counter whose first sample is 1 has not increased, as Prometheus sees it, so each begins at 0.
  for (const what of [...Object.keys(foreign), 'unknown']) metrics.unreadableRequests.inc({ what }, 0)
  return {
    /** Counts a request to an unknown path, or with a method that the path does not take. */
    lost({ method, url, ip }: { method: string; url: string; ip: string }): void {
      metrics.lostRequests.inc()
      lostLines((requests) =>
        log.warn(
          { requests, method, path: maskedPath(url), sender: ip },
          'no route takes this request: is the address wrong?'
        )
      )
    },
    /** Counts an idle connection that was closed because there were too many. */
    crowdedOut(): void {
      metrics.crowdedOut.inc()
      crowdLines((connections) =>
        log.warn({ connections }, 'connections that asked for nothing were closed, to make room for others')
      )
    },
    /** Counts bytes that are not HTTP; `what` is their protocol, if it was recognised. */
    unreadable(sender: string | undefined, what: Foreign | undefined): void {
      metrics.unreadableRequests.inc({ what: what ?? 'unknown' })
      if (what === undefined) return
      foreignLines[what]((requests) => log.warn({ requests, sender }, foreign[what].log))
    }
  }
}

/**
 * The path as far as it may be logged: it may contain a token, as the paths of Flux's own webhook receivers do, so only its
 * recognised beginning is shown.
 */
function maskedPath(url: string): string {
  const [known] = /^\/+(?:webhook|api|healthz|readyz|metrics)(?=[/?#]|$)/.exec(url) ?? []
  if (known === undefined) return /^\/*([?#]|$)/.test(url) ? '/' : '/…'
  return url.length > known.length ? `${known}…` : known
}
