// Digest: composes many notifications into one message, with as many objects as Slack's limits allow, all of them named. Pure.
import { sayDuration } from '../../duration.ts'
import { context, section } from '../slack/blocks.ts'
import { maxFallback, messageRoom } from '../slack/limits.ts'
import { code, cut, escapeMrkdwn, link, plain, time } from '../slack/mrkdwn.ts'
import type { Payload } from '../slack/payload.ts'
import { type Category, fold, type Group, grouped, type Item, type Waiting } from './digest-groups.ts'
import { createPage, type Page } from './digest-room.ts'
import { lasted } from './lasted.ts'
import type { View } from './view.ts'

const looks: Record<Category, { emoji: string; word: string; colour: string }> = {
  failing: { emoji: ':red_circle:', word: 'failing', colour: '#a30200' },
  warning: { emoji: ':warning:', word: 'warnings', colour: '#daa038' },
  recovered: { emoji: ':white_check_mark:', word: 'recovered', colour: '#2eb886' },
  cleared: { emoji: ':white_check_mark:', word: 'well again', colour: '#2eb886' },
  gone: { emoji: ':wastebasket:', word: 'gone', colour: '#2eb886' },
  other: { emoji: ':large_green_circle:', word: 'ok', colour: '#dddddd' }
}

/** The message, and the ids of the notifications in it, at least one. `waiting` is oldest first and not empty; `maxText` is
 * for receivers that take less than Slack. */
export function composeDigest(
  waiting: readonly Waiting[],
  now: number,
  maxText: number = messageRoom.text
): { ids: string[]; payload: Payload } {
  const page = createPage((category) => looks[category].colour, maxText)
  const named: Item[] = []
  const groups = fold(waiting).flatMap(ownLines)
  const clusters = new Set(waiting.map(({ view }) => view.object.cluster))
  const lines = groups.reduce((sum, { dependents }) => sum + 1 + grouped(dependents).length, 0)
  const style = { hasClusters: clusters.size > 1, maxText: textRoom(lines) }
  const isFull = !groups.every((group) => writeGroup(page, group, style, named))
  const ids = new Set(named.flatMap((item) => item.ids))
  const members = waiting.filter(({ id }) => ids.has(id))
  const attachments = page.attachments()
  return {
    ids: [...ids],
    payload: {
      text: fallback(named, clusters),
      blocks: [section(title(named, clusters, isFull)), context(facts(named, members, now))],
      attachments,
      unfurl_links: false,
      unfurl_media: false
    }
  }
}

const endingInWords: Record<NonNullable<View['ending']>, string> = {
  unblocked: 'no longer waits',
  corrected: 'drift corrected',
  cleared: 'is well again',
  uninstalled: 'was uninstalled',
  deleted: 'was deleted'
}

// With more objects than this the names alone are what a reader has time for, and what there is room for.
const maxOwnLines = 30

/** A rule's own summary is about one object: where they are few, each of them gets its line. */
function ownLines(group: Group): Group[] {
  const { category, items, dependents } = group
  const isFew = items.length <= maxOwnLines && dependents.length === 0
  if (!isFew || !items.every(({ view }) => view.custom?.summary !== undefined)) return [group]
  return items.map((item) => ({ category, items: [item], dependents }))
}

/** Writes as much of `group` as there is room for, adding to `named`; whether that was all. */
function writeGroup(page: Page, group: Group, style: Style, named: Item[]): boolean {
  const { category, items, dependents } = group
  const [only] = items
  const heading = `*${looks[category].word.replace(/^./, (letter) => letter.toUpperCase())}*`
  if (items.length === 1 && only !== undefined) {
    if (!page.write(category, heading, [line(only, style)])) return false
    named.push(only)
  } else if (!writeNames(page, category, heading, groupText(items, style), items, style, named)) {
    return false
  }
  return writeDependents(page, category, heading, dependents, style, named)
}

