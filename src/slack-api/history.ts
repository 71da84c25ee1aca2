// History: reads the answers of conversations.history and conversations.replies, as far as messages are found by them. Pure.

export interface HistoryMessage {
  ts: string
  metadata: { event_type: string; event_payload: Record<string, unknown> } | undefined
}

/** Reads a page of messages, newest or oldest first, and the cursor of the next page. Undefined if `body` is no page. */
export function readHistory(body: string): { messages: HistoryMessage[]; next: string | undefined } | undefined {
  const fields = recordOf(parse(body))
  if (fields?.['ok'] !== true || !Array.isArray(fields['messages'])) return undefined
  const messages = fields['messages'].flatMap((value: unknown): HistoryMessage[] => {
    const message = recordOf(value)
    if (typeof message?.['ts'] !== 'string') return []
    const { event_type, event_payload } = recordOf(message['metadata']) ?? {}
    const payload = recordOf(event_payload)
    const isMarked = typeof event_type === 'string' && payload !== undefined
    return [{ ts: message['ts'], metadata: isMarked ? { event_type, event_payload: payload } : undefined }]
  })
  const next = recordOf(fields['response_metadata'])?.['next_cursor']
  return { messages, next: typeof next === 'string' && next !== '' ? next : undefined }
}

function recordOf(value: unknown): Record<string, unknown> | undefined {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
