// Digest title: writes the first line of a digest, its line of facts, and what a lock screen shows of it. Pure.

import { sayAbout } from '../../duration.ts'
import { oneLine } from '../../legible.ts'
import { withEmojis } from '../slack/emoji.ts'
import { maxFallback } from '../slack/limits.ts'
import { code, cut, escapeMrkdwn, link, plain, prose, time } from '../slack/mrkdwn.ts'
import { unmarked } from '../slack/terminal.ts'
import { delayed } from './delayed.ts'
import { type Category, categories, type Group, type Item } from './digest-groups.ts'
import {
  categoryLooks,
  clustersOf,
  endingsOf,
  gistLine,
  lastingOf,
  type Style,
  sharedGist,
  sharedRevision
} from './digest-lines.ts'
import { revisionLink } from './facts.ts'
import { nameOf } from './name.ts'
import { allLink, silenceLink } from './pages.ts'
import { saidIn } from './said.ts'
import { isOwn, type View } from './view.ts'

/** The content of a digest. */
export interface Contents {
  items: readonly Item[]
  groups: readonly Group[]
  style: Style
}

/**
 * Decides what a digest is about. `cause`: all fail for one reason; `end`: all are over in one way; `deployment`: all were applied;
 * `mixed`: each group says what it is about.
 */
export function kindOf({ items, groups }: Contents): 'cause' | 'end' | 'deployment' | 'mixed' {
  const [group] = groups
  if (items.length === 0 || items.some(({ view }) => isOwn(view))) return 'mixed'
  if (items.every(isApplied)) return 'deployment'
  if (groups.length !== 1 || group === undefined || items.length === 1 || group.dependents.length > 0) return 'mixed'
  if (group.category === 'failing' || group.category === 'warning') return 'cause'
  return group.category === 'other' ? 'mixed' : 'end'
}

/**
 * Reports whether an item says that a revision was applied, or is in place. kustomize-controller lists what it applied of a
 * revision under Progressing.
 */
export function isApplied({ view: { says, reason, revision, custom } }: Item): boolean {
  const isOnTheWay = says === 'informed' && reason === 'Progressing' && revision !== undefined
  return (says === 'updated' || says === 'heartbeat' || isOnTheWay) && custom?.summary === undefined
}

/** Reports whether nothing was applied: the objects are well, as they were. */
function isWell(items: readonly Item[]): boolean {
  return items.every(({ view }) => view.says === 'heartbeat')
}

/** Returns `38 are well`. */
function countedWell({ length }: readonly Item[]): string {
  return `${length} ${length === 1 ? 'is' : 'are'} well`
}

/** The part of the message's form that title and facts need. */
interface Form {
  publicUrl?: string | undefined
  nextWordMs?: number | undefined
  /** True if not all that waits has room, so another message follows. */
  isCut?: boolean | undefined
}

/** Returns the first line, the worst state first. If all have one cause, a second line says it. */
export function titleOf(contents: Contents, { isCut }: Form): string {
  const { items, style } = contents
  const mentions = [...new Set(items.map(({ view }) => view.mention))]
    .filter((mention) => mention !== undefined)
    .slice(0, 5)
  const line = [`${sentenceOf(contents)}${atOf(contents)}`, isCut && '_more follow_', ...mentions]
    .filter(Boolean)
    .join('  ')
  return kindOf(contents) === 'cause' ? `${line}\n${gistLine(items, style)}` : line
}

function sentenceOf(contents: Contents): string {
  const { items, groups } = contents
  const place = placeOf(items, code)
  const [first] = groups
  if (first === undefined) return ''
  switch (kindOf(contents)) {
    case 'cause':
      return `${[`${counted(first.category, items)}${place}`, lastingOf(items)].filter(Boolean).join(' ')}, all for one reason`
    case 'end':
      return `${categoryLooks[first.category].emoji} ${endingsOf(items, place)}`
    case 'deployment':
      return deploymentOf(items, place)
    case 'mixed':
      break
  }
  if (items.every(({ view }) => isOwn(view))) {
    return `:warning: *flux-relay*: ${items.length} notices`
  }
  const counts = countsOf(items)
  const parts = counts.map(({ category, members }, index) => counted(category, members, index === 0))
  return `${parts.join(', ')}${place}`
}

