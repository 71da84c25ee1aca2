// Request bodies: what is kept of those that never end.
import { PassThrough } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { createBodyReader } from '../routes/body.ts'
import { createClock } from './fixtures/clock.ts'

const kibibyte = 1024

/** A body under way: 60 KiB, and one byte still missing. */
function begin(read: ReturnType<typeof createBodyReader>) {
  const pieces = [30 * kibibyte, 30 * kibibyte].map((bytes) => Buffer.alloc(bytes, ' '))
  const request = Object.assign(new PassThrough(), { headers: { 'content-length': `${60 * kibibyte + 1}` } })
  const result = read(request as never).catch(({ code }) => code)
  for (const piece of pieces) request.write(piece)
  return { request, result, pieces }
}

t.test('a body that lost its room to others is refused, even if only its end was missing', async (t) => {
  const read = createBodyReader(4 * 1024 * kibibyte, createClock())
  const first = begin(read)
  await turn()
  for (let n = 0; n < 40; n++) begin(read)
  await turn()
  first.request.end()
  t.equal(await first.result, 'CANNOT_STORE')
})

t.test('the bytes of such a body are freed at once, and those of one being read are not', async (t) => {
  const read = createBodyReader(4 * 1024 * kibibyte, createClock())
  const all = Array.from({ length: 40 }, () => begin(read))
  await turn()
  t.strictSame(new Set(all[0]?.pieces.map(({ length }) => length)), new Set([0]), 'of the one that has waited longest')
  const last = all.at(-1)
  last?.request.end(' ')
  t.strictSame(await last?.result, Buffer.alloc(60 * kibibyte + 1, ' '))
})
