// History: reads the answers of conversations.history and conversations.replies, as far as messages are found by them. Pure.
import { fieldsOf, isText, readFields } from './fields.ts'

export interface HistoryMessage {
  ts: string
  metadata: { event_type: string; event_payload: Record<string, unknown> } | undefined
}

/** Reads a page of messages, newest or oldest first, and the cursor of the next page. Undefined if `body` is no page. */
export function readHistory(body: string): { messages: HistoryMessage[]; next: string | undefined } | undefined {
  const { ok, messages, response_metadata: more } = readFields(body)
  if (ok !== true || !Array.isArray(messages)) return undefined
  const { next_cursor: next } = fieldsOf(more)
  return { messages: messages.flatMap(messageOf), next: isText(next) ? next : undefined }
}

function messageOf(value: unknown): HistoryMessage[] {
  const { ts, metadata } = fieldsOf(value)
  if (typeof ts !== 'string') return []
  const { event_type, event_payload } = fieldsOf(metadata)
  const isMarked = typeof event_type === 'string' && typeof event_payload === 'object'
  return [{ ts, metadata: isMarked ? { event_type, event_payload: fieldsOf(event_payload) } : undefined }]
}
