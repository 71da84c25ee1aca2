// Act words: describe an operator's act, for the audit page and the command line. Pure.
import type { ObjectRef } from '../events/flux.ts'
import { sayObject } from '../objects/name.ts'
import type { ActAbout, ActName } from '../store/kept.ts'

/** Objects listed by name; the rest are counted. */
const maxNamed = 3

export interface SaidAbout extends Pick<ActAbout, 'silence' | 'match' | 'comment' | 'notifications' | 'lane'> {
  incidents?: readonly { object: ObjectRef }[] | undefined
}

/** `acknowledged Kustomization apps/shop in prod-eu`. */
export function sayAct(did: ActName, about: SaidAbout): string {
  switch (did) {
    case 'acknowledge':
      return `acknowledged ${sayObjects(about)}`
    case 'unacknowledge':
      return `took back that ${sayObjects(about)} ${about.incidents?.length === 1 ? 'is' : 'are'} acknowledged`
    case 'silence':
      return `added ${saySilence(about)}`
    case 'extend':
      return `extended ${saySilence(about)}`
    case 'end':
      return `ended ${saySilence(about)}`
    case 'retry':
      return `retried ${sayNotifications(about)}`
    case 'discard':
      return `discarded ${sayNotifications(about)}`
    case 'try':
      return `had lane ${about.lane ?? ''} tried`
  }
}

function sayObjects({ incidents = [] }: SaidAbout): string {
  const named = incidents.slice(0, maxNamed).map(({ object }) => sayObject(object))
  const rest = incidents.length - named.length
  return [...named, ...(rest > 0 ? [`${rest.toLocaleString('en')} more`] : [])].join(', ')
}

function saySilence({ silence = '', match = {}, comment = '' }: SaidAbout): string {
  return `silence ${silence}${comment === '' ? '' : ` (${comment})`} of ${sayMatching(match)}`
}

function sayNotifications({ notifications = [] }: SaidAbout): string {
  const [only] = notifications
  return notifications.length === 1
    ? `notification ${only}`
    : `${notifications.length.toLocaleString('en')} notifications`
}

/** `namespace db · metadata.team shop, till` */
export function sayMatching(match: NonNullable<ActAbout['match']>): string {
  return wordsOf(match, '').join(' · ') || 'everything'
}

function wordsOf(match: object, prefix: string): string[] {
  return Object.entries(match).flatMap(([name, wanted]: [string, unknown]) => {
    const key = prefix + name
    if (Array.isArray(wanted)) return [`${key} ${wanted.join(', ')}`]
    return typeof wanted === 'object' && wanted !== null ? wordsOf(wanted, `${key}.`) : [`${key} ${wanted}`]
  })
}
