// Rollout: composes what there is to say of a revision that is being rolled out: how many objects have it, which fail, how many are
// still to come. Pure.
import { sayAbout } from '../../duration.ts'
import { oneLine } from '../../legible.ts'
import { objectOf } from '../../objects/name.ts'
import { type Block, context, section } from '../slack/blocks.ts'
import { withEmojis } from '../slack/emoji.ts'
import { maxFallback, maxSummary } from '../slack/limits.ts'
import { code, cut, escapeMrkdwn, factsLine, link, plain, prose } from '../slack/mrkdwn.ts'
import type { Payload } from '../slack/payload.ts'
import { emphasised } from './emphasis.ts'
import { type Posting, revisionLink } from './facts.ts'
import { nameOf } from './name.ts'
import { eventPage } from './pages.ts'
import type { Place, RolloutEntry, RolloutStanding, RolloutView } from './rollout-standing.ts'
import type { View } from './view.ts'

const maxFailing = 8
const maxNamed = 10
const maxPlaces = 20

/** Returns what is to be said of a rollout at `now`, in ms. */
export function viewOfRollout(rollout: RolloutStanding, now: number): View {
  const { id, rule, head, entries, openedAt, lastAt, settleMs } = rollout
  const places = placesOf(rollout)
  const going = new Set(standing(places).map((place) => place.cluster))
  const failing = entries.filter(({ is, object }) => is === 'failing' && going.has(objectOf(object).cluster))
  const named = entries.filter(({ is }) => is === 'applied')
  const ends = entries.filter(({ is }) => is === 'applied' || is === 'failing').map(({ at }) => at)
  const { revision, previous, subject, cluster } = head
  const isQuiet = now >= Math.min(lastAt, now) + settleMs && places.every(({ coming }) => coming === 0)
  const isReplaced = places.length > 0 && places.every(({ replacedBy }) => replacedBy !== undefined)
  return {
    says: 'updated',
    severity: failing.length > 0 ? 'error' : 'info',
    object: { cluster, kind: 'Rollout', namespace: '', name: revision?.text ?? 'charts' },
    reason: '',
    summary: '',
    message: '',
    cause: `rollout ${id}`,
    controller: rule,
    ...(revision && { revision }),
    ...(previous && { previous }),
    ...(subject && { subject }),
    at: lastAt,
    rollout: {
      id,
      is: isReplaced ? 'replaced' : failing.length > 0 ? 'failing' : isQuiet ? 'settled' : 'open',
      places,
      failing: failing.slice(0, maxFailing).map(({ object, said, url }) => ({
        object: objectOf(object),
        said: cut(oneLine(said), maxSummary),
        ...(url && { url })
      })),
      applied: namesOf(named),
      tookMs: Math.max(0, Math.max(openedAt, ...ends) - openedAt)
    }
  }
}

function placesOf({ entries, replaced }: RolloutStanding): Place[] {
  const byCluster = Map.groupBy(entries, ({ object }) => objectOf(object).cluster)
  return [...byCluster].map(([cluster, members]) => {
    const count = (is: RolloutEntry['is']) => members.filter((entry) => entry.is === is).length
    const replacement = Object.hasOwn(replaced, cluster) ? replaced[cluster] : undefined
    return {
      ...{ cluster, applied: count('applied'), failing: count('failing') },
      // Objects that have not come to this revision by then will come to the newer one.
      ...(replacement && !replacement.isOver
        ? { coming: 0, expected: 0, replacedBy: replacement.by }
        : { coming: count('coming'), expected: count('expected') })
    }
  })
}

/**
 * Returns the places where the rollout goes on, or all places if there are none. Elsewhere, the newer revision may have mended what
 * failed.
 */
function standing(places: readonly Place[]): readonly Place[] {
  const left = places.filter(({ replacedBy }) => replacedBy === undefined)
  return left.length === 0 ? places : left
}

/** Returns `shop/cart`, `shop/ledger 3.14.2`, or for many `shop 12`, the largest first. */
function namesOf(entries: readonly RolloutEntry[]): string[] {
  const objects = entries.map(({ object, said }) => ({ ...objectOf(object), said }))
  if (objects.length <= maxNamed) {
    // An object in several clusters is named once.
    return [...new Set(objects.map(({ said, ...object }) => [nameOf({ object }), said].filter(Boolean).join(' ')))]
  }
  const counts = [...Map.groupBy(objects, ({ namespace }) => namespace)].sort(([, a], [, b]) => b.length - a.length)
  const rest = counts.length - maxPlaces
  return [
    ...counts.slice(0, maxPlaces).map(([namespace, members]) => `${namespace || 'none'} ${members.length}`),
    ...(rest > 0 ? [`${rest} more ${rest === 1 ? 'namespace' : 'namespaces'}`] : [])
  ]
}

const emojis = {
  open: ':hourglass_flowing_sand:',
  failing: ':red_circle:',
  settled: ':large_green_circle:',
  replaced: ':white_circle:'
} as const