/** Returns `, at main@a61e0c5 _Update podinfo_` if some objects of a push failed. */
function atOf(contents: Contents): string {
  const applied = contents.items.filter(isApplied)
  const at = kindOf(contents) === 'mixed' && applied.length > 0 ? sharedRevision(contents.items) : undefined
  return at === undefined ? '' : `, at ${changeOf(at, applied)}`
}

function counted(category: Category, members: readonly Item[], isBold = true): string {
  const said = `${members.length} ${wordFor(category, members)}`
  return `${categoryLooks[category].emoji} ${isBold ? `*${said}*` : said}`
}

function wordFor(category: Category, members: readonly Item[]): string {
  if (category === 'warning') {
    if (members.every(({ view }) => view.reason === 'DependencyNotReady')) return 'waiting'
    return members.length === 1 ? 'with a warning' : 'with warnings'
  }
  if (category === 'cleared' && members.every(({ view }) => view.ending === 'unblocked')) return 'no longer waiting'
  // A reminder must not read like another failure.
  if (category === 'failing' && members.every(({ lasts }) => lasts)) return 'still failing'
  if (category === 'other' && isWell(members)) return 'well'
  if (category === 'other' && !members.every(isApplied)) return 'with news'
  return categoryLooks[category].word
}

function countsOf(items: readonly Item[]): { category: Category; members: Item[] }[] {
  return categories
    .map((category) => ({ category, members: items.filter((item) => item.category === category) }))
    .filter(({ members }) => members.length > 0)
}

/** Returns ` in prod-eu` if all items are there; a notice of the relay is in no cluster. */
function placeOf(items: readonly Item[], write: (text: string) => string): string {
  const clusters = clustersOf(items)
  const [cluster = ''] = clusters
  if (clusters.size > 1) return ` in ${clusters.size} clusters`
  return cluster === '' ? '' : ` in ${write(cluster)}`
}

/** Returns `main@a61e0c5 _Update podinfo_ applied in prod-us, 24 objects`. */
function deploymentOf(items: readonly Item[], place: string): string {
  const { emoji } = categoryLooks.other
  const at = sharedRevision(items)
  if (isWell(items)) return `${emoji} *${countedWell(items)}*${place}${at ? `, at ${changeOf(at, items)}` : ''}`
  if (at === undefined) return `${emoji} *${items.length} updated*${place}`
  const objects = items.length === 1 ? '1 object' : `${items.length} objects`
  return `${emoji} ${changeOf(at, items)} applied${place}, ${objects}`
}

function changeOf(at: NonNullable<View['revision']>, items: readonly Item[]): string {
  const subject = items.find(({ view }) => view.subject)?.view.subject
  return [revisionLink(at), subject && `_${prose(subject)}_`].filter(Boolean).join(' ')
}

/** Returns the small line: when, and links that lead further. */
export function factsOfAll(
  contents: Contents,
  members: readonly { createdAt: number }[],
  now: number,
  { publicUrl, nextWordMs }: Form
): string {
  const { items } = contents
  const kind = kindOf(contents)
  const isDeployment = kind === 'deployment'
  const next = nextWordMs === undefined ? '' : `more may follow; next word in ${sayAbout(nextWordMs)} at most`
  const isTrouble = items.some(({ category }) => category === 'failing' || category === 'warning')
  const facts = [
    ...(isDeployment ? deploymentFacts(items) : [spanOf(items)]),
    next,
    delayed(members, now),
    // Slack may fold away the names, so the link to all of them stands below.
    isDeployment ? allLink(items, publicUrl, 'all') : allLink(items, publicUrl),
    isTrouble && items.every(({ view }) => !isOwn(view)) ? silenceLink(items, publicUrl) : ''
  ]
  return facts.filter(Boolean).join('   ')
}

/** Returns `🟢 *38 updated*: payments 6, shop 5`, which stands beside what failed of the same push. */
export function appliedLine(items: readonly Item[]): string {
  const said = isWell(items) ? countedWell(items) : `${items.length} updated`
  return `${categoryLooks.other.emoji} *${said}*: ${placesOfApplied(items)}`
}

function placesOfApplied(items: readonly Item[]): string {
  return items.length <= maxNamed ? items.map(versioned).join(', ') : namespacesOf(items)
}

/** Maximum number of objects that a deployment names; more are only counted. */
const maxNamed = 10

