// First event: explains how to post one by hand, how to let Flux post one, and how to find out why none arrives.
import { html } from 'hono/html'
import type { Standing } from '../operator/standing.ts'
import type { Html } from './page.ts'

/** `origin`: where whoever looks at the page reached the relay, such as `http://localhost:8080`. */
export function firstEventCard(source: Standing, origin: string, now: number): Html {
  return html`<section class="card" aria-labelledby="first-title">
  <h2 id="first-title">Get the first event</h2>
  <p class="quiet">Post one by hand; this one is harmless:</p>
  <pre id="by-hand">${byHand(source, origin, now)}</pre>
  <p class="quiet">With a Provider and an Alert in place, let Flux post one:</p>
  <pre>kubectl -n flux-system annotate --overwrite kustomization/flux-system reconcile.fluxcd.io/requestedAt="$(date +%s)"</pre>
  <p class="quiet">If none arrives, Flux says why:</p>
  <pre>kubectl -n flux-system get events --field-selector involvedObject.kind=Alert</pre>
</section>`
}

/** Commands for a shell. What is secret stands in the variables that the reader sets. */
function byHand({ name, proves }: Standing, origin: string, now: number): string {
  const body = JSON.stringify({
    involvedObject: { kind: 'Kustomization', namespace: 'flux-system', name: 'by-hand', apiVersion: 'v1' },
    severity: 'info',
    timestamp: new Date(now).toISOString(),
    message: 'A first event, posted by hand',
    reason: 'Test',
    reportingController: 'by-hand'
  })
  const proof = proves.bySignature
    ? [
        '-H "X-Signature: sha256=$(printf %s "$event" | openssl dgst -sha256 -hmac "$FLUX_HMAC_KEY" -r | cut -d\' \' -f1)"'
      ]
    : proves.byToken
      ? ['-H "Authorization: Bearer $FLUX_TOKEN"']
      : []
  const address = `${origin}/webhook${name === 'default' ? '' : `/${name}`}`
  const curl = ['curl', "-H 'Content-Type: application/json'", ...proof, '-d "$event"', address]
  return `event='${body}'\n${curl.join(' ')}`
}
