// Reading: assembles everything that is only read, for any store that speaks this SQL.
import type { Actor } from '../../actor.ts'
import type { ObjectRef } from '../../events/flux.ts'
import type { LanesByName } from '../kept-lanes.ts'
import type { Listed, NotificationFilter, Page, Records, Retried } from '../records.ts'
import { readActs } from './acts.ts'
import { readAnnounced } from './announced.ts'
import { readCards } from './cards.ts'
import { readCounts } from './counts.ts'
import { readEvents } from './events.ts'
import type { WatchMemories } from './failing-objects.ts'
import { findNotifications, readNotifications } from './notifications.ts'
import { readObjects } from './objects.ts'
import type { Ask } from './walk.ts'

/** Creates the reading part of a store. `keyOf` makes its key of an object; `watch` is given if only this process writes to it. */
export function createReading(
  ask: Ask,
  keyOf: (object: ObjectRef) => string,
  watch?: WatchMemories
): Omit<Records, 'retry' | 'retryAll' | 'discard' | 'announce'> {
  return {
    ...readEvents(ask, keyOf),
    ...readObjects(ask, keyOf, watch),
    ...readNotifications(ask),
    ...readCounts(ask),
    ...readActs(ask),
    ...readAnnounced(ask),
    ...readCards(ask)
  }
}

interface RetryPage {
  filter: Omit<NotificationFilter, 'state'>
  page: Page
  lanes: LanesByName
  now: number
  actor: Actor | undefined
}

/** Implements {@link Records.retryAll} by `retry`. */
export async function retryPage(
  ask: Ask,
  records: Pick<Records, 'retry'>,
  { filter, page, lanes, now, actor }: RetryPage
): Promise<Listed<Retried>> {
  const { ids, next } = await findNotifications(ask, { ...filter, state: 'dead' }, { ...page, order: 'asc' })
  return { items: await records.retry(ids.map(String), lanes, now, actor), next }
}
