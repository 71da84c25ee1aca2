// Stops: where the demo waits for its reader, and what there is to read.
import type { WireEvent } from '../events/flux.ts'

export interface Stop {
  /** Reports whether this event leads to something worth reading. The stop comes after the next messages. */
  isBy(event: WireEvent): boolean
  says: string
}

/** The stops, in the order of the day. */
export const stops: readonly Stop[] = [
  {
    isBy: ({ involvedObject, reason }) => involvedObject.name === 'ledger' && reason === 'UpgradeFailed',
    says: 'A release does not come up. It is tried every twelve minutes, for hours; watch how few messages that is.'
  },
  {
    isBy: ({ involvedObject, reason }) => involvedObject.name === 'ledger' && reason === 'UpgradeSucceeded',
    says: 'Over: for how long, and fixed by what. Next, somebody deletes a repository that 150 charts are from.'
  },
  {
    isBy: ({ reason }) => reason === 'ChartPullSucceeded',
    says: '150 failures with one cause, and their end. Next: three objects that only wait for a fourth.'
  }
]
