// Envelopes: carries out the payload of each once, however often Slack repeats it, and acknowledges every copy.
import type { Envelope } from '../slack-api/envelope.ts'

export interface EnvelopesOptions {
  /** Carries out a payload. Resolves once the effect is on disk: then Slack is answered. */
  take(payload: unknown): Promise<void>
  failed(error: unknown): void
}

/** Deals with an envelope: calls `answer` with the acknowledgement once its payload is carried out. Resolves then, and after a failure. */
export type Deal = (
  envelope: Extract<Envelope, { is: 'payload' }>,
  answer: (acknowledgement: string) => void
) => Promise<void>

/** Most envelopes that are remembered. */
const maxKnown = 1000

export function createEnvelopes({ take, failed }: EnvelopesOptions): Deal {
  const known = new Map<string, Promise<void>>()
  return ({ id, type, payload }, answer) => {
    const work = known.get(id) ?? (type === 'interactive' ? take(payload) : Promise.resolve())
    known.set(id, work)
    if (known.size > maxKnown) known.delete(known.keys().next().value ?? '')
    return work.then(
      () => answer(JSON.stringify({ envelope_id: id })),
      (error) => {
        // Without an acknowledgement, Slack shows the clicker that the click failed. If Slack repeats the envelope, it is tried again.
        known.delete(id)
        failed(error)
      }
    )
  }
}
