// Digest: composes many notifications into one message: by cause, then the names, those of one namespace together. Pure.
import { type Block, context, section } from '../slack/blocks.ts'
import { messageRoom } from '../slack/limits.ts'
import type { Payload } from '../slack/payload.ts'
import { fold, type Group, grouped, type Item, type Waiting } from './digest-groups.ts'
import { clustersOf, groupLine, isTimed, itemLine, linesBelow, nameIn, placesOf, type Style } from './digest-lines.ts'
import { createPage, jsonBytes, type Page } from './digest-room.ts'
import { appliedLine, type Contents, factsOfAll, isApplied, kindOf, lockScreenOf, titleOf } from './digest-title.ts'

/** How a digest is composed, beside what waits. */
export interface DigestForm {
  /** For receivers that take less text than Slack. */
  maxText?: number | undefined
  /** All objects are named, whatever number of messages that takes. */
  isFull?: boolean | undefined
  /** Where people reach the relay. */
  publicUrl?: string | undefined
  /** What is of the same cause from here on is gathered for so long at most. */
  nextWordMs?: number | undefined
  /** Not all that waits has room: another message follows. */
  isCut?: boolean | undefined
}

/** Where there are more objects than this, a link for each would be the most of the message. */
const maxLinked = 10

/** How many names a group may have, tried in this order until all groups have room. */
const nameLimits = [Number.POSITIVE_INFINITY, 200, 100, 50, 25, 17, 12, 8, 6, 4, 3]

/**
 * The message, and the ids of the notifications in it, at least one. `waiting` is oldest first and not empty. All objects are
 * named as long as that costs no further message; where it would, the rest of each group is counted.
 */
export function composeDigest(
  waiting: readonly Waiting[],
  now: number,
  form: DigestForm = {}
): { ids: string[]; payload: Payload } {
  const contents = contentsOf(fold(waiting).flatMap(ownLines))
  const { groups, style } = contents
  const isShort = kindOf(contents) === 'deployment' && !form.isFull
  const frame = frameOf(contents, waiting, now, form)
  const taken = {
    text: frame.reduce((sum, text) => sum + text.length + 40, 0),
    bytes: frame.reduce((sum, text) => sum + jsonBytes(text) + 200, 1000)
  }
  for (const maxNames of form.isFull ? [Number.POSITIVE_INFINITY] : nameLimits) {
    const page = createPage(form.maxText ?? messageRoom.text, taken)
    const named: Item[] = []
    const writing: Writing = { page, style, maxNames, named, isTitled: kindOf(contents) !== 'mixed', form }
    const isWhole = isShort || groups.every((group) => writeGroup(group, writing))
    if (isWhole) return messageOf(contents, page.sections(), waiting, now, form)
    if (maxNames !== nameLimits.at(-1) && !form.isFull) continue
    // Anew, of what has room: a heading counts what stands below it, and not what follows in the next message.
    const ids = new Set(named.flatMap((item) => item.ids))
    return composeDigest(
      waiting.filter(({ id }) => ids.has(id)),
      now,
      { ...form, isCut: true }
    )
  }
  throw new Error('the last of the limits composes a digest in any case')
}

function contentsOf(groups: readonly Group[]): Contents {
  const items = groups.flatMap(({ items, dependents }) => [...items, ...dependents])
  const causes = groups.reduce((sum, { dependents }) => sum + 1 + grouped(dependents).length, 0)
  const style = {
    hasClusters: clustersOf(items).size > 1,
    hasLinks: items.length <= maxLinked,
    maxText: textRoom(causes)
  }
  return { items, groups, style }
}

/** The texts around the sections. */
function frameOf(
  contents: Contents,
  waiting: readonly Waiting[],
  now: number,
  form: DigestForm
): [title: string, facts: string] {
  return [titleOf(contents, form), factsOfAll(contents, waiting, now, form)]
}

