// Summary: says an event in one line.
import { actionIn } from '../../events/change-log.ts'
import { oneLine } from '../../legible.ts'

/**
 * The gist of a message: its first line; for a list of applied objects their counts (`3 configured, 1 created`); where
 * an error stands among such a list, the last line that is not part of it. `message` is clean text.
 */
export function summarise(message: string): string {
  const lines = message.split('\n').filter((line) => line.trim() !== '')
  const counts = new Map<string, number>()
  const others: string[] = []
  for (const line of lines) {
    const action = actionIn(line.trim())
    if (action === undefined) others.push(line)
    else counts.set(action, (counts.get(action) ?? 0) + 1)
  }
  const [first] = lines
  if (first === undefined || lines.length === 1) return oneLine(first ?? '')
  if (others.length === 0) return [...counts].map(([action, count]) => `${count} ${action}`).join(', ')
  return oneLine((counts.size > 0 ? others.at(-1) : first) ?? '')
}
