// Try: asks a rehearsal what a pasted event would lead to.
import type { Config } from '../../src/config/config.ts'
import type { Tried } from '../../src/dashboard/try-event.ts'
import { unknownName } from '../../src/spelling.ts'

/**
 * Returns what the event in `answers` would lead to, or why it is not an event. The rehearsal is loaded on demand: most relays
 * never need it.
 */
export async function tryEvent(
  answers: { event?: string; source?: string },
  config: Config,
  now: number
): Promise<Tried | string> {
  const { event: text = '', source = [...config.sources.keys()][0] ?? '' } = answers
  if (!config.sources.has(source)) return unknownName('source', source, [...config.sources.keys()])
  const { parseEvent } = await import('../../src/rehearsal/event.ts')
  const { healthyBefore, speak, startRehearsal, verdictsOn } = await import('../../src/rehearsal/rehearsal.ts')
  const wire = parseEvent(text)
  if (typeof wire === 'string') return `This is ${wire}`
  const { receive, end } = startRehearsal(config, () => healthyBefore(now))
  const rehearsed = receive(wire, now, source)
  end()
  const { event, transition, trace, notifications } = rehearsed
  return {
    ...{ object: event.object, severity: event.severity, transition, quiet: trace.quiet },
    verdicts: verdictsOn(rehearsed, config),
    messages: notifications.map((notification) => ({
      ...speak(notification),
      ...(notification.heldUntil !== undefined && { heldUntil: notification.heldUntil })
    }))
  }
}
