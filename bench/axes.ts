// Axes: name what may be many, with the config file and the database of each size.
import { DatabaseSync } from 'node:sqlite'
import { copyEvents, copyObjects, copyPending } from './copies.ts'

export interface Axis {
  name: string
  /** Ascending. */
  sizes: readonly number[]
  config(size: number): string
  /** Of so many namespaces the events are; 0 is one for all. */
  namespaces(size: number): number
  /** Fills a database in which there are some hundred events. */
  fill?(db: DatabaseSync, size: number): void
  /** What it is filled with waits, and is claimed. */
  waits?: true
}

const preview = 'destinations: { team: { preview: true } }\n'
const failures = 'rules: [{ name: failures, send: team }]\n'
const plain = { config: () => preview + failures, namespaces: () => 0 }

const kinds = ['HelmRelease', 'GitRepository', 'OCIRepository', 'HelmChart', 'Bucket', 'ImageRepository', 'Terraform']

/** One rule fires; the others look at another kind, another namespace, or ask CEL. */
function rulesOf(size: number): string {
  const others = list(size - 1, (n) =>
    // One of a hundred is of the kind that comes, as where each team has its own rules.
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

/** A post to a closed port is tried again until it is too old: nothing leaves. */
const unreachable = (port: number) =>
  `destinations: { team: { slack: { webhookUrl: "http://127.0.0.1:${port}/services/T/B/x" } } }\n${failures}`

/** `closedPort`: on which nobody listens. `most`: how many events the largest database has. */
export function createAxes(closedPort: number, most: number): Axis[] {
  const stored = [1, 100_000, 1_000_000, 10_000_000].filter((size) => size <= most)
  return [
    { ...plain, name: 'stored', sizes: stored, fill: copyEvents },
    { ...plain, name: 'rules', sizes: [10, 1000, 10_000], config: rulesOf },
    // Each event is another owner's; then by a pattern and by a key that the last entry stands in for.
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

/** Fills the database in `file`, where there is anything to fill it with. */
export function fillFile(file: string, { fill }: Axis, size: number): void {
  if (fill === undefined) return
  const db = new DatabaseSync(file)
  db.exec('pragma synchronous = off; begin')
  fill(db, size)
  db.exec('commit')
  db.close()
}

/** Of the database in `file`: the lane in which most waits. */
export function fullestLane(file: string): string {
  const db = new DatabaseSync(file)
  const sql = `select lane, count(*) as n from notifications where state = 'pending' group by lane order by n desc limit 1`
  const { lane = '' } = (db.prepare(sql).get() ?? {}) as { lane?: string }
  db.close()
  return lane
}
