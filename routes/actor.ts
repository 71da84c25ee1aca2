// Actor: reads from a request who acts. Whoever has the token may give any name: it says who, and proves nothing.
import type { FastifyRequest } from 'fastify'
import { type Actor, actorName } from '../src/actor.ts'
import { userOf } from './guard.ts'

/** How the command line introduces itself. */
const command = /^flux-relay\b/

/** The name that the browser or the command line signed in with; `via`: which kind of route this is. */
export function actorOf({ headers }: FastifyRequest, via: 'page' | 'api'): Actor {
  const isCommand = via === 'api' && command.test(headers['user-agent'] ?? '')
  return { name: actorName(userOf(headers.authorization)), via: isCommand ? 'cli' : via }
}
