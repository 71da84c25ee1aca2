// Evidence: reads the rows of the relay's database at the end, without any of its code.
import { DatabaseSync } from 'node:sqlite'
import { execute } from '../test/fixtures/postgres.ts'

export interface NotificationRow {
  id: number
  event_id: number | null
  rule: string
  destination: string
  object: string
  says: string
  state: 'pending' | 'sent' | 'dead' | 'muted'
  reason: string | null
  message_id: number | null
  created_at: number
  mute: string | null
  muted_until: number | null
}

export interface MessageRow {
  id: number
  destination: string
  state: 'open' | 'sent' | 'dead'
  payload: string
  created_at: number
}

export interface EventRow {
  id: number
  source: string
  name: string
  namespace: string
  received_at: number
  body: string
  trace: string
}

/** What an operator did. */
export interface ActRow {
  at: number
  via: string
  did: string
  about: {
    incidents?: { object: string; since: number }[]
    match?: Record<string, string>
    notifications?: string[]
  }
  /** Key of the click, if the act came from a button. */
  click: string | null
}

/** An incident that a card shows. */
export interface CardRow {
  ts: string
  object: string
  since: number
  /** Start of the failure that its object has now. */
  failing_since: number | null
}

export function incidentOf({ object, since }: { object: string; since: number }): string {
  return `${object} since ${since}`
}

export interface Evidence {
  cardEntries: CardRow[]
  notifications: NotificationRow[]
  messages: MessageRow[]
  attempts: { message_id: number; at: number; answer: string }[]
  events: EventRow[]
  acts: ActRow[]
  silences: { id: number }[]
}

const queries = {
  cardEntries: `select c.ts, e.object, e.since, o.failing_since from cards c join card_entries e on e.card_id = c.id
    left join objects o on o.key = e.object where e.since is not null order by c.id`,
  notifications: `select id, event_id, rule, destination, object, says, state, reason, message_id, created_at,
    mute, muted_until from notifications order by id`,
  messages: 'select id, destination, state, payload, created_at from messages order by id',
  attempts: 'select message_id, at, answer from attempts',
  events: 'select id, source, name, namespace, received_at, body, trace from events order by id',
  acts: 'select at, via, did, about, click from acts order by id',
  silences: 'select id from silences'
}

/** Reads everything from the database at `url`, a DATABASE_URL. `real` turns a relay's time into the real one. */
export async function readEvidence(url: string, real: (at: number) => number): Promise<Evidence> {
  const file = /^sqlite:(.+)$/.exec(url)?.[1]
  if (file === undefined) return timed(await read((sql) => execute(url, sql).then((rows) => rows.map(numbered))), real)
  const db = new DatabaseSync(file, { readOnly: true })
  try {
    return timed(await read(async (sql) => db.prepare(sql).all()), real)
  } finally {
    db.close()
  }
}

function timed({ messages, attempts, events, acts, ...rest }: Evidence, real: (at: number) => number): Evidence {
  return {
    ...rest,
    messages: messages.map((row) => ({ ...row, created_at: real(row.created_at) })),
    attempts: attempts.map((row) => ({ ...row, at: real(row.at) })),
    events: events.map((row) => ({ ...row, received_at: real(row.received_at) })),
    acts: acts.map((row) => ({ ...row, at: real(row.at) }))
  }
}

async function read(ask: (sql: string) => Promise<Record<string, unknown>[]>): Promise<Evidence> {
  const acts = (await ask(queries.acts)) as unknown as (Omit<ActRow, 'about'> & { about: string })[]
  return {
    cardEntries: (await ask(queries.cardEntries)) as unknown as CardRow[],
    notifications: (await ask(queries.notifications)) as unknown as NotificationRow[],
    messages: (await ask(queries.messages)) as unknown as MessageRow[],
    attempts: (await ask(queries.attempts)) as unknown as Evidence['attempts'],
    events: (await ask(queries.events)) as unknown as EventRow[],
    acts: acts.map((row) => ({ ...row, about: JSON.parse(row.about) })),
    silences: (await ask(queries.silences)) as unknown as Evidence['silences']
  }
}

/** The driver returns 64-bit integers as text. */
function numbered(row: Record<string, unknown>): Record<string, unknown> {
  const isNumber = (key: string, value: unknown) =>
    /(^id|^at|_id|_at|_until|since)$/.test(key) && typeof value === 'string'
  return Object.fromEntries(
    Object.entries(row).map(([key, value]) => [key, isNumber(key, value) ? Number(value) : value])
  )
}
