// Verification: checks that the rows of a database fit together. It only reads, as of one moment, so that a relay may go
// on meanwhile.
import { RelayError } from '../../errors.ts'
import { sqliteFile } from '../sqlite/path.ts'
import { readPostgres } from './postgres.ts'
import { type Finding, type Read, type Report, shown } from './report.ts'
import { readSqlite } from './sqlite.ts'

const counts: [name: string, sql: string][] = [
  ['events', 'select count(*) as n from events'],
  ['objects', 'select count(*) as n from objects'],
  ...(['pending', 'sent', 'dead', 'muted'] as const).map((state): [string, string] => [
    `notifications ${state}`,
    `select count(*) as n from notifications where state = '${state}'`
  ]),
  ...(['open', 'sent', 'dead'] as const).map((state): [string, string] => [
    `messages ${state}`,
    `select count(*) as n from messages where state = '${state}'`
  ])
]

// Each selects the rows that should not be, by `id`.
const checks: [check: string, sql: string][] = [
  [
    'a lane has at most one open message',
    `select max(id) as id from messages where state = 'open' group by lane having count(*) > 1`
  ],
  [
    'every open message has as many pending notifications as it counts',
    `select m.id from messages m where m.state = 'open' and m.notifications <> (
       select count(*) from notifications n where n.message_id = m.id and n.state = 'pending')`
  ],
  [
    'every pending notification in a message is in an open one of its lane',
    `select n.id from notifications n left join messages m on m.id = n.message_id
     where n.state = 'pending' and n.message_id is not null and (m.id is null or m.state <> 'open' or m.lane <> n.lane)`
  ],
  [
    'every sent notification is in a message that was sent',
    `select n.id from notifications n left join messages m on m.id = n.message_id
     where n.state = 'sent' and (m.id is null or m.state <> 'sent')`
  ],
  ['every dead letter has a reason', `select id from notifications where state = 'dead' and coalesce(reason, '') = ''`],
  [
    'every muted notification names its mute',
    `select id from notifications where state = 'muted' and coalesce(mute, '') = '' and coalesce(reason, '') = ''`
  ],
  [
    'every notification has its event',
    `select n.id from notifications n where n.event_id is not null and not exists (
       select 1 from events e where e.id = n.event_id)`
  ],
  [
    'every notification has its text',
    `select n.id from notifications n where not exists (select 1 from views v where v.id = n.id)`
  ],
  [
    'every attempt has its message',
    `select distinct a.message_id as id from attempts a where not exists (select 1 from messages m where m.id = a.message_id)`
  ],
  ['every object has a memory', `select key as id from objects where memory is null`]
]

/** Reads the database at `address`, as in DATABASE_URL. Throws BAD_DATABASE where it cannot be read at all. */
export async function verify(address: string): Promise<Report> {
  const url = address.trim()
  if (/^postgres(ql)?:/.test(url)) return readPostgres(url, async (read) => ({ ...(await look(read)), damage: [] }))
  const file = sqliteFile(url)
  if (file !== undefined) return readSqlite(file, look)
  throw new RelayError('BAD_DATABASE', 'name a database as in DATABASE_URL: sqlite:data/relay.db or postgres://…')
}

async function look(read: Read): Promise<Omit<Report, 'damage'>> {
  const counted: Record<string, number> = {}
  for (const [name, sql] of counts) counted[name] = Number((await read(sql))[0]?.['n'])
  const findings: Finding[] = []
  for (const [check, sql] of checks) {
    const [total] = await read(`select count(*) as n from (${sql}) as found`)
    const rows = Number(total?.['n'])
    const examples = rows === 0 ? [] : await read(`select id from (${sql}) as found order by id limit ${shown}`)
    findings.push({ check, rows, examples: examples.map(({ id }) => String(id)) })
  }
  return { counts: counted, findings }
}
