// Commits: remember what the newest commits of each cluster are called, by their revision. In: events of Git sources, and at
// the start those of the store. Out: the subject of a revision.
import type { Logger } from 'pino'
import { type Clock, every } from './clock.ts'
import { commitSubjectOf } from './events/commit-subject.ts'
import { type FluxEvent, readStored } from './events/flux.ts'
import type { Records } from './store/records.ts'

export interface Commits {
  /** Remembers the commit that `event` is about, if it is about one. */
  note(event: FluxEvent): void
  /** What the commit that `event` speaks of is called; undefined where nobody said. */
  subjectOf(event: FluxEvent): string | undefined
  start(): Promise<void>
  stop(): void
}

/** Commits for each cluster. */
const maxRemembered = 100
/** Of all, some megabytes: where a source names clusters itself, they have no end. */
const maxOfAll = 20_000

/** How soon what another replica was told is known here: a push is applied some seconds after it was fetched. */
const refreshMs = 5000

/** How far back the first look goes. */
const lookBackMs = 7 * 24 * 60 * 60 * 1000

export function createCommits({
  records,
  isShared,
  clock,
  log
}: {
  records: Pick<Records, 'events'>
  /** Whether other replicas post to the same store. */
  isShared: boolean
  clock: Clock
  log: Logger
}): Commits {
  /** By cluster, the oldest first, and first the cluster that was longest without a commit. */
  const subjects = new Map<string, Map<string, string>>()
  let count = 0
  let since: number | undefined
  let stop = () => {}

  function keep(cluster: string, revision: string, subject: string): void {
    const known = subjects.get(cluster) ?? new Map<string, string>()
    const before = known.size
    known.delete(revision)
    known.set(revision, subject)
    const [oldest] = known.keys()
    if (known.size > maxRemembered && oldest !== undefined) known.delete(oldest)
    count += known.size - before
    subjects.delete(cluster)
    subjects.set(cluster, known)
    for (const [other, { size }] of subjects) {
      if (count <= maxOfAll) break
      subjects.delete(other)
      count -= size
    }
  }

  function note(event: FluxEvent): void {
    const subject = event.revision?.sha ? commitSubjectOf(event) : undefined
    if (subject !== undefined && event.revision) keep(event.object.cluster, event.revision.sha, subject)
  }

  /** Reads what was stored since the last time, a moment of overlap included. */
  async function look(): Promise<void> {
    const now = clock.now()
    const from = since ?? now - lookBackMs
    const filter = { kind: 'GitRepository', reason: 'NewArtifact', since: from }
    const { items } = await records.events(filter, { limit: maxRemembered }, { withBody: true })
    since = now - 2 * refreshMs
    for (const stored of items.toReversed()) {
      const event = readStored({ ...stored, body: stored.body ?? '' })
      if (event !== undefined) note(event)
    }
  }

  return {
    note,
    subjectOf({ object, revision }) {
      return revision?.sha ? subjects.get(object.cluster)?.get(revision.sha) : undefined
    },
    async start() {
      await look().catch((err: unknown) =>
        log.warn({ err }, 'cannot read what commits are called; messages leave it out')
      )
      if (isShared)
        stop = every(clock, refreshMs, look, (err) => log.warn({ err }, 'cannot read what commits are called'))
    },
    stop: () => stop()
  }
}
