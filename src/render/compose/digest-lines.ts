// Digest lines: what a digest says about one object, about several with one cause, and about where they are. Pure.

import { sayAbout } from '../../duration.ts'
import { faceOf } from '../slack/looks.ts'
import { code, cutShort, link, plain, prose } from '../slack/mrkdwn.ts'
import type { Category, Item } from './digest-groups.ts'
import { causeFirst, emphasised } from './emphasis.ts'
import { newsOf, revisionLink } from './facts.ts'
import { nameOf } from './name.ts'
import { noticeEmoji, noticeLine } from './notice.ts'
import { saidIn } from './said.ts'
import { stateOf } from './state.ts'
import { isOwn, type View } from './view.ts'

/** The style that all lines of one message share. */
export interface Style {
  hasClusters: boolean
  /** True if names link to the pages of their objects. */
  hasLinks: boolean
  /** Maximum length of a gist, in characters. */
  maxText: number
}

export const categoryLooks: Record<Category, { emoji: string; word: string }> = {
  failing: { emoji: ':red_circle:', word: 'failing' },
  warning: { emoji: ':warning:', word: 'with warnings' },
  recovered: { emoji: ':white_check_mark:', word: 'recovered' },
  cleared: { emoji: ':white_check_mark:', word: 'well again' },
  gone: { emoji: ':wastebasket:', word: 'gone' },
  other: { emoji: ':large_green_circle:', word: 'updated' }
}

function emojiOf({ view, category }: Item): string {
  if (isOwn(view)) return noticeEmoji(view)
  return category === 'other' ? faceOf(view, view.failure !== undefined).emoji : categoryLooks[category].emoji
}

/** Returns the clusters of `items`; a notice of the relay is in none. */
export function clustersOf(items: readonly Item[]): Set<string> {
  return new Set(items.flatMap(({ view }) => (isOwn(view) ? [] : [view.object.cluster])))
}

/** Returns the line for a single object, which begins with `mark`. */
export function itemLine(item: Item, style: Style, mark = emojiOf(item)): string {
  const { view, category } = item
  const own = view.custom?.summary
  if (isOwn(view) && own === undefined) return `${mark} ${noticeLine(view, style.maxText)}`
  const name = boldName(view, style)
  if (own !== undefined) {
    const isNamed = view.object.name !== '' && own.includes(plain(view.object.name))
    const place = style.hasClusters ? code(view.object.cluster) : ''
    return [mark, place, isNamed ? '' : name, own, noted(item)].filter(Boolean).join(' ')
  }
  if (category === 'failing' || category === 'warning') {
    const place = placeIn(view, style)
    const gist = gistWithin(saidIn(view).summary, style)
    return [mark, `${name}${place}${gist && ':'}`, gist, kindOf(item)].filter(Boolean).join(' ')
  }
  const { revision, subject } = view
  const sentence = stateOf(view, {
    object: name,
    place: placeIn(view, style),
    strong: (text) => `*${text}*`,
    revision: revision ? [revisionLink(revision), subject && `_${prose(subject)}_`].filter(Boolean).join(' ') : '',
    gist: prose(cutShort(saidIn(view).summary, style.maxText))
  })
  return [mark, sentence, kindOf(item)].filter(Boolean).join(' ')
}

/** Returns the lines below a notice: at the end of a mute, the names of what it withheld, which nothing else says. */
export function linesBelow({ view }: Item): string[] {
  const why =
    isOwn(view) && view.object.kind === 'mute' && view.custom?.summary === undefined ? view.own?.why : undefined
  return why ? why.split('\n') : []
}

function boldName(view: View, { hasLinks }: Style): string {
  return `*${link(hasLinks ? view.url : undefined, plain(nameOf(view)))}*`
}

function placeIn({ object }: View, { hasClusters }: Style): string {
  return hasClusters && object.cluster !== '' ? ` in ${code(object.cluster)}` : ''
}

/** Returns kind, reason, count and duration in brackets: `(HelmRelease UpgradeFailed, ×3)` */
function kindOf(item: Item): string {
  const { view } = item
  const { kind } = view.object
  const isOver = view.says === 'recovered'
  const reason = isOver ? wasOf(view) : item.category === 'other' ? '' : view.reason
  const what = isOver
    ? [plain(kind), reason, newsIn(view)].filter(Boolean).join(', ')
    : [kind, reason].map(plain).filter(Boolean).join(' ')
  const said = [what, noted(item), lastingOf([item])].filter(Boolean).join(', ')
  return said === '' ? '' : `(${said})`
}

