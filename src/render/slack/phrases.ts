// Phrases: give a state its words in a sentence about an object: "failed", "no longer waits".
import type { Severity } from '../../events/severity.ts'
import type { Ending } from '../../objects/memory.ts'
import type { Transition } from '../../objects.ts'

export interface Phrase {
  /** Words behind the object's name; empty for news, which says itself what it is. */
  words: string
  /** Form of the duration: `after 14 m`, `, for 14 m`, `(14 m)`. */
  lasted?: 'after' | 'for' | 'beside'
}

/** The part of an event that decides its phrase; `reason` is that of the failure if the event is about one. */
export interface Called {
  says: Transition
  severity: Severity
  reason: string
  ending?: Exclude<Ending, 'ready'> | undefined
  /** With `changed`: until now it was a warning. */
  wasWarning?: true | undefined
}

/** Returns the phrase of a state. `isOfFailure`: the event is about a known failure. */
export function phraseOf({ says, severity, reason, ending, wasWarning }: Called, isOfFailure: boolean): Phrase {
  const isWarning = severity === 'warn'
  switch (says) {
    case 'failed':
      return { words: isWarning ? warned(reason).begins : 'failed' }
    case 'changed':
      if (wasWarning) return { words: 'failed' }
      return { words: isWarning ? 'has another warning' : 'fails for another reason', lasted: 'beside' }
    case 'repeated':
      if (!isOfFailure) return { words: isWarning ? warned(reason).begins : '' }
      return { words: isWarning ? warned(reason).lasts : 'still fails', lasted: 'for' }
    case 'recovered':
      return ending === undefined ? { words: 'works again', lasted: 'after' } : endings[ending]
    case 'updated':
      return { words: 'is at' }
    case 'informed':
      return { words: isWarning ? warned(reason).begins : '' }
    case 'heartbeat':
      return { words: 'is well' }
  }
}

const endings: Record<Exclude<Ending, 'ready'>, Phrase> = {
  unblocked: { words: 'no longer waits', lasted: 'beside' },
  corrected: { words: 'is corrected', lasted: 'beside' },
  cleared: { words: 'is well again', lasted: 'beside' },
  uninstalled: { words: 'was uninstalled' },
  deleted: { words: 'was deleted' }
}

/** Waiting, drift and rollbacks have words of their own; they are no failures. */
function warned(reason: string): { begins: string; lasts: string } {
  if (reason === 'DependencyNotReady') return { begins: 'waits', lasts: 'still waits' }
  if (reason === 'DriftDetected') return { begins: 'has drifted', lasts: 'is still drifting' }
  if (reason === 'RollbackSucceeded') return { begins: 'was rolled back', lasts: 'is still rolled back' }
  return { begins: 'has a warning', lasts: 'still has a warning' }
}
