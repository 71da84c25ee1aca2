// Counts: compute figures for charts and tables on any store: of lanes, minutes, rules, destinations, and the time from event to post.
import { type LaneRecord, type Minute, maxWindowMs, type Records } from '../records.ts'
import { type Ask, firstSince, type Row } from './walk.ts'

const minuteMs = 60_000
/** The time that one statement counts, so that nothing else waits for a whole day. */
const stepMs = 60 * minuteMs
/** Notifications that are looked at to say what rules did: of all rules together, and of each at least. */
const maxLooked = 10_000
const leastLooked = 20
/** Messages of one destination that are counted. */
const maxSent = 500
/** Messages that are enough to say how long delivery takes. */
const sampleRows = 1000

/**
 * SQL for the lanes in which something waits, and null. It finds the first, then the first after it, and so on, in as many steps as there
 * are lanes, however much waits in them.
 */
export const busySql = `
  with recursive busy(lane) as (
    select min(lane) from notifications where state = 'pending' and message_id is null
    union all
    select (
      select min(n.lane) from notifications n
      where n.state = 'pending' and n.message_id is null and n.lane > busy.lane
    ) from busy where busy.lane is not null
  )`

/** SQL for when the oldest of what waits began to wait, by `since`; without failures that have yet to last. */
const oldestSql = (since: string) => `
  (select n.created_at from notifications n
   where n.lane = k.lane and n.state = 'pending' and n.message_id is null and n.held_until = 0 order by n.id limit 1) as oldest,
  (select min(${since}) from notifications n
   where n.lane = k.lane and n.state = 'pending' and n.message_id is null and n.held_until > 0
     and (n.holds > 0 or n.held_at is null)) as oldest_held,
  (select min(${since}) from notifications n where n.message_id = m.id) as oldest_open`

const accepted = 'n.created_at'

// Until `held_until` a notification waits on purpose, for a group perhaps for hours.
const due = 'case when n.held_until > n.created_at then n.held_until else n.created_at end'

const lanesSql = `
  ${busySql}, known(lane) as (
    select lane from busy where lane is not null
    union select lane from messages where state = 'open'
    union select key from lanes
  )
  select k.lane, l.tokens, l.tokens_at, l.not_before, l.block_reason, l.block_since, l.probes, m.notifications as open,
    m.created_at as open_since,
    (select count(*) from notifications n
     where n.lane = k.lane and n.state = 'pending' and n.message_id is null) as waiting,
    ${oldestSql(accepted)}
  from known k left join lanes l on l.key = k.lane left join messages m on m.lane = k.lane and m.state = 'open'
  order by k.lane`

const headsSql = `
  ${busySql}, known(lane) as (
    select lane from busy where lane is not null
    union select lane from messages where state = 'open'
    union select key from lanes where block_reason is not null
  )
  select k.lane, l.not_before, l.block_reason, l.block_since, l.probes, ${oldestSql(due)}
  from known k left join lanes l on l.key = k.lane left join messages m on m.lane = k.lane and m.state = 'open'`

// Finds the rules one after the other, as with the lanes.
const notifyingSql = `
  with recursive notifying(rule) as (
    select min(rule) from notifications
    union all
    select (select min(n.rule) from notifications n where n.rule > notifying.rule) from notifying where notifying.rule is not null
  ), newest as (
    select rule, (select max(n.id) from notifications n where n.rule = notifying.rule) as id from notifying where rule is not null
  )`

const rulesSql = (first: number) => `${notifyingSql}
  select newest.rule, n.created_at as last_at from newest join notifications n on n.id = newest.id
  where newest.id >= ${first} order by newest.rule`

// Counts the newest notifications of each rule, with all figures in one text, so that each row is read only once: the index does not
// have their events and messages nor, in a database that has to look for visible rows, tell that they are there.
const usesSql = (first: number, rows: number) => `${notifyingSql}
  select newest.rule, (
    select count(*) || ' ' || count(distinct event_id) || ' ' || count(distinct case when state = 'sent' then message_id end)
    from (select event_id, state, message_id from notifications n
          where n.rule = newest.rule and n.id >= ${first} order by n.id desc limit ${rows}) as looked) as figures
  from newest where newest.id >= ${first}`

// Finds the destinations one after the other, as with the lanes. Only its row says how a message ended, so the rows read are limited.
const trafficSql = (first: number) => `
  with recursive posted(destination) as (
    select min(destination) from messages
    union all
    select (select min(m.destination) from messages m where m.destination > posted.destination)
    from posted where posted.destination is not null
  ), traffic as (
    select destination,
      (select count(*) || ' ' || count(case when state = 'sent' then 1 end) from (
         select state from messages m where m.destination = posted.destination and m.id >= ${first}
         order by m.id desc limit ${maxSent + 1}) as looked) as figures,
      (select m.id from messages m where m.destination = posted.destination and m.state = 'sent'
       order by m.id desc limit 1) as last
    from posted where destination is not null
  )
  select traffic.destination, traffic.figures, m.settled_at as last_at
  from traffic left join messages m on m.id = traffic.last order by traffic.destination`

