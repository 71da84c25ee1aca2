// Envelopes: have what is in each done once, however often Slack repeats it, and acknowledge each time that it came.
import type { Envelope } from '../slack-api/envelope.ts'

export interface EnvelopesOptions {
  /** Resolves once what a payload asks for is on disk: then Slack is answered. */
  take(payload: unknown): Promise<void>
  failed(error: unknown): void
}

/** Deals with an envelope, and calls `answer` with the acknowledgement once what is in it is done. Resolves then, also after a failure. */
export type Deal = (
  envelope: Extract<Envelope, { is: 'payload' }>,
  answer: (acknowledgement: string) => void
) => Promise<void>

/** The most envelopes that are remembered. */
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
        // Slack shows the clicker that nothing came of it. If Slack repeats the envelope, it is tried again.
        known.delete(id)
        failed(error)
      }
    )
  }
}