/** Composes the message, or the card, of a rollout. */
export function composeRollout(
  view: View,
  rollout: RolloutView,
  { late = '', publicUrl, event = '' }: Posting
): Payload {
  const { mention } = view
  const title = [sentenceOf(view, rollout, { isText: false }), mention].filter(Boolean).join('  ')
  const lines = [...placeLines(rollout), ...failingLines(rollout)]
  const { tookMs, applied } = rollout
  const page = eventPage(publicUrl, event)
  const facts = factsLine(
    [
      applied.map(plain).join(', '),
      tookMs >= 1000 ? `${rollout.is === 'open' ? 'for' : 'took'} ${sayAbout(tookMs)}` : '',
      view.previous?.url ? link(view.previous.url, 'compare') : '',
      late
    ],
    page === undefined ? '' : link(page, 'why')
  )
  const blocks: Block[] = [section([title, ...lines].join('\n')), ...(facts === '' ? [] : [context(facts)])]
  const causes = rollout.failing.map(({ object, said }) => `${nameOf({ object })}: ${said}`)
  const text = [withEmojis(sentenceOf(view, rollout, { isText: true })), ...causes].join('; ')
  return { text: escapeMrkdwn(cut(oneLine(text), maxFallback)), blocks, unfurl_links: false, unfurl_media: false }
}

/** Returns `🔴 main@731f7ea _Update podinfo_ in prod-eu: 9 applied, *1 fails*, 3 to come`. */
function sentenceOf(view: View, rollout: RolloutView, { isText }: { isText: boolean }): string {
  const { revision, subject } = view
  const { places } = rollout
  const [only] = places
  const where = places.length > 1 ? `${places.length} clusters` : (only?.cluster ?? '')
  const place = where === '' ? '' : ` in ${places.length > 1 || isText ? where : code(where)}`
  const named = subject && (isText ? `"${subject}"` : `_${prose(subject)}_`)
  const what = revision === undefined ? 'releases' : isText ? revision.text : revisionLink(revision)
  const all = only === undefined || places.length > 1 ? sumOf(places) : only
  return `${emojis[rollout.is]} ${[what, named].filter(Boolean).join(' ')}${place}: ${countsOf(all, rollout, isText)}`
}

function sumOf(places: readonly Place[]): Place {
  const sum = (of: (place: Place) => number, some = places) => some.reduce((total, place) => total + of(place), 0)
  const by = new Set(places.map(({ replacedBy }) => replacedBy))
  const [replacedBy] = by
  return {
    ...{
      cluster: '',
      applied: sum(({ applied }) => applied),
      failing: sum(({ failing }) => failing, standing(places))
    },
    ...{ coming: sum(({ coming }) => coming), expected: sum(({ expected }) => expected) },
    ...(by.size === 1 && replacedBy !== undefined && { replacedBy })
  }
}

function countsOf(place: Place, { is }: Pick<RolloutView, 'is'>, isText: boolean): string {
  const { applied, failing, coming, expected, replacedBy } = place
  const fails = `${failing} ${failing === 1 ? 'fails' : 'fail'}`
  const left = coming + expected
  const isOver = is === 'settled' || replacedBy !== undefined
  const counts = [
    applied > 0 || failing === 0 ? `${applied} applied` : '',
    failing === 0 ? '' : isText ? fails : `*${fails}*`,
    left === 0 || replacedBy !== undefined
      ? ''
      : isOver
        ? `${left} ${left === 1 ? 'has' : 'have'} not reported`
        : `${left} to come`,
    replacedBy === undefined ? '' : `replaced by ${isText ? replacedBy : plain(replacedBy)}`
  ]
  return counts.filter(Boolean).join(', ')
}

/** Returns a line for each cluster, those with failures first. */
function placeLines({ places, is }: RolloutView): string[] {
  if (places.length < 2) return []
  const sorted = [...places].sort((a, b) => b.failing - a.failing || b.coming + b.expected - a.coming - a.expected)
  const rest = sorted.length - maxPlaces
  return [
    ...sorted
      .slice(0, maxPlaces)
      .map((place) => `• ${code(place.cluster) || 'no cluster'}: ${countsOf(place, { is }, false)}`),
    ...(rest > 0 ? [`_and ${rest} more ${rest === 1 ? 'cluster' : 'clusters'}_`] : [])
  ]
}

function failingLines({ failing, places }: RolloutView): string[] {
  const all = standing(places).reduce((sum, place) => sum + place.failing, 0)
  const lines = failing.map(({ object, said, url }) => {
    const place = places.length > 1 && object.cluster !== '' ? ` in ${code(object.cluster)}` : ''
    const gist = said === '' ? '' : `: ${emphasised(cut(said, 240))}`
    return `:small_red_triangle: ${plain(object.kind)} *${link(url, plain(nameOf({ object })))}*${place}${gist}`
  })
  return all > failing.length ? [...lines, `_and ${all - failing.length} more_`] : lines
}
