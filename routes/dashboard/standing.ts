// Standing: gathers for a page how an object stands now: what withholds what is said of it, whose it is, who waits for a message.
import { type Standing, waitingFor } from '../../src/dashboard/notified.ts'
import { createMutesOf, reminderOf } from '../../src/dashboard/trouble.ts'
import type { EventRecord, Listed, ObjectRecord } from '../../src/store/records.ts'
import { activeMutes } from '../mutes.ts'
import type { OperatorOptions } from '../options.ts'
import { createOwners } from '../owners.ts'

/** `near`: the newest events of the object. */
export function createStandingOf(
  options: OperatorOptions
): (record: ObjectRecord, near: Listed<EventRecord>, now: number) => Promise<Standing> {
  const ownership = createOwners(options.config)
  return async (record, near, now) => ({
    record,
    mute: createMutesOf(await activeMutes(options, now))(record)[0],
    reminderAt: reminderOf(record, options.config().rules),
    owner: ownership()(record),
    waiting: waitingFor(record.failure, near)
  })
}
