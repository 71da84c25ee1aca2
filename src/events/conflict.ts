// Conflicts: recognise errors that only say that two writers met; the next reconciliation goes through.
import { actionIn } from './change-log.ts'

// apimachinery NewConflict around the registry's two reasons for one: another resourceVersion, another UID. A conflict of
// field managers is another thing, and lasts.
const clause =
  /(?:Operation cannot be fulfilled on [\w.-]{1,253} "[^"\n]{0,253}": )?(?:the object has been modified; please apply your changes to the latest version(?: and try again)?|(?<=: )StorageError: invalid object, Code: 4, Key: [^\s,]{0,500}, ResourceVersion: \d{1,20}, AdditionalErrorMsg: Precondition failed: UID in precondition: [\da-f-]{0,36}, UID in object meta: [\da-f-]{0,36})/g

/**
 * Whether `message` is a conflict and nothing else. What wraps it ends in a colon, what was applied beside it is listed; an
 * error that only stands next to one is an error.
 */
export function isConflict(message: string): boolean {
  // Asked of every event: two searches for a text cost less than any pattern.
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

/** Whether the conflict is about the Flux object itself, and not about something that it applies. */
export function isOwnConflict(message: string): boolean {
  return /Operation cannot be fulfilled on [a-z]{1,63}\.(?:[a-z.]{1,60}\.)?fluxcd\.[a-z.]{2,30} "/.test(message)
}
