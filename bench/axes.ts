// Axes: the dimensions along which a relay may grow, with the config file and the database of each size.
import { DatabaseSync } from 'node:sqlite'
import { copyEvents, copyObjects, copyPending } from './copies.ts'

export interface Axis {
  name: string
  /** Ascending. */
  sizes: readonly number[]
  config(size: number): string
  /** Namespaces that the events are spread over; 0 puts all of them in one. */
  namespaces(size: number): number
  /** Fills a database that already holds some hundred events. */
  fill?(db: DatabaseSync, size: number): void
  /** Set if the rows added by `fill` are pending, so that claims are measured on them. */
  waits?: true
}

const preview = 'destinations: { team: { preview: true } }\n'
const failures = 'rules: [{ name: failures, send: team }]\n'
const plain = { config: () => preview + failures, namespaces: () => 0 }

const kinds = ['HelmRelease', 'GitRepository', 'OCIRepository', 'HelmChart', 'Bucket', 'ImageRepository', 'Terraform']

/** One rule fires; the others ask for another kind or namespace, or evaluate CEL. */
function rulesOf(size: number): string {
  const others = list(size - 1, (n) =>
    // One rule in a hundred matches the kind of the events, as if each team had its own rules.
    n % 100 === 0
      ? `{ name: team-${n}, match: { kind: Kustomization, namespace: other-${n} }, send: team }`
      : `{ name: team-${n}, match: { kind: ${kinds[n % kinds.length]}, namespace: other-${n}, when: 'object.name != "x"' }, send: team }`
  )
  return `${preview}rules:\n  - { name: failures, send: team }\n${others}`
}

function ownersBy(form: (n: number) => string): Pick<Axis, 'config'> {
  return {
    config: (size) =>
      `${preview}owners:\n${list(size, (n) => `{ match: { ${form(n)} }, send: team }`)}  - { send: team }\nrules: [{ name: failures, send: owner }]\n`
  }
}

function lanesOf(size: number): string {
  const destinations = Array.from({ length: size }, (_, n) => `  lane-${n}: { preview: true }\n`).join('')
  const rules = list(size, (n) => `{ name: lane-${n}, match: { namespace: team-${n} }, send: lane-${n} }`)
  return `destinations:\n${destinations}rules:\n${rules}`
}

const list = (size: number, write: (n: number) => string) =>
  Array.from({ length: size }, (_, n) => `  - ${write(n)}\n`).join('')

/** A post to a closed port is retried until it is too old, so no message ever leaves the lane. */
const unreachable = (port: number) =>
  `destinations: { team: { slack: { webhookUrl: "http://127.0.0.1:${port}/services/T/B/x" } } }\n${failures}`

/** Creates all axes. Nobody listens on `closedPort`; `most` is the number of events in the largest database. */
export function createAxes(closedPort: number, most: number): Axis[] {
  const stored = [1, 100_000, 1_000_000, 10_000_000].filter((size) => size <= most)
  return [
    { ...plain, name: 'stored', sizes: stored, fill: copyEvents },
    { ...plain, name: 'rules', sizes: [10, 1000, 10_000], config: rulesOf },
    // Each event has another owner; in the next two axes no pattern and no metadata key matches, so the last entry applies.
    {
      ...{ name: 'owners', sizes: [10, 1000, 10_000], namespaces: (size: number) => size },
      ...ownersBy((n) => `namespace: team-${n}`)
    },
    { ...plain, name: 'ownersbyglob', sizes: [10, 10_000], ...ownersBy((n) => `namespace: "team-${n}-*"`) },
    { ...plain, name: 'ownersbykey', sizes: [10, 10_000], ...ownersBy((n) => `metadata: { team: team-${n} }`) },
    { name: 'lanes', sizes: [1, 500, 5000], namespaces: (size) => size, config: lanesOf },
    {
      ...{ ...plain, name: 'pending', sizes: [1000, 100_000, 1_000_000], waits: true as const },
      ...{ config: () => unreachable(closedPort), fill: copyPending }
    },
    { ...plain, name: 'failing', sizes: [100, 10_000, 100_000], fill: copyObjects }
  ]
}

/** Fills the database in `file` if the axis has something to fill it with. */
export function fillFile(file: string, { fill }: Axis, size: number): void {
  if (fill === undefined) return
  const db = new DatabaseSync(file)
  db.exec('pragma synchronous = off; begin')
  fill(db, size)
  db.exec('commit')
  db.close()
}

/** The lane with the longest backlog in the database in `file`. */
export function fullestLane(file: string): string {
  const db = new DatabaseSync(file)
  const sql = `select lane, count(*) as n from notifications where state = 'pending' group by lane order by n desc limit 1`
  const { lane = '' } = (db.prepare(sql).get() ?? {}) as { lane?: string }
  db.close()
  return lane
}
