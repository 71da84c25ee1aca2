// Sightings: the proof knows which message a request carried, even if two have the same text.
import t from 'tap'
import { recognise } from '../proof/sightings.ts'

const text = JSON.stringify({ text: 'apps/shop failed', username: 'a' })
const request = (at: number) => ({
  ...{ method: 'POST', path: '/a', at, headers: {}, text, body: JSON.parse(text), status: 200, answer: 'ok' },
  ...{ taken: true, answered: true }
})
const payload = JSON.stringify({ text: 'apps/shop failed' })
const messages = [1, 2].map((id) => ({ id, destination: 'a', state: 'sent' as const, payload, created_at: 0 }))
const taken = (message_id: number, at: number) => ({ message_id, at, answer: '200 ok' })

const cases: [what: string, attempts: ReturnType<typeof taken>[], messages: number[]][] = [
  ['all attempts are recorded', [taken(1, 0), taken(2, 3000), taken(2, 4000)], [1, 2, 2]],
  ['a kill came before the first of the second was recorded', [taken(1, 0), taken(2, 4000)], [1, 2, 2]],
  ['the first is posted again after its yes', [taken(1, 0), taken(1, 3000), taken(2, 4000)], [1, 1, 2]]
]
for (const [what, attempts, expected] of cases) {
  t.test(`two messages with one text: ${what}`, async (t) => {
    const sightings = recognise([3, 3003, 4003].map(request), { messages, attempts })
    t.strictSame(
      sightings.map(({ message }) => message?.id),
      expected
    )
  })
}