/** Says what came with the end of a failure. A commit goes to many objects, so it is said of none of them. */
function newsIn(view: View): string {
  const isOwn = view.object.kind === 'HelmRelease' || view.revision === undefined || /^Image/.test(view.object.kind)
  return isOwn ? newsOf(view) : ''
}

function wasOf({ failure, ending }: View): string {
  if (failure === undefined || ending === 'unblocked' || ending === 'corrected') return ''
  const { reason, began } = failure
  if (began === undefined || began.reason === reason) return reason === '' ? '' : `was ${plain(reason)}`
  return `was first ${plain(began.reason)}, last ${plain(reason)}`
}

/** Says what else happened to the object meanwhile. */
function noted({ view, failures, turned }: Item): string {
  if (view.says === 'recovered') return turned ? `failed${failures > 1 ? ` ×${failures}` : ''} meanwhile` : ''
  return [turned && 'had recovered', failures > 1 && `×${failures}`].filter(Boolean).join(', ')
}

/** Returns an object's name as it stands among others of its namespace, with notes. */
export function nameIn(item: Item, { hasLinks }: Style, hasTime: boolean): string {
  const { view } = item
  const name = link(hasLinks ? view.url : undefined, plain(view.object.name) || 'unnamed')
  const isOver = view.says === 'recovered'
  const lasted = hasTime && (isOver ? commonDuration([item]) : lastingOf([item]))
  const isNew = item.category === 'other' || (isOver && view.previous !== undefined)
  const version = isNew && view.object.kind === 'HelmRelease' && view.revision
  const notes = [noted(item), lasted].filter(Boolean).join(', ')
  return [name, version && plain(version.text), notes && `(${notes})`].filter(Boolean).join(' ')
}

/** Groups items by place, such as `HelmRelease payments`, in the order in which they came. */
export function placesOf(items: readonly Item[], { hasClusters }: Style): Map<string, Item[]> {
  return Map.groupBy(items, ({ view: { object } }) => {
    const path = [plain(object.kind), plain(object.namespace)].filter(Boolean).join(' ')
    return [hasClusters && code(object.cluster), path].filter(Boolean).join(' ')
  })
}

/** Returns the line above the names of several objects. It says what they have in common and names none. */
export function groupLine(items: readonly Item[], style: Style, mark?: string): string {
  const [first] = items
  if (first === undefined) return ''
  const { category, view } = first
  const start = mark ?? emojiOf(first)
  if (category === 'failing' || category === 'warning') {
    const counted = [plain(view.reason), items.length, lastingOf(items)].filter(Boolean).join(', ')
    return `${start} ${gistLine(items, style)} (${counted})`
  }
  if (view.says === 'recovered') return `${start} ${endingsOf(items)}`
  const at = sharedRevision(items)
  if (view.says === 'updated' && at) return `${start} *${items.length}* at ${revisionLink(at)}`
  const gist = view.says === 'informed' && saidIn(view).summary !== '' ? `: ${gistLine(items, style)}` : ''
  const what = { heartbeat: 'are well', updated: 'updated' }[view.says as string] ?? 'with news'
  return `${start} *${items.length} ${what}*${gist}`
}

/** Returns the gist that several objects share, with its decisive part in bold. */
export function gistLine(items: readonly Item[], style: Style): string {
  return gistWithin(sharedGist(items), style)
}

/** Returns as much of `gist` as there is room for, starting from its cause if the cause would be cut off. */
function gistWithin(gist: string, { maxText }: Style): string {
  return emphasised(cutShort(gist.length <= maxText ? gist : causeFirst(gist, maxText), maxText))
}

/** Returns the revision that all items are at, undefined if they differ. */
export function sharedRevision(items: readonly Item[]): View['revision'] {
  const [first] = items
  const revision = first?.view.revision
  return items.every(({ view }) => view.revision?.text === revision?.text) ? revision : undefined
}

/** Returns `*69 recovered* in prod-us after *42 m*`, with the time only if all lasted about as long. */
export function endingsOf(items: readonly Item[], place = ''): string {
  const [first] = items
  const ending = first?.view.ending
  const lasted = commonDuration(items)
  const after = lasted === undefined ? '' : ` after *${lasted}*`
  const count = `*${items.length}`
  if (ending === undefined) return `${count} recovered*${place}${after}`
  if (ending === 'unblocked') return `${count} no longer ${items.length === 1 ? 'waits' : 'wait'}*${place}${after}`
  if (ending === 'corrected') return `*drift of ${items.length} is corrected*${place}${after}`
  if (ending === 'cleared') return `${count} ${items.length === 1 ? 'is' : 'are'} well again*${place}${after}`
  return `${count} ${items.length === 1 ? 'was' : 'were'} ${ending}*${place}`
}

