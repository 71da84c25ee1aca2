// Cards: decides which entries a posted message makes, as a card of its own or as changes of cards that exist already. Pure.
import { readMemory } from '../objects/stored-memory.ts'
import type { RolloutHead } from '../render/compose/rollout-standing.ts'
import { isOfIncident, isOwn, type View } from '../render/compose/view.ts'
import type { Payload } from '../render/slack/payload.ts'
import type { Rollout } from './kept.ts'
import { type Card, type CardEntry, cardHorizonMs } from './kept-cards.ts'
import type { CardPlace, Pending } from './kept-lanes.ts'
import { readView, viewText } from './texts.ts'

/** A notification that a message carried. */
export interface CarriedRow {
  event_id: number | null
  rule: string
  object: string
  view: string
}

/** An incident of a lane, and the card that names it. */
export interface KnownRow {
  object: string
  since: number
  card_id: number
  channel: string
  ts: string
}

export interface CardRow {
  id: number
  lane: string
  destination: string
  channel: string
  ts: string
  version: number
  claim: number
  shown_claim: number
  posted_at: number
  rollout_id: number | null
}

export interface EntryRow {
  object: string
  rule: string
  event_id: number | null
  since: number | null
  view: string
  memory: string | null
  /** Head of the latest rollout with a card in which the object fails, and the place of that card; null if there is none. */
  head: string | null
  channel: string | null
  ts: string | null
}

/** An entry to be written; `since` is null for news. */
export interface NewEntry {
  object: string
  rule: string
  event_id: number | null
  since: number | null
  view: string
}

/** Returns when the incident of a notification began, in ms: the one that it is about, or during which its warning came. */
export function incidentOf(view: View): number | undefined {
  return isOwn(view) ? undefined : (view.failure?.since ?? view.during)
}

/** The key of an incident: its object and when it began. */
export function incidentKey(object: string, since: number): string {
  return `${object}\n${since}`
}

/** Adds to each of `pending` the card that names its incident, if any; `keyOf` makes the key of a view's object. */
export function withCards(
  pending: readonly Pending[],
  known: readonly KnownRow[],
  keyOf: (view: View) => string
): Pending[] {
  const cards = new Map(known.map((row) => [incidentKey(row.object, row.since), placeOf(row)]))
  return pending.map((entry) => {
    const since = incidentOf(entry.view)
    const card = since === undefined ? undefined : cards.get(incidentKey(keyOf(entry.view), since))
    return card === undefined ? entry : { ...entry, card }
  })
}

function placeOf({ card_id, channel, ts }: KnownRow): CardPlace {
  return { id: String(card_id), channel, ts }
}

/** Returns SQL for the entries of `card`, an SQL expression: rows of {@link EntryRow}. */
export function entriesSql(card: string): string {
  return `select e.*, o.memory, r.head, rc.channel, rc.ts from card_entries e left join objects o on o.key = e.object
    left join cards rc on e.since is not null and rc.id = (
      select max(rs.id) from rollout_entries re join cards rs on rs.rollout_id = re.rollout_id
      where re.object = e.object and re.state = 'failing')
    left join rollouts r on r.id = rc.rollout_id
    where e.card_id = ${card} order by e.id`
}

/** Returns SQL for the payload that `card`, an SQL expression, shows. */
export function shownSql(card: string): string {
  return `select payload from card_versions where card_id = ${card} order by id desc limit 1`
}

/** The id of the rollout that a message was about, if any; such a message is about nothing else. */
export function rolloutIn([first]: readonly CarriedRow[]): number | undefined {
  // In other views this can only be part of a text from outside, whose quotes are escaped.
  if (!first?.view.includes('"rollout":{')) return undefined
  const id = readView(first.view).rollout?.id
  return id === undefined ? undefined : Number(id)
}

/**
 * Divides the notifications of a posted message, which come oldest first: `entries` are for the card that the message becomes, none if
 * no failure in it goes on; `changes` are for entries of other cards.
 */
export function carriedBy(
  carried: readonly CarriedRow[],
  known: readonly Pick<KnownRow, 'object' | 'since'>[]
): { entries: NewEntry[]; changes: NewEntry[] } {
  const isKnown = new Set(known.map(({ object, since }) => incidentKey(object, since)))
  const incidents = new Map<string, NewEntry & { says: View['says'] }>()
  const news: NewEntry[] = []
  for (const { view: text, ...about } of carried) {
    const view = readView(text)
    const { object } = about
    const since = incidentOf(view)
    if (since === undefined) news.push({ ...about, since: null, view: viewText(view) })
    else if (isOfIncident(view)) {
      const key = incidentKey(object, since)
      // A reminder says nothing that the notification before it does not.
      const before = view.says === 'repeated' ? incidents.get(key) : undefined
      incidents.set(key, before ?? { ...about, since, view: viewText(view), says: view.says })
    }
  }
  const all = [...incidents].map(([key, { says, ...entry }]) => ({ key, says, entry }))
  const changes = all.filter(({ key, says }) => isKnown.has(key) && says !== 'repeated')
  const begun = all.filter(({ key }) => !isKnown.has(key))
  const open = begun.filter(({ says }) => says !== 'recovered')
  // An incident that was over when it was posted no longer changes. It comes before those that go on, so that the later entry
  // tells the state of an object that has failed again since.
  const over = begun.filter(({ says }) => says === 'recovered').map(({ entry }) => ({ ...entry, since: null }))
  return {
    entries: open.length === 0 ? [] : [...over, ...open.map(({ entry }) => entry), ...news],
    changes: changes.map(({ entry }) => entry)
  }
}

/** Makes a card of its `row` as it was before the claim; `shown` is its newest version, `rollout` the rollout that it shows, if any. */
export function cardOf(
  row: CardRow,
  entries: readonly EntryRow[],
  shown: string | undefined,
  rollout: Rollout | undefined
): Card {
  const { id, lane, destination, channel, ts, version, claim, shown_claim, posted_at: postedAt } = row
  return {
    ...{ id: String(id), lane, destination, channel, ts, version, claim: claim + 1, postedAt },
    entries: entries.map(entryOf),
    // If the answer to an update was lost, Slack may show either version.
    shown: shown !== undefined && shown_claim === claim ? (JSON.parse(shown) as Payload) : undefined,
    ...(rollout && { rollout })
  }
}

/** Splits the payload of a message that became a card into what it shows and the reply in its thread, as JSON. */
export function versionOf({ reply, ...shown }: Payload): { shown: string; reply: string | undefined } {
  return { shown: JSON.stringify(shown), reply: reply && JSON.stringify(reply) }
}

/** Reports whether somebody is updating the card; both times in ms. */
export function isClaimed({ claimed_until: until }: { claimed_until: number }, now: number): boolean {
  return until > now && until <= now + cardHorizonMs
}

function readHead(json: string): RolloutHead {
  return JSON.parse(json) as RolloutHead
}

/** The address of a message, from which Slack leads anyone who is signed in to their own workspace. */
export function placeUrl({ channel, ts }: { channel: string; ts: string }): string {
  return `https://slack.com/archives/${encodeURIComponent(channel)}/p${ts.replace('.', '')}`
}

function entryOf({ object, rule, event_id, since, view, memory, head, channel, ts }: EntryRow): CardEntry {
  return {
    ...{ object, rule, event: event_id === null ? undefined : String(event_id) },
    ...{ since: since ?? undefined, view: readView(view) },
    memory: memory === null ? undefined : readMemory(memory),
    ...(head !== null &&
      channel !== null &&
      ts !== null && { rollout: { head: readHead(head), url: placeUrl({ channel, ts }) } })
  }
}
