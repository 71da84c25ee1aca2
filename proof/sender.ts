// Senders: post as notification-controller does, and record what was acknowledged.
import { createHmac } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import { Agent, request } from 'undici'
import type { Dice } from './dice.ts'
import { createEvents, type ProofEvent } from './events.ts'
import { hmacKey } from './world.ts'

/** The contents of a 202. */
export interface Acknowledged extends Omit<ProofEvent, 'body'> {
  status: 'accepted' | 'duplicate'
  /** Null if nothing was stored, which the relay may say of heartbeats and duplicates only. */
  id: string | null
  transition: string | null
  notifications: { id: string; rule: string; destination: string }[]
}

export interface Posted {
  acknowledged: Acknowledged[]
  /** Requests without an answer, whose events may have been stored all the same. */
  unanswered: number
  /** Answers that are neither 202 nor 503, by status. */
  odd: Map<number, number>
  refused: number
}

export interface Sending {
  posted: Posted
  stop(): Promise<void>
}

const connections = 4
/** After so many tries the sender drops the event, as Flux does; it must not have been acknowledged. */
const maxTries = 40

/** Starts the senders. `ports` are the relays', of which some may be down. */
export function startSending(dice: Dice, ports: readonly number[]): Sending {
  const agent = new Agent({ connections, headersTimeout: 20_000 })
  const posted: Posted = { acknowledged: [], unanswered: 0, odd: new Map(), refused: 0 }
  let isOver = false

  async function send(share: number): Promise<void> {
    const own = dice.for(`sender ${share}`)
    const next = createEvents(own, share, connections)
    while (!isOver) {
      // Bursts and pauses, because an empty lane works differently from one with a backlog.
      const burst = own.chance(0.2) ? 15 : 1 + own.below(3)
      for (let n = 0; n < burst && !isOver; n++) await deliver(next(), own)
      await pause(own.below(120))
    }
  }

  async function deliver(event: ProofEvent, own: Dice): Promise<void> {
    for (let tries = 0; tries < maxTries && !isOver; tries++) {
      const port = own.pick(ports)
      try {
        const { statusCode, body } = await request(`http://127.0.0.1:${port}/webhook/${event.source}`, {
          dispatcher: agent,
          method: 'POST',
          headers: headersOf(event),
          body: event.body
        })
        const answer = await body.text()
        if (statusCode === 202) {
          const { body: _, ...known } = event
          posted.acknowledged.push({ ...known, ...JSON.parse(answer) })
          return
        }
        if (statusCode === 503) posted.refused += 1
        else posted.odd.set(statusCode, (posted.odd.get(statusCode) ?? 0) + 1)
      } catch {
        posted.unanswered += 1
      }
      await pause(50)
    }
  }

  const senders = Array.from({ length: connections }, (_, share) => send(share))
  return {
    posted,
    async stop() {
      isOver = true
      await Promise.all(senders)
      await agent.close()
    }
  }
}

function headersOf({ source, body }: ProofEvent): Record<string, string> {
  const json = { 'content-type': 'application/json' }
  if (source === 'default') return json
  return { ...json, 'x-signature': `sha256=${createHmac('sha256', hmacKey).update(body).digest('hex')}` }
}
