// Stored deadlines: count only as long as the clock that set them was right.

/** Clocks of replicas differ by less, however exactly each goes by the database's. */
export const apartMs = 1000

/** A deadline in ms, 0 where it was set in what is the future by now: then nobody knows how long it has been waited for. */
export function deadlineOf(until: number, setAt: number | null, now: number): number {
  return setAt !== null && setAt - now > apartMs ? 0 : until
}
