// Conflicts: recognise errors that only mean that two writers met; the next reconciliation goes through.
import { actionIn } from './change-log.ts'

// apimachinery NewConflict, with the registry's two reasons: another resourceVersion, another UID. A conflict of field managers is
// something else, and lasts.
const clause =
  /(?:Operation cannot be fulfilled on [\w.-]{1,253} "[^"\n]{0,253}": )?(?:the object has been modified; please apply your changes to the latest version(?: and try again)?|(?<=: )StorageError: invalid object, Code: 4, Key: [^\s,]{0,500}, ResourceVersion: \d{1,20}, AdditionalErrorMsg: Precondition failed: UID in precondition: [\da-f-]{0,36}, UID in object meta: [\da-f-]{0,36})/g

/**
 * Reports whether `message` is a conflict and nothing else. A line that wraps the conflict ends in a colon, and what was applied
 * beside it is listed; any other line is an error of its own.
 */
export function isConflict(message: string): boolean {
  // This is asked of every event: two searches for a text cost less than any pattern.
  if (!message.includes('the object has been modified') && !message.includes('StorageError: invalid object'))
    return false
  let isFound = false
  const rest = message.replace(clause, () => {
    isFound = true
    return ''
  })
  const isAround = (line: string) =>
    line === '' || (line.endsWith(':') && !/[[\];]/.test(line)) || actionIn(line) !== undefined
  return isFound && rest.split('\n').every((line) => isAround(line.trim()))
}

/** Reports whether the conflict is about the Flux object itself, and not about an object that it applies. */
export function isOwnConflict(message: string): boolean {
  return /Operation cannot be fulfilled on [a-z]{1,63}\.(?:[a-z.]{1,60}\.)?fluxcd\.[a-z.]{2,30} "/.test(message)
}
