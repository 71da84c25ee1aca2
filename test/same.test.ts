// Same: a corpus of what controllers, clusters and clouds say, and whether each text is the same failure as another.
import { readdirSync, readFileSync } from 'node:fs'
import t from 'tap'
import { parse } from 'yaml'
import { causeFingerprint, failureFingerprint } from '../src/events/cause.ts'
import type { FluxEvent } from '../src/events/flux.ts'
import { parseRevision } from '../src/events/revision.ts'
import { event } from './fixtures/events.ts'

interface Group {
  about: string
  reason?: string
  of?: string
  revision?: string
  same: string
  other: string[]
}

const folder = new URL('corpus/', import.meta.url)
const files = readdirSync(folder).filter((file) => /^same-.*\.yaml$/.test(file))
const groups = files.flatMap((file) => parse(readFileSync(new URL(file, folder), 'utf8')) as Group[])

/** What a text with ‹a|b› is in its n-th form; of those that have fewer, the last. */
function form(text: string, n: number): string {
  return text.replace(/‹([^›]*)›/g, (_, forms: string) => forms.split('|')[n] ?? forms.split('|').at(-1) ?? '')
}

function formsOf(text: string): number {
  return Math.max(1, ...[...text.matchAll(/‹([^›]*)›/g)].map(([, forms = '']) => forms.split('|').length))
}

/** The `n`-th text of a group, as the event it would be. */
function said(group: Group, text: string, n: number): FluxEvent {
  const [namespace = '', name = ''] = form(group.of ?? 'apps/shop', n).split('/')
  const revision = form(group.revision ?? `main@sha1:${'4f2c91d0'.repeat(5)}`, n)
  return event({
    object: { namespace, name },
    reason: group.reason ?? 'Failed',
    message: form(text, n),
    revision: parseRevision(revision),
    metadata: { revision }
  })
}

/** Pairs of each group: whether they are the same, and whether that is found. */
function pairs(group: Group): { isSame: boolean; isFound: boolean; texts: string }[] {
  const print = group.of === undefined ? failureFingerprint : causeFingerprint
  const first = said(group, group.same, 0)
  const others = [
    ...Array.from({ length: formsOf(group.same) - 1 }, (_, n) => ({
      isSame: true,
      other: said(group, group.same, n + 1)
    })),
    // Of another cause, but of the same object.
    ...group.other.flatMap((text) =>
      Array.from({ length: formsOf(text) }, (_, n) => ({
        isSame: false,
        other: { ...first, message: form(text, n) }
      }))
    )
  ]
  return others.map(({ isSame, other }) => ({
    isSame,
    isFound: print(first) === print(other),
    texts: `${group.about}\n  ${first.message}\n  ${other.message}`
  }))
}

t.test('the same failure is found, and no other taken for it, in 98 of 100 pairs of the corpus', async (t) => {
  for (const [kind, isKind] of [
    ['of one object', (group: Group) => group.of === undefined],
    ['of several objects', (group: Group) => group.of !== undefined]
  ] as const) {
    const all = groups.filter(isKind).flatMap(pairs)
    const found = all.filter(({ isFound }) => isFound)
    const right = found.filter(({ isSame }) => isSame).length
    const precision = right / found.length
    const recall = right / all.filter(({ isSame }) => isSame).length
    for (const { isSame, isFound, texts } of all) {
      if (isSame !== isFound) t.comment(`${isSame ? 'not found to be the same' : 'taken for the same'}: ${texts}`)
    }
    const share = `precision ${(100 * precision).toFixed(1)} %, recall ${(100 * recall).toFixed(1)} %`
    t.comment(`${kind}: ${all.length} pairs, ${share}`)
    t.ok(precision >= 0.98, `${kind}: precision`)
    t.ok(recall >= 0.98, `${kind}: recall`)
  }
})