function messageOf(
  contents: Contents,
  sections: readonly string[],
  waiting: readonly Waiting[],
  now: number,
  form: DigestForm
): { ids: string[]; payload: Payload } {
  const ids = new Set(contents.items.flatMap((item) => item.ids))
  const members = waiting.filter(({ id }) => ids.has(id))
  const [title, facts] = frameOf(contents, members, now, form)
  const isFolded = kindOf(contents) !== 'mixed' && contents.items.length > maxLinked
  const body = sections.map((text) => (isFolded ? section(text) : expanded(text)))
  return {
    ids: [...ids],
    payload: {
      text: lockScreenOf(contents),
      blocks: [section(title), ...body, ...(facts === '' ? [] : [context(facts)])],
      unfurl_links: false,
      unfurl_media: false
    }
  }
}

// Without it Slack hides all but five lines behind "See more". Many names of one cause may be hidden.
function expanded(text: string): Block {
  return { ...section(text), expand: true } as Block
}

/** Enough to recognise a failure where there are many, and most of it where there are few. */
function textRoom(causes: number): number {
  return Math.min(240, Math.max(80, Math.floor(7000 / causes) - 60))
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

/** A message being written. */
interface Writing {
  page: Page
  style: Style
  /** The most names for one cause. */
  maxNames: number
  /** What is in the message so far. */
  named: Item[]
  /** The title says what the one group has in common. */
  isTitled: boolean
  form: DigestForm
}

/** Writes as much of `group` as there is room for; whether that was all. */
function writeGroup({ items, dependents }: Group, writing: Writing): boolean {
  const { isTitled, style, page, named, form } = writing
  if (!form.isFull && items.length > 1 && items.every(isApplied)) {
    if (!page.write([appliedLine(items)])) return false
    named.push(...items)
    return true
  }
  const head = isTitled ? [] : [items.length > 1 ? groupLine(items, style) : '']
  return writeItems(items, head.filter(Boolean), writing, undefined) && writeDependents(dependents, writing)
}

/** What others say whose trouble this explains: each in its own words, or by their names alone where they are too many. */
function writeDependents(dependents: readonly Item[], writing: Writing): boolean {
  const troubles = grouped(dependents)
  const because = '↳ because of it:'
  if (troubles.length > maxOwnLines) return writeItems(dependents, [because], { ...writing, isTitled: true }, because)
  return troubles.every((items, index) => {
    const mark = index === 0 ? because : '↳'
    const head = items.length > 1 ? [groupLine(items, writing.style, mark)] : []
    return writeItems(items, head, { ...writing, isTitled: false }, mark)
  })
}

/** One object in its own words; of several, below `head`, the names. */
function writeItems(items: readonly Item[], head: readonly string[], writing: Writing, mark: string | undefined) {
  const { page, style, named, isTitled } = writing
  const [only] = items
  if (items.length > 1 || only === undefined || isTitled) return writeNames(items, head, writing)
  const lines = [...head, itemLine(only, style, mark)]
  // Where even a message of its own has no room for all of it, the first line is what there is.
  if (!page.write([...lines, ...linesBelow(only)]) && !(named.length === 0 && page.write(lines))) return false
  named.push(only)
  return true
}

/** The names by kind and namespace, `HelmRelease apps: a, b, c`, and how many more there are. */
function writeNames(items: readonly Item[], above: readonly string[], writing: Writing): boolean {
  const { page, style, maxNames, named } = writing
  const places = placesOf(items, style)
  const hasTime = isTimed(items)
  const share = Math.max(1, Math.floor(maxNames / places.size))
  const written: Item[] = []
  let head = above
  for (const [place, members] of places) {
    const prefix = `${place}${members.length > share ? ` (${members.length})` : ''}:`
    for (const [index, item] of members.slice(0, Math.min(share, maxNames - written.length)).entries()) {
      const name = nameIn(item, style, hasTime)
      const isWritten = index === 0 ? page.write([...head, `${prefix} ${name}`]) : page.extend(name, prefix)
      if (!isWritten) return false
      named.push(item)
      written.push(item)
      head = []
    }
  }
  const rest = items.length - written.length
  const end = rest > 0 ? `_and ${rest} more_` : ''
  if (end !== '' && !page.write([end])) return rest === 0
  if (rest > 0) named.push(...items.filter((item) => !written.includes(item)))
  return true
}
