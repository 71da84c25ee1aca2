// Sightings: find the stored message behind each request at the stand-in: byte for byte, or its plain-text form.
import type { Received } from '../test/fixtures/slack.ts'
import type { Evidence, MessageRow } from './evidence.ts'

export interface Sighting {
  request: Received
  /** undefined: nothing like it was ever written down. */
  message: MessageRow | undefined
}

/** From the beginning of an attempt to its request. */
const mostMs = 2000

interface Json {
  [key: string]: unknown
}

/**
 * A text may recur, as when a dead letter is retried, or an object fails twice within a second: then the recorded attempts show
 * which message it was, and for what a kill kept from being recorded, the order of arrival. One that the relay knows to be
 * taken is over: it is not meant as long as another of the same text is.
 */
export function recognise(
  received: readonly Received[],
  { messages, attempts }: Pick<Evidence, 'messages' | 'attempts'>
): Sighting[] {
  const attemptsOf = Map.groupBy(attempts, ({ message_id }) => message_id)
  /** The attempt that began last before the request came, or a moment after it by another clock; a busy machine takes its time. */
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
  // An empty message asks whether the way is open where a page answered in between; nobody sees it.
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

/** The bytes of a message as they may be posted: as stored, or its texts without any structure. */
function formsOf({ payload, destination: username }: MessageRow): string[] {
  const whole = JSON.parse(payload) as Json
  const { text, blocks, attachments, ...rest } = whole
  const lines = [...textsIn(blocks), ...textsIn(attachments)].join('\n')
  // The order of keys is part of the bytes. The config file gives every destination its own name as `username`.
  return [whole, { text: lines, ...rest }, { text, ...rest }].map((form) => JSON.stringify({ ...form, username }))
}

/** What a reader sees of blocks, in their order. */
function textsIn(value: unknown): string[] {
  if (Array.isArray(value)) return value.flatMap(textsIn)
  if (typeof value !== 'object' || value === null) return []
  const { text, fields, elements, blocks } = value as Json
  const own = typeof text === 'string' ? [text] : textsIn(text)
  return [...own, ...textsIn(fields), ...textsIn(elements), ...textsIn(blocks)]
}
