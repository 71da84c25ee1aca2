// Standing: the state of an object in the API: what fails since when, who was notified, what withholds notifications, who owns
// it.

import { createMutesOf, type OwnerOf, reminderOf } from '../../src/dashboard/trouble.ts'
import { type Static, Type } from '../../src/json-schema.ts'
import { gistOfFailure } from '../../src/objects/said.ts'
import { type ObjectRecord, objectStates } from '../../src/store/records.ts'
import { activeMutes } from '../mutes.ts'
import type { OperatorOptions } from '../options.ts'
import { createOwners } from '../owners.ts'
import { AcknowledgementReply, iso, ObjectReply, Time, takenOn, timeOrNull } from './query.ts'

export const ObjectState = Type.Enum([...objectStates], {
  description: 'stale: it was failing at its last event, and has been silent at least twice as long as ever before.'
})

export const StandingReply = Type.Object({
  object: ObjectReply,
  state: ObjectState,
  failure: Type.Optional(
    Type.Object({
      since: Time,
      count: Type.Integer(),
      severity: Type.String(),
      reason: Type.String(),
      revision: Type.String({ description: 'The one that it fails at; empty where its events name none.' }),
      text: Type.String({ description: 'The first line of what its latest event said.' }),
      gist: Type.String({ description: 'The same in fewer words, its cause first.' }),
      acknowledged: Type.Optional(AcknowledgementReply)
    })
  ),
  since: Time,
  revision: Type.String({ description: 'The one that was applied last; empty where none is known.' }),
  notified: Type.Array(
    Type.Object({ rule: Type.String(), destination: Type.String(), at: Time, reminders: Type.Integer() }),
    { description: 'The rules and destinations notified of its failure.' }
  ),
  muted: Type.Optional(
    Type.Object(
      {
        by: Type.String(),
        silence: Type.Optional(Type.String({ description: 'The id of the silence; a mute of the file has none.' })),
        endsAt: Time,
        untilRecovered: Type.Optional(
          Type.Literal(true, { description: 'It ends before that when nothing that it is about fails any more.' })
        )
      },
      { description: 'What withholds notifications of its failure, as far as its memory says.' }
    )
  ),
  nextReminderAt: timeOrNull('If it fails again, the next reminder is sent then, or after it; null where none is.'),
  owner: Type.Optional(
    Type.String({ description: 'Whose it is, where the table of owners says it and something fails.' })
  ),
  seenAt: Time
})

export type ListedObject = Static<typeof StandingReply>

/** Call it once per request: it reads what is muted at `now`, in ms. */
export function createStandings(options: OperatorOptions) {
  const owners = createOwners(options.config)
  return async (now: number) => {
    const mutesOf = createMutesOf(await activeMutes(options, now))
    const ownerOf: OwnerOf = owners()
    const { rules } = options.config()

    function replyOf(record: ObjectRecord) {
      const { object, failure, notified, since, seenAt, ...rest } = record
      const gist = failure && gistOfFailure(object, failure)
      const [mute] = mutesOf(record)
      const reminderAt = reminderOf(record, rules)
      const owner = ownerOf(record)
      return {
        ...{ object, ...rest },
        ...(failure && { failure: { ...failure, gist, since: iso(failure.since), ...takenOn(failure.acknowledged) } }),
        since: iso(since),
        notified: notified.map((entry) => ({ ...entry, at: iso(entry.at) })),
        ...(mute && {
          muted: {
            by: mute.name,
            ...(mute.silence && { silence: mute.silence.id }),
            endsAt: iso(mute.endsAt),
            ...(mute.untilRecovered && { untilRecovered: true as const })
          }
        }),
        nextReminderAt: reminderAt === undefined || mute !== undefined ? null : iso(reminderAt),
        ...(owner !== undefined && { owner }),
        seenAt: iso(seenAt)
      }
    }

    return { ownerOf, replyOf }
  }
}
