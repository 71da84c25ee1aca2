// Digest: composes many notifications into one message: by cause, then the names, those of one namespace together. Pure.
import { sayDuration } from '../../duration.ts'
import { type Block, context, section } from '../slack/blocks.ts'
import { messageRoom } from '../slack/limits.ts'
import type { Payload } from '../slack/payload.ts'
import { fold, type Group, grouped, type Item, type Waiting } from './digest-groups.ts'
import { endingsOf, groupLine, itemLine, maskedGist, nameIn, nameOf, placesOf, type Style } from './digest-lines.ts'
import { createPage, jsonBytes, type Page } from './digest-room.ts'
import { type Contents, digestFacts, digestLockScreen, digestTitle } from './digest-title.ts'

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
}

/** Where there are more objects than this, a link for each would be the most of the message. */
const maxLinked = 10

/** How many names a group may have, tried in this order until all groups have room. */
const nameLimits = [Number.POSITIVE_INFINITY, 200, 100, 50, 25, 12, 6, 3]

/**
 * The message, and the ids of the notifications in it, at least one. `waiting` is oldest first and not empty. All objects are
 * named as long as that costs no further message; where it would, the rest of each group is counted.
 */
export function composeDigest(
  waiting: readonly Waiting[],
  now: number,
  form: DigestForm = {}
): { ids: string[]; payload: Payload } {
  const groups = fold(waiting).flatMap(ownLines)
  const all = groups.flatMap(({ items, dependents }) => [...items, ...dependents])
  const causes = groups.reduce((sum, { dependents }) => sum + 1 + grouped(dependents).length, 0)
  const style = {
    hasClusters: new Set(all.map(({ view }) => view.object.cluster)).size > 1,
    hasLinks: all.length <= maxLinked,
    maxText: textRoom(causes)
  }
  const contents: Contents = { items: all, groups, style }
  const frame = [...headOf(contents, waiting, now, form), digestFacts(contents, waiting, now, form)]
  const taken = {
    text: frame.reduce((sum, text) => sum + text.length + 40, 0),
    bytes: frame.reduce((sum, text) => sum + jsonBytes(text) + 200, 1200)
  }
  const limits = form.isFull ? nameLimits.slice(0, 1) : nameLimits
  for (const maxNames of limits) {
    const page = createPage(form.maxText ?? messageRoom.text, taken)
    const named: Item[] = []
    const isWhole = bodyOf(groups, contents).every((group) => writeGroup(page, group, { ...style, maxNames }, named))
    if (isWhole || maxNames === limits.at(-1)) {
      return finished(isWhole ? contents : partOf(contents, named), waiting, now, { ...form, page, isCut: !isWhole })
    }
  }
  throw new Error('a digest is composed by the last of its limits at the latest')
}
