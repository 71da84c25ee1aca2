// Commits: remember the subjects of each cluster's newest commits, by revision. In: events of Git sources, at the start those
// of the store. Out: the subject of a revision.
import type { Logger } from 'pino'
import { type Clock, every } from './clock.ts'
import { commitSubjectOf } from './events/commit-subject.ts'
import { type FluxEvent, readStored } from './events/flux.ts'
import type { Records } from './store/records.ts'

export interface Commits {
  /** Remembers the commit that `event` is about, if it is about one. */
  note(event: FluxEvent): void
  /** The subject of the commit that `event` is about; undefined if it is not known. */
  subjectOf(event: FluxEvent): string | undefined
  start(): Promise<void>
  stop(): void
}

/** Commits that are remembered of each cluster. */
const maxRemembered = 100
/** Commits that are remembered in all, some megabytes: a source that names its own clusters can name any number. */
const maxOfAll = 20_000

/** How often the commits that other replicas received are read: a push is applied some seconds after it was fetched. */
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
  /** True if other replicas write to the same store. */
  isShared: boolean
  clock: Clock
  log: Logger
}): Commits {
  /** Subjects by revision, oldest first, by cluster: first the cluster that has been without a commit for longest. */
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

  /** Reads the events stored since the last look, with a moment of overlap. */
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