function deploymentFacts(items: readonly Item[]): string[] {
  const times = items.flatMap(({ view }) => (view.says === 'heartbeat' ? [] : [view.at]))
  const tookMs = Math.max(...times) - Math.min(...times)
  const compare = items.find(({ view }) => view.previous?.url)?.view.previous?.url
  const previous = new Set(items.map(({ view }) => view.previous?.url))
  return [
    placesOfApplied(items),
    tookMs >= 1000 ? `took ${sayAbout(tookMs)}` : '',
    previous.size === 1 && compare ? link(compare, 'compare') : ''
  ]
}

/** Returns `payments/ledger 3.14.2`: the version of a chart says more than that it was updated. */
function versioned({ view }: Item): string {
  const isChart = view.object.kind === 'HelmRelease' && view.revision !== undefined
  return [plain(nameOf(view)), isChart && revisionLink(view.revision ?? { text: '' })].filter(Boolean).join(' ')
}

/** Maximum number of namespaces that are named. */
const maxNamespaces = 20

/** Returns `payments 6, shop 5`, the largest first. */
function namespacesOf(items: readonly Item[]): string {
  const counts = Map.groupBy(items, ({ view }) => view.object.namespace)
  const sorted = [...counts].sort(([, a], [, b]) => b.length - a.length)
  const named = sorted
    .slice(0, maxNamespaces)
    .map(([namespace, members]) => `${plain(namespace) || 'none'} ${members.length}`)
  const rest = sorted.length - named.length
  return [...named, ...(rest > 0 ? [`${rest} more namespaces`] : [])].join(', ')
}

function spanOf(items: readonly Item[]): string {
  const times = items.map(({ view }) => view.at)
  const [first, last] = [Math.min(...times), Math.max(...times)]
  const isOneMinute = Math.floor(first / 60_000) === Math.floor(last / 60_000)
  return isOneMinute ? time(first) : `${time(first)} – ${time(last)}`
}

/** Returns what a phone's lock screen shows: the worst state, the place, and the first cause. */
export function lockScreenOf(contents: Contents): string {
  const { items, groups } = contents
  const kind = kindOf(contents)
  if (kind === 'deployment') return escapeMrkdwn(cut(deploymentInWords(items), maxFallback))
  const sentence = unmarked(sentenceOf(contents)).replace(', all for one reason', '')
  const [first] = groups
  const named = causeIn(kind, first)
  const more = kind === 'mixed' && items.length > 1 && groups.length > 1 ? secondIn(groups) : ''
  return escapeMrkdwn(cut(oneLine(withEmojis(`${sentence}${named}${more}`)), maxFallback))
}

/** Returns `🟢 main@a61e0c5 applied in prod-us: "Update podinfo", 24 objects`. */
function deploymentInWords(items: readonly Item[]): string {
  const at = sharedRevision(items)
  const objects = items.length === 1 ? '1 object' : `${items.length} objects`
  const place = placeOf(items, (text) => text)
  const emoji = withEmojis(categoryLooks.other.emoji)
  if (isWell(items)) return oneLine(`${emoji} ${countedWell(items)}${place}${at ? `, at ${at.text}` : ''}`)
  if (at === undefined)
    return oneLine(`${emoji} ${items.length} updated${place}: ${items.map(({ view }) => nameOf(view)).join(', ')}`)
  const subject = items.find(({ view }) => view.subject)?.view.subject
  return oneLine(`${emoji} ${at.text} applied${place}:${subject ? ` "${subject}",` : ''} ${objects}`)
}

function causeIn(kind: ReturnType<typeof kindOf>, group: Group | undefined): string {
  const [first] = group?.items ?? []
  if (group === undefined || first === undefined) return ''
  const { view } = first
  const rest = group.items.length - 1
  const name = `${nameOf(view)}${rest > 0 ? ` and ${rest} more` : ''}`
  const gist = group.items.length > 1 ? sharedGist(group.items) : saidIn(view).summary
  if (kind === 'cause') return `: ${gist} (${view.object.kind} ${name})`
  if (kind === 'end' || view.says === 'recovered' || gist === '') return `: ${name}`
  return `: ${isOwn(view) ? '' : `${name}: `}${gist}`
}

function secondIn(groups: readonly Group[]): string {
  return groups
    .slice(1, 6)
    .flatMap(({ items }) => (items[0] && !items.every(isApplied) ? [`; ${nameOf(items[0].view)}`] : []))
    .join('')
}
