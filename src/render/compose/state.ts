// State: says in one sentence what became of an object: "payments/ledger failed in prod-eu". Pure.
import { sayAbout } from '../../duration.ts'
import { phraseOf } from '../slack/phrases.ts'
import type { View } from './view.ts'

/** Parts of the sentence, written as mrkdwn or as plain text. */
export interface Writing {
  object: string
  /** ` in prod-eu`; empty if no cluster is known. */
  place: string
  strong(text: string): string
  /** The revision that it is at now; empty if nobody says. */
  revision: string
  /** The gist, if it belongs in the sentence. */
  gist: string
}

/** Returns the sentence about the object of `view`. */
export function stateOf(view: View, { object, place, strong, revision, gist }: Writing): string {
  const { says, severity, reason, ending, wasWarning, failure, at, isBefore } = view
  const phrase = phraseOf(
    { says, severity, ending, wasWarning, reason: failure?.reason ?? reason },
    failure !== undefined
  )
  const isAt = says === 'updated' && revision !== ''
  const verb = says === 'updated' && !isAt ? '' : phrase.words
  const isTimed = failure !== undefined && phrase.lasted !== undefined && !isBefore
  const lasted = isTimed ? sayAbout(at - failure.since) : ''
  const isNews = !isAt && verb === '' && gist !== ''
  return [
    ending === 'corrected' ? `drift of ${object}` : object,
    verb && ` ${verb}`,
    isAt ? ` ${revision}` : '',
    place,
    lasted &&
      { after: ` after ${strong(lasted)}`, for: `, for ${strong(lasted)}`, beside: ` (${lasted})` }[
        phrase.lasted ?? 'for'
      ],
    isNews ? `: ${gist}` : ''
  ].join('')
}