/** Returns `for 38 m` if all items only say that they still fail and have a duration in common, else an empty text. */
export function lastingOf(items: readonly Item[]): string {
  const lasted = items.every(({ lasts }) => lasts) ? commonDuration(items) : undefined
  return lasted === undefined ? '' : `for ${lasted}`
}

/** Reports whether each of several objects says how long it has lasted: they differ, or some have only begun. */
export function isTimed(items: readonly Item[]): boolean {
  const lasting = items.filter(({ lasts }) => lasts).length
  return commonDuration(items) === undefined || (lasting > 0 && lasting < items.length)
}

/** Up to this many objects, each says how long it lasted. */
const maxTimed = 10

/**
 * Returns how long the failures lasted: one duration if they agree within a tenth; for many, the shortest and the longest;
 * undefined if each object says it for itself, or if it is not known for one of them.
 */
export function commonDuration(items: readonly Item[]): string | undefined {
  const lasted = items.map(({ view: { failure, isBefore, at } }) =>
    failure === undefined || isBefore ? -1 : at - failure.since
  )
  const [shortest, longest] = [Math.min(...lasted), Math.max(...lasted)]
  if (lasted.length === 0 || shortest < 0) return undefined
  if (shortest >= longest * 0.9) return sayAbout(longest)
  return items.length > maxTimed ? `${sayAbout(shortest)} to ${sayAbout(longest)}` : undefined
}

/** Number of objects that are compared: they have one cause, and these show where they differ. */
const maxCompared = 25

/** Returns the gist that objects share, without the parts that differ between them, such as their own names and versions. */
export function sharedGist(items: readonly Item[]): string {
  const gists = items.slice(0, maxCompared).map(({ view }) => withoutOwnName(view).split(' '))
  const [first = [], ...others] = gists
  const isInPlace = (word: string, at: number) => others.every((gist) => gist[at] === word)
  // The order of a gist depends on the length of a name. Where the order differs, a word counts wherever it stands.
  const isAlike =
    others.every(({ length }) => length === first.length) && first.filter(isInPlace).length * 2 >= first.length
  const isShared = isAlike ? isInPlace : (word: string) => others.every((gist) => gist.includes(word))
  // A few words in common do not tell what is wrong.
  if (first.filter(isShared).length * 3 < first.length) return first.join(' ')
  const shared = first.map((word, at) =>
    isShared(word, at) ? word : elided(word, isAlike ? gists.map((gist) => gist[at] ?? '') : [])
  )
  // A beginning that differs says nothing: it is an address, or the object at which the error was met.
  const start = shared.findIndex((word) => word !== '…' && !kind.test(word))
  const rest = shared[start] === '…:' ? shared.slice(start + 1) : shared
  return rest.join(' ').replace(/ \(…(?: …)*\)$/, '')
}

const kind = /^[A-Z][A-Za-z]+$/

/** Turns `'flux-system/app-36'` into `'…'`, and `(ghcr.io/web:1)` into `(ghcr.io/…)` if all of `words` begin with that host. */
function elided(word: string, words: readonly string[]): string {
  const [, before = '', after = ''] = /^(["'([]*).*?(["')\].,:;]*)$/.exec(word) ?? []
  const host = /^\(?(?=[\d.]*[a-z])[\w-]+\.[\w.-]+(?::\d+)?\//.exec(word)?.[0]
  return host !== undefined && words.length > 0 && words.every((other) => other.startsWith(host))
    ? `${host}…${after}`
    : `${before}…${after}`
}

const nameEnd = /[\w-]/

function withoutOwnName(view: View): string {
  const { namespace, name } = view.object
  const { summary } = saidIn(view)
  if (name === '') return summary
  let result = ''
  let done = 0
  for (let at = summary.indexOf(name); at >= 0; at = summary.indexOf(name, at + name.length)) {
    const start = at - namespace.length - 1
    const isQualified = start >= done && summary.startsWith(namespace, start) && /[/-]/.test(summary[at - 1] ?? '')
    if (nameEnd.test(summary[at + name.length] ?? '') || (!isQualified && nameEnd.test(summary[at - 1] ?? ''))) continue
    result += `${summary.slice(done, isQualified ? start : at)}…`
    done = at + name.length
  }
  return result + summary.slice(done)
}