/** What others say whose trouble this explains: each in its own words, or by their names alone where they are too many. */
function writeDependents(
  page: Page,
  category: Category,
  heading: string,
  dependents: readonly Item[],
  style: Style,
  named: Item[]
): boolean {
  const troubles = grouped(dependents)
  const because = '↳ because of it:'
  if (troubles.length > maxOwnLines) return writeNames(page, category, heading, because, dependents, style, named)
  return troubles.every((items, index) => {
    const head = index === 0 ? [because] : []
    const [only] = items
    if (items.length > 1 || only === undefined) {
      return writeNames(page, category, heading, [...head, groupText(items, style)].join('\n'), items, style, named)
    }
    if (!page.write(category, heading, [...head, line(only, style)])) return false
    named.push(only)
    return true
  })
}

/** `text` once, then the names by kind and namespace: `• HelmRelease apps: a, b, c`. */
function writeNames(
  page: Page,
  category: Category,
  heading: string,
  text: string,
  items: readonly Item[],
  style: Style,
  named: Item[]
): boolean {
  let head = text === '' ? [] : [text]
  for (const [place, members] of byPlace(items, style)) {
    const prefix = `• ${place}`
    let isFirst = true
    for (const item of members) {
      const isWritten = isFirst
        ? page.write(category, heading, [...head, `${prefix} ${nameOf(item)}`])
        : page.extend(category, nameOf(item), prefix)
      if (!isWritten) return false
      named.push(item)
      isFirst = false
      head = []
    }
  }
  return true
}

function byPlace(items: readonly Item[], { hasClusters }: Style): Map<string, Item[]> {
  const places = new Map<string, Item[]>()
  for (const item of items) {
    const { cluster, kind, namespace } = item.view.object
    const path = [plain(kind), namespace && `${plain(namespace)}:`].filter(Boolean).join(' ')
    const place = [hasClusters && code(cluster), path].filter(Boolean).join(' ')
    const members = places.get(place)
    if (members === undefined) places.set(place, [item])
    else members.push(item)
  }
  return places
}

function nameOf(item: Item): string {
  const { url, object, failure, at } = item.view
  const name = link(url, plain(object.name) || 'unnamed')
  if (item.view.says !== 'recovered') return [name, ...notes(item)].join(' ')
  if (failure === undefined) return name
  return `${name} (${[...notes(item), sayDuration(at - failure.since)].join(', ')})`
}

function notes({ category, view, failures, turned }: Item): string[] {
  if (category === 'recovered')
    return turned ? [failures > 1 ? `failed ×${failures}, now recovered` : 'failed, now recovered'] : []
  if (view.says === 'recovered') return []
  return [turned && 'recovered and again', failures > 1 && `×${failures}`].filter((note) => note !== false)
}

/** An object on a line of its own. */
function line(item: Item, style: Style): string {
  const { hasClusters } = style
  const { object, url, reason, revision } = item.view
  const { kind, namespace, name } = object
  const path = [namespace, name].filter(Boolean).join('/')
  const title = link(url, plain([kind, path].filter(Boolean).join(' ') || 'unnamed object'))
  const own = item.view.custom?.summary
  if (own !== undefined) {
    const isNamed = name !== '' && own.includes(plain(name))
    return ['•', hasClusters && code(object.cluster), !isNamed && title, own, ...notes(item)].filter(Boolean).join(' ')
  }
  if (item.category === 'recovered') {
    const { failure, at } = item.view
    const how = failure && lasted(failure, sayDuration(at - failure.since))
    const was = item.turned ? `${notes(item).join('')}; ${how ?? ''}` : how && `was ${how}`
    return ['•', hasClusters && code(object.cluster), title, was].filter(Boolean).join(' ')
  }
  if (item.view.says === 'recovered') {
    const { failure, at, ending } = item.view
    const was = failure && `was ${lasted(failure, sayDuration(at - failure.since))}`
    const how = ending && endingInWords[ending]
    return ['•', hasClusters && code(object.cluster), title, [how, was].filter(Boolean).join('; ')]
      .filter(Boolean)
      .join(' ')
  }
  const parts = ['•', hasClusters && code(object.cluster), title, code(reason), ...notes(item)]
  if (item.category === 'other' && revision) parts.push(link(revision.url, plain(revision.text)))
  return [...parts, text(item.view, style)].filter(Boolean).join(' ')
}

/** What the lines of a message have in common. */
interface Style {
  hasClusters: boolean
  /** Of what an event says, in characters. */
  maxText: number
}

