// Digest: composes many notifications into one message, by cause, then their names by namespace. Pure.
import { type Block, context, section } from '../slack/blocks.ts'
import { messageRoom } from '../slack/limits.ts'
import type { Payload } from '../slack/payload.ts'
import { fold, type Group, grouped, type Item, type Waiting } from './digest-groups.ts'
import { clustersOf, groupLine, isTimed, itemLine, linesBelow, nameIn, placesOf, type Style } from './digest-lines.ts'
import { createPage, jsonBytes, type Page } from './digest-room.ts'
import { appliedLine, type Contents, factsOfAll, isApplied, kindOf, lockScreenOf, titleOf } from './digest-title.ts'

/** Options for composing a digest. */
export interface DigestForm {
  /** Maximum length of all text, for receivers that take less than Slack. */
  maxText?: number | undefined
  /** True if all objects are named, in as many messages as that takes. */
  isFull?: boolean | undefined
  /** Address at which people reach the relay. */
  publicUrl?: string | undefined
  /** Longest time for which further events of the same cause are gathered, in ms. */
  nextWordMs?: number | undefined
  /** True if not all that waits has room, so another message follows. */
  isCut?: boolean | undefined
}

/** With more objects than this, links would be most of the message. */
const maxLinked = 10

/** Maximum numbers of names in a group, tried in this order until all groups have room. */
const nameLimits = [Number.POSITIVE_INFINITY, 200, 100, 50, 25, 17, 12, 8, 6, 4, 3]

/**
 * Composes a message, and returns it with the ids of the notifications in it, at least one. `waiting` is oldest first and not
 * empty. All objects are named as long as that takes no further message; otherwise the rest of each group is counted.
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
    // Composed anew from what has room, because a heading counts what stands below it and not what follows in the next message.
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

/** Returns the texts around the sections. */
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

// Without `expand`, Slack hides all but five lines behind "See more". Many names of one cause may be hidden.
function expanded(text: string): Block {
  return { ...section(text), expand: true } as Block
}

/** Returns the length of a gist: enough to recognise a failure among many causes, and most of it among few. */
function textRoom(causes: number): number {
  return Math.min(240, Math.max(80, Math.floor(7000 / causes) - 60))
}

// With more objects than this, a reader has time for the names only, and the message has no room for more.
const maxOwnLines = 30

/** Gives each object a line of its own if they are few and all have a rule's own summary, which is about one object. */
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
  /** Maximum number of names for one cause. */
  maxNames: number
  /** Objects written so far. */
  named: Item[]
  /** True if the title says what the only group has in common. */
  isTitled: boolean
  form: DigestForm
}

/** Writes as much of `group` as there is room for, and returns whether that was all. */
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

/**
 * Writes the objects whose trouble this group explains: each trouble in its own words, or the names alone if there are too many.
 */
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

/** Writes one object in its own words, or the names of several below `head`. */
function writeItems(items: readonly Item[], head: readonly string[], writing: Writing, mark: string | undefined) {
  const { page, style, named, isTitled } = writing
  const [only] = items
  if (items.length > 1 || only === undefined || isTitled) return writeNames(items, head, writing)
  const lines = [...head, itemLine(only, style, mark)]
  // If even a message of its own has no room for the lines below the first one, they are left out.
  if (!page.write([...lines, ...linesBelow(only)]) && !(named.length === 0 && page.write(lines))) return false
  named.push(only)
  return true
}

/** Writes the names by kind and namespace, `HelmRelease apps: a, b, c`, and how many more there are. */
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
