// Actor: reads from a request who acts. Anyone with the token may give any name, so the name is information, not proof.
import type { FastifyRequest } from 'fastify'
import { type Actor, actorName } from '../src/actor.ts'
import { userOf } from './guard.ts'

/** The User-Agent of this project's command line. */
const command = /^flux-relay\b/

/** The actor of a request: the name used to sign in. `via` is the kind of the route. */
export function actorOf({ headers }: FastifyRequest, via: 'page' | 'api'): Actor {
  const isCommand = via === 'api' && command.test(headers['user-agent'] ?? '')
  return { name: actorName(userOf(headers.authorization)), via: isCommand ? 'cli' : via }
}
