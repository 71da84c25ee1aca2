// `ack`: acknowledges the incident of an object of a running relay, or takes that back.
import type { ListedAcknowledgement } from '../../routes/api/acknowledgements.ts'
import type { ListedObject } from '../../routes/api/standing.ts'
import { RelayError } from '../errors.ts'
import { askedObject } from './asked-object.ts'
import { ask, type ClientOptions } from './client.ts'
import { collect } from './list.ts'
import { age, plain, print } from './output.ts'
import { nameOf } from './say.ts'

interface AckOptions extends ClientOptions {
  undo?: boolean
}

/**
 * Acknowledges the incident of `which`: the id of an event, or an object as {@link askedObject} reads it. Resolves to the exit
 * code. Throws NO_ANSWER, with what there is, if there is no such incident, or if several are meant.
 */
export async function ack(which: string, { json, undo, ...relay }: AckOptions): Promise<number> {
  const { object, failure } = await find(which, relay)
  const { cluster, kind, namespace, name } = object
  const incident = { cluster, kind, namespace, name, since: failure.since }
  const { body } = undo
    ? await ask(relay, 'DELETE', '/api/acknowledgements', incident)
    : await ask(relay, 'POST', '/api/acknowledgements', {}, [200], incident)
  print(json, body, plain(`${nameOf(object)}: ${say(body, failure.acknowledged)}`))
  return 0
}

type Failing = ListedObject & { failure: NonNullable<ListedObject['failure']> }

async function find(which: string, relay: ClientOptions): Promise<Failing> {
  const isId = /^[0-9]+$/.test(which)
  const event = isId ? await eventOf(which, relay) : undefined
  const { object = askedObject(which) } = event ?? {}
  // A part that is empty is not asked for.
  const query = Object.fromEntries(Object.entries(object).map(([field, text]) => [field, text || undefined]))
  const { items } = await collect<ListedObject>(relay, 'objects', query, Number.POSITIVE_INFINITY)
  const failing = items.filter(
    (item): item is Failing =>
      item.failure !== undefined && (event === undefined || nameOf(item.object) === nameOf(event.object))
  )
  const [found, ...others] = failing
  if (found === undefined)
    throw new RelayError('NO_ANSWER', `${sayWhich(event, which)} does not fail: there is nothing to acknowledge`)
  if (others.length > 0)
    throw new RelayError(
      'NO_ANSWER',
      `several fail, name one: ${failing.map(({ object }) => `"${nameOf(object)}"`).join(', ')}`
    )
  if (event !== undefined && event.receivedAt < found.failure.since)
    throw new RelayError(
      'NO_ANSWER',
      `what event ${which} is about is over; it fails anew since ${found.failure.since}: give its name instead`
    )
  return found
}

async function eventOf(id: string, relay: ClientOptions) {
  const { status, body } = await ask(relay, 'GET', `/api/events/${id}`, {}, [200, 404])
  if (status === 404) throw new RelayError('NO_ANSWER', `there is no event ${id}`)
  return body as { receivedAt: string; object: ListedObject['object'] }
}

function sayWhich(event: { object: ListedObject['object'] } | undefined, which: string): string {
  return event === undefined ? which : nameOf(event.object)
}

function say({ acknowledged }: ListedAcknowledgement, before: Failing['failure']['acknowledged']): string {
  if (acknowledged === undefined) return before ? 'no longer acknowledged; reminders go on' : 'it was not acknowledged'
  const { by, at } = acknowledged
  if (before) return `acknowledged already, by ${by}, ${age(at)} ago`
  return `acknowledged by ${by}; no reminders and no pings until it is over`
}
