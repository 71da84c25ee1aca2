// Report: counts what is in a database and checks that its rows fit together, in SQL that every store speaks.
import { discardedReason } from '../records.ts'

export interface Finding {
  check: string
  /** Number of rows that fail the check. */
  rows: number
  /** Ids of some of these rows. */
  examples: readonly string[]
}

export interface Report {
  /** Numbers of rows by what they are. */
  counts: Record<string, number>
  /** The results of all checks, including those that found nothing. */
  findings: readonly Finding[]
  /** What the database itself reports of its pages; empty if it is sound, or if it checks them on its own. */
  damage: readonly string[]
}

/** Runs one statement for reading; `sql` is in the subset that both databases understand. */
export type Read = (sql: string) => Promise<Record<string, unknown>[]>

/** Number of examples in a finding. */
export const shown = 5

const counts: [name: string, sql: string][] = [
  ['events', 'select count(*) as n from events'],
  ['objects', 'select count(*) as n from objects'],
  ...(['pending', 'sent', 'dead'] as const).map((state): [string, string] => [
    `notifications ${state}`,
    `select count(*) as n from notifications where state = '${state}'`
  ]),
  ...(
    [
      ['muted', '<>'],
      ['discarded', '=']
    ] as const
  ).map(([state, is]): [string, string] => [
    `notifications ${state}`,
    `select count(*) as n from notifications where state = 'muted' and coalesce(reason, '') ${is} '${discardedReason}'`
  ]),
  ...(['open', 'sent', 'dead'] as const).map((state): [string, string] => [
    `messages ${state}`,
    `select count(*) as n from messages where state = '${state}'`
  ])
]

// Each check selects the rows that should not exist, by `id`.
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
    // SQLite's own checks are off while the relay writes.
    'every state is one that there is',
    `select id from notifications where state not in ('pending', 'sent', 'dead', 'muted')
     union all
     select id from messages where state not in ('open', 'sent', 'dead')
     union all
     select rollout_id as id from rollout_entries where state not in ('expected', 'coming', 'applied', 'failing')`
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
  [
    'every card names something, and what is named has its card',
    `select c.id from cards c where not exists (select 1 from card_entries e where e.card_id = c.id)
     union all
     select e.id from card_entries e where not exists (select 1 from cards c where c.id = e.card_id)
     union all
     select v.id from card_versions v where not exists (select 1 from cards c where c.id = v.card_id)`
  ],
  ['every object has a memory', `select key as id from objects where memory is null`]
]

/** Makes the report, except for what the database reports of its own pages. */
export async function look(read: Read): Promise<Omit<Report, 'damage'>> {
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
