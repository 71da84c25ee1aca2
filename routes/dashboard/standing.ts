// Standing: gathers the present state of an object for a page: what withholds its notifications, who owns it, where a message
// waits.
import { type Standing, waitingFor } from '../../src/dashboard/notified.ts'
import { createMutesOf, reminderOf } from '../../src/dashboard/trouble.ts'
import type { EventRecord, Listed, ObjectRecord } from '../../src/store/records.ts'
import { activeMutes } from '../mutes.ts'
import type { OperatorOptions } from '../options.ts'
import { createOwners } from '../owners.ts'

/** `near` are the object's newest events. */
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
