// Sightings: find the stored message behind each request to the stand-in, by its bytes or those of its plain-text form.
import type { Received } from '../test/fixtures/slack.ts'
import type { Evidence, MessageRow } from './evidence.ts'

export interface Sighting {
  request: Received
  /** Undefined if nothing like it was ever stored. */
  message: MessageRow | undefined
}

/** Longest time from the start of an attempt to its request. */
const mostMs = 2000

interface Json {
  [key: string]: unknown
}

/**
 * Matches requests to messages. A text may recur, for example if a dead letter is retried or an object fails twice within a
 * second. Then the recorded attempts decide or, for attempts that a kill kept from being recorded, the order of arrival. A
 * message that the relay knows to be accepted is not chosen while another has the same text.
 */
export function recognise(
  received: readonly Received[],
  { messages, attempts }: Pick<Evidence, 'messages' | 'attempts'>
): Sighting[] {
  const attemptsOf = Map.groupBy(attempts, ({ message_id }) => message_id)
  /**
   * Time of the last attempt that began before the request, or a moment after it by another clock. A busy machine may take a
   * while in between.
   */
  const triedAt = ({ id }: MessageRow, { at }: Received) =>
    Math.max(...(attemptsOf.get(id) ?? []).map((attempt) => attempt.at).filter((tried) => tried <= at + 20))
  const wasTaken = ({ id }: MessageRow, { at }: Received) =>
    attemptsOf.get(id)?.some((attempt) => attempt.answer === '200 ok' && attempt.at < at) ?? false
  const byText = new Map<string, MessageRow[]>()
  for (const message of messages) {
    for (const text of formsOf(message)) byText.set(text, [...(byText.get(text) ?? []), message])
  }
  const lastTried = (candidates: readonly MessageRow[], request: Received) => {
    const latest = Math.max(...candidates.map((candidate) => triedAt(candidate, request)))
    return latest < request.at - mostMs ? undefined : candidates.findLast((each) => triedAt(each, request) === latest)
  }
  const last = new Map<string, number>()
  // The relay posts `{}` to find out whether a proxy still answers in Slack's place; nobody sees it.
  const meant = received.filter(({ text }) => text !== '{}')
  return meant.map((request) => {
    const candidates = byText.get(request.text) ?? []
    const after = last.get(request.path) ?? 0
    const tried = candidates.length > 1 ? lastTried(candidates, request) : undefined
    const later = candidates.filter(({ id }) => id >= after)
    const open = later.find((candidate) => !wasTaken(candidate, request))
    const message = tried ?? open ?? later[0] ?? candidates.at(-1)
    if (message !== undefined) last.set(request.path, message.id)
    return { request, message }
  })
}

/** The possible bytes of a message: as stored, or only its texts without blocks. */
function formsOf({ payload, destination: username }: MessageRow): string[] {
  const whole = JSON.parse(payload) as Json
  const { text, blocks, attachments, ...rest } = whole
  const lines = [...textsIn(blocks), ...textsIn(attachments)].join('\n')
  // The order of keys matters. The config file gives each destination its own name as `username`.
  return [whole, { text: lines, ...rest }, { text, ...rest }].map((form) => JSON.stringify({ ...form, username }))
}

/** The texts of blocks in reading order. */
function textsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(textsIn)
  if (typeof value !== 'object' || value === null) return []
  const { text, fields, elements, blocks } = value as Json
  const own = typeof text === 'string' ? [text] : textsIn(text)
  return [...own, ...textsIn(fields), ...textsIn(elements), ...textsIn(blocks)]
}
