// Acknowledgement routes: list, add and withdraw acknowledgements of incidents at /api/acknowledgements.
import type { FastifyInstance } from 'fastify'
import { closedObject } from '../../src/about.ts'
import type { ObjectRef } from '../../src/events/flux.ts'
import { type Static, Type } from '../../src/json-schema.ts'
import type { Acknowledged } from '../../src/objects/acknowledged.ts'
import type { Acknowledgement } from '../../src/objects/memory.ts'
import { objectKey, objectOf } from '../../src/objects/name.ts'
import { actorOf } from '../actor.ts'
import type { OperatorOptions } from '../options.ts'
import { AcknowledgementReply, describe, ErrorReply, iso, ObjectReply, Time, takenOn } from './query.ts'

const Name = Type.String({ minLength: 1, maxLength: 300 })

const IncidentFields = {
  cluster: Type.Optional(Type.String({ maxLength: 300, description: 'Empty if left out.' })),
  kind: Name,
  namespace: Type.Optional(Type.String({ maxLength: 300, description: 'Empty if left out.' })),
  name: Name,
  since: Type.Optional(
    Type.String({
      format: 'date-time',
      description: 'When the incident began, as `GET /api/objects` says; the one that goes on if left out.'
    })
  )
}

const NamedIncident = closedObject(IncidentFields)
type AskedIncident = Static<typeof NamedIncident>

const Incident = Type.Object({
  object: ObjectReply,
  since: Time,
  acknowledged: Type.Optional(AcknowledgementReply)
})

export type ListedAcknowledgement = Static<typeof Incident>

export function acknowledgements(app: FastifyInstance, { store, clock, actions }: OperatorOptions): void {
  app.get(
    '/api/acknowledgements',
    describe('Incidents that go on and are acknowledged', Type.Object({ acknowledgements: Type.Array(Incident) })),
    async () => {
      const { items } = await store.records.failures(clock.now())
      return {
        acknowledgements: items.flatMap(({ object, failure }) =>
          failure?.acknowledged === undefined ? [] : [replyOf(object, failure.since, failure.acknowledged)]
        )
      }
    }
  )

  app.post<{ Body: AskedIncident }>(
    '/api/acknowledgements',
    {
      schema: {
        summary:
          'Acknowledges the incident of an object: no reminders and no pings until it ends. Whoever was first stays',
        body: NamedIncident,
        response: ofOne
      }
    },
    async (request) => answer(await actions.acknowledge(incidentOf(request.body), actorOf(request, 'api')))
  )

  app.delete<{ Querystring: AskedIncident }>(
    '/api/acknowledgements',
    {
      schema: {
        summary: 'Takes an acknowledgement back: reminders go on',
        querystring: NamedIncident,
        response: ofOne
      }
    },
    async (request) => answer(await actions.unacknowledge(incidentOf(request.query), actorOf(request, 'api')))
  )
}

/** 404 if the incident is over. */
const ofOne = { 200: Incident, 404: ErrorReply }

function incidentOf({ cluster = '', kind, namespace = '', name, since }: AskedIncident) {
  const object = objectKey({ cluster, kind, namespace, name })
  return { object, ...(since !== undefined && { since: Date.parse(since) }) }
}

function answer({ object, since, acknowledged }: Acknowledged) {
  return replyOf(objectOf(object), since, acknowledged)
}

function replyOf(object: ObjectRef, since: number, acknowledged: Acknowledgement | undefined) {
  return { object, since: iso(since), ...takenOn(acknowledged) }
}