const eventsSql = `
  select received_at / ${minuteMs} as minute, count(*) as events,
    sum(case when transition in ('failed', 'changed') then 1 else 0 end) as failed
  from events where received_at >= $1 and received_at < $2 group by received_at / ${minuteMs}`

// Only messages that were sent count: in an outage, each destination has one that waits, and nobody has seen it.
const messagesSql = `
  select created_at / ${minuteMs} as minute, count(*) as messages
  from messages where created_at >= $1 and created_at < $2 and state = 'sent' group by created_at / ${minuteMs}`

const latencySql = `
  select settled_at - newest_at as ms from messages
  where created_at >= $1 and state = 'sent' order by created_at desc limit ${sampleRows}`

export function readCounts(
  ask: Ask
): Pick<Records, 'lanes' | 'laneHeads' | 'perMinute' | 'latency' | 'ruleHits' | 'destinationTraffic'> {
  return {
    async lanes() {
      return (await ask(lanesSql, [])).map((row) => ({
        ...stateOf(row),
        oldest: oldestOf(row),
        backlog: Number(row['waiting']) + Number(row['open'] ?? 0),
        openSince: row['open_since'] == null ? null : Number(row['open_since']),
        bucket: row['tokens'] == null ? null : { tokens: Number(row['tokens']), at: Number(row['tokens_at']) }
      }))
    },

    async laneHeads() {
      return (await ask(headsSql, [])).map((row) => ({ ...stateOf(row), dueSince: oldestOf(row) }))
    },

    async perMinute(since, until) {
      const minutes = new Map<number, Minute>()
      const at = (row: Row): Minute => {
        const minute = Number(row['minute']) * minuteMs
        const known = minutes.get(minute) ?? { minute, events: 0, failed: 0, messages: 0 }
        minutes.set(minute, known)
        return known
      }
      for (let from = Math.max(since, until - maxWindowMs); from < until; from += stepMs) {
        const to = Math.min(from + stepMs, until)
        for (const row of await ask(eventsSql, [from, to])) {
          at(row).events += Number(row['events'])
          at(row).failed += Number(row['failed'])
        }
        for (const row of await ask(messagesSql, [from, to])) at(row).messages += Number(row['messages'])
      }
      return [...minutes.values()].sort((a, b) => a.minute - b.minute)
    },

    async latency(since) {
      const rows = await ask(latencySql, [since])
      const times = rows.map(({ ms }) => Math.max(0, Number(ms))).sort((a, b) => a - b)
      const at = (share: number) => times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? 0
      return times.length === 0 ? undefined : { medianMs: at(0.5), p99Ms: at(0.99) }
    },

    async ruleHits(since) {
      const first = await firstSince(ask, 'notifications', since)
      if (first === undefined) return []
      const rows = await ask(rulesSql(first), [])
      if (rows.length === 0) return []
      const most = Math.max(leastLooked, Math.floor(maxLooked / rows.length))
      const uses = await ask(usesSql(first, most + 1), [])
      const figures = new Map(uses.map((row) => [row['rule'], String(row['figures']).split(' ').map(Number)]))
      return rows.map((row) => {
        const [looked = 0, ...counts] = figures.get(row['rule'] ?? null) ?? []
        // One more row was looked at, to know whether there are more.
        const [events = 0, messages = 0] = counts.map((count) => Math.min(count, most))
        return { rule: String(row['rule']), events, messages, isPart: looked > most, lastAt: Number(row['last_at']) }
      })
    },

    async destinationTraffic(since) {
      const first = (await firstSince(ask, 'messages', since)) ?? Number.MAX_SAFE_INTEGER
      return (await ask(trafficSql(first), [])).map((row) => {
        const [looked = 0, sent = 0] = String(row['figures']).split(' ').map(Number)
        return {
          destination: String(row['destination']),
          messages: Math.min(sent, maxSent),
          isPart: looked > maxSent,
          lastAt: row['last_at'] == null ? undefined : Number(row['last_at'])
        }
      })
    }
  }
}

function stateOf(row: Row): Pick<LaneRecord, 'lane' | 'block' | 'notBefore'> {
  const block = {
    reason: String(row['block_reason']),
    since: Number(row['block_since']),
    probes: Number(row['probes'])
  }
  return {
    lane: String(row['lane']),
    notBefore: Number(row['not_before'] ?? 0),
    block: row['block_reason'] == null ? null : block
  }
}

function oldestOf(row: Row): number | null {
  const known = [row['oldest'], row['oldest_held'], row['oldest_open']].flatMap((time) =>
    time == null ? [] : Number(time)
  )
  return known.length === 0 ? null : Math.min(...known)
}