/** Enough to recognise a failure where there are many, and most of it where there are few. */
function textRoom(lines: number): number {
  return Math.min(240, Math.max(80, Math.floor(7000 / lines) - 60))
}

function text({ summary }: View, { maxText }: Style): string {
  return code(cut(summary, maxText))
}

function groupText(items: readonly Item[], style: Style): string {
  const [first] = items
  if (first === undefined || first.category === 'recovered') return ''
  const { ending } = first.view
  if (ending !== undefined) return `${endingInWords[ending]} · ${items.length} objects`
  const { reason, revision } = first.view
  const applied = first.category === 'other' && revision ? link(revision.url, plain(revision.text)) : ''
  // The text is that of the first; its name in it would look as if it were about all of them.
  const { namespace, name } = first.view.object
  const summary = first.view.summary.replaceAll(`${namespace}/${name}`, '…')
  const shared = text({ ...first.view, summary }, style)
  return [code(reason), applied, shared, `· ${items.length} objects`].filter(Boolean).join(' ')
}

function counts(named: readonly Item[]): { category: Category; count: number }[] {
  return (Object.keys(looks) as Category[])
    .map((category) => ({ category, count: named.filter((item) => item.category === category).length }))
    .filter(({ count }) => count > 0)
}

/** What all of them have in common: their revision, if it was applied somewhere, and their cluster. */
function subject(
  named: readonly Item[],
  clusters: ReadonlySet<string>
): { cluster: string; revision: View['revision'] } {
  const revisions = new Set(named.map(({ view }) => view.revision?.text))
  const isApplied = named.some(({ view }) => view.says === 'updated' || view.says === 'heartbeat')
  const [cluster = ''] = clusters
  return {
    cluster: clusters.size === 1 ? cluster : '',
    revision: revisions.size === 1 && isApplied ? named[0]?.view.revision : undefined
  }
}

function title(named: readonly Item[], clusters: ReadonlySet<string>, isFull: boolean): string {
  const { cluster, revision } = subject(named, clusters)
  const objects = named.length === 1 ? '1 object' : `${named.length} objects`
  const what = revision ? `*${link(revision.url, plain(revision.text))} applied to ${objects}*` : `*${objects}*`
  const parts = counts(named).map(({ category, count }) => `${looks[category].emoji} ${count} ${looks[category].word}`)
  const mentions = [...new Set(named.map(({ view }) => view.mention))]
    .filter((mention) => mention !== undefined)
    .slice(0, 5)
  return [':card_index_dividers:', code(cluster), what, ...parts, isFull && '_more follow_', ...mentions]
    .filter(Boolean)
    .join('   ')
}

function facts(named: readonly Item[], members: readonly Waiting[], now: number): string {
  const times = named.map(({ view }) => view.at)
  const [from, to] = [Math.min(...times), Math.max(...times)]
  const span = from === to ? time(from) : `${time(from)} to ${time(to)}`
  return [span, delayed(members, now)].filter(Boolean).join('   ')
}

/** A message that comes this long after its event is late, and says so. */
const lateAfterMs = 2 * 60 * 1000

/** `delayed 3 h`, where the oldest of `members` has waited for long. */
export function delayed(members: readonly { createdAt: number }[], now: number): string {
  const waitedMs = now - Math.min(...members.map(({ createdAt }) => createdAt))
  return waitedMs > lateAfterMs ? `*delayed ${sayDuration(waitedMs)}*` : ''
}

function fallback(named: readonly Item[], clusters: ReadonlySet<string>): string {
  const { cluster, revision } = subject(named, clusters)
  const what = revision ? `${revision.text} applied to ${named.length} objects` : `${named.length} objects`
  const parts = counts(named).map(({ category, count }) => `${count} ${looks[category].word}`)
  const names = named
    .slice(0, 10)
    .map(({ view: { object } }) => [object.namespace, object.name].filter(Boolean).join('/'))
  return escapeMrkdwn(
    cut(`${cluster === '' ? '' : `${cluster}: `}${what}: ${parts.join(', ')}: ${names.join(', ')}`, maxFallback)
  )
}
