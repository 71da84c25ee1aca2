// State: says in one sentence what became of an object: "payments/ledger failed in prod-eu". Pure.
import { sayDuration } from '../../duration.ts'
import type { View } from './view.ts'

/** How the parts of the sentence are written: as mrkdwn, or as plain text. */
export interface Writing {
  object: string
  /** ` in prod-eu`; empty where no cluster is known. */
  place: string
  strong(text: string): string
  /** Where it is now; empty where nobody says. */
  revision: string
  /** What it says, where that belongs into the sentence. */
  gist: string
}

/** What `view` says of its object. */
export function stateOf(view: View, { object, place, strong, revision, gist }: Writing): string {
  const lasting = view.failure && sayDuration(view.at - view.failure.since)
  switch (view.says) {
    case 'failed':
      return `${object} ${view.severity === 'warn' ? warned(view.reason).begins : 'failed'}${place}`
    case 'changed': {
      const another = view.severity === 'warn' ? 'has another warning' : 'fails for another reason'
      return `${object} ${another}${place}${lasting ? ` (${lasting})` : ''}`
    }
    case 'repeated': {
      if (lasting === undefined) return news(view, { object, place, gist })
      const still = view.failure?.severity === 'warn' ? warned(view.failure.reason).lasts : 'still fails'
      return `${object} ${still}${place}, for ${strong(lasting)}`
    }
    case 'recovered':
      return ended(view, lasting, { object, place, strong })
    case 'updated':
      return revision === '' ? news(view, { object, place, gist }) : `${object} is at ${revision}${place}`
    case 'informed':
      return news(view, { object, place, gist })
    case 'heartbeat':
      return `${object} is well${place}`
  }
}

function news({ severity }: View, { object, place, gist }: Pick<Writing, 'object' | 'place' | 'gist'>): string {
  if (severity === 'warn') return `${object} has a warning${place}`
  return gist === '' ? `${object}${place}` : `${object}${place}: ${gist}`
}

function ended(
  { ending }: View,
  lasting: string | undefined,
  { object, place, strong }: Pick<Writing, 'object' | 'place' | 'strong'>
): string {
  const after = lasting ? ` (${lasting})` : ''
  if (ending === undefined) return `${object} works again${place}${lasting ? ` after ${strong(lasting)}` : ''}`
  switch (ending) {
    case 'unblocked':
      return `${object} no longer waits${place}${after}`
    case 'corrected':
      return `drift of ${object} is corrected${place}${after}`
    case 'cleared':
      return `${object} is well again${place}${after}`
    case 'uninstalled':
    case 'deleted':
      return `${object} was ${ending}${place}`
  }
}

/** Waiting, drift and rollbacks have words of their own; they are no failures. */
function warned(reason: string): { begins: string; lasts: string } {
  if (reason === 'DependencyNotReady') return { begins: 'waits', lasts: 'still waits' }
  if (reason === 'DriftDetected') return { begins: 'has drifted', lasts: 'still drifts' }
  if (reason === 'RollbackSucceeded') return { begins: 'was rolled back', lasts: 'is still rolled back' }
  return { begins: 'has a warning', lasts: 'still has a warning' }
}
