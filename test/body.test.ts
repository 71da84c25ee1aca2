// Request bodies: what is kept of those that never end.
import { PassThrough } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import t from 'tap'
import { createBodyReader } from '../routes/body.ts'
import { createClock } from './fixtures/clock.ts'

const kibibyte = 1024

/** A body under way: 60 KiB in `count` pieces, and one byte still missing. */
function begin(read: ReturnType<typeof createBodyReader>, count = 2) {
  const pieces = Array.from({ length: count }, () => Buffer.alloc((60 / count) * kibibyte, ' '))
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

t.test('a body of one piece is freed as soon as it has lost its room or broken off', async (t) => {
  const read = createBodyReader(4 * 1024 * kibibyte, createClock())
  const all = Array.from({ length: 40 }, () => begin(read, 1))
  await turn()
  t.equal(all[0]?.pieces[0]?.length, 0, 'lost its room')
  const last = all.at(-1)
  t.equal(last?.pieces[0]?.length, 60 * kibibyte)
  last?.request.destroy()
  await last?.result
  t.equal(last?.pieces[0]?.length, 0, 'broke off')
})

t.test('bodies that are complete, or broke off, leave their room to others', async (t) => {
  const read = createBodyReader(4 * 1024 * kibibyte, createClock())
  const whole = Buffer.alloc(60 * kibibyte + 1, ' ')
  for (const isWhole of [false, true]) {
    for (let n = 0; n < 40; n++) {
      const { request, result } = begin(read)
      await turn()
      if (isWhole) request.end(' ')
      else request.destroy()
      t.strictSame(await result, isWhole ? whole : 'BAD_REQUEST')
    }
  }
})

t.test('a large body makes room for another only once nothing of it has come for half a second', async (t) => {
  const mebibyte = 1024 * kibibyte
  const clock = createClock()
  const read = createBodyReader(16 * mebibyte, clock)
  const open = (byte: string) => {
    const request = Object.assign(new PassThrough(), { headers: { 'content-length': `${16 * mebibyte}` } })
    const result = read(request as never).catch(({ code }) => code)
    request.write(Buffer.alloc(16 * mebibyte - 1, byte))
    return { request, result }
  }
  const [stalled] = [open('a'), open('b')]
  await turn()
  clock.advance(499)
  t.equal(await open('c').result, 'CANNOT_STORE', 'there is room for two')
  clock.advance(1)
  const other = open('d')
  await turn()
  stalled?.request.end()
  t.equal(await stalled?.result, 'CANNOT_STORE')
  other.request.end('d')
  t.equal((await other.result).length, 16 * mebibyte)
})

t.test('what comes after a body was refused is freed', async (t) => {
  const request = Object.assign(new PassThrough(), { headers: {} })
  const result = createBodyReader(1000, createClock())(request as never).catch(({ code }) => code)
  request.write(Buffer.alloc(1001))
  t.equal(await result, 'TOO_LARGE')
  const late = Buffer.alloc(500)
  request.write(late)
  await turn()
  t.equal(late.length, 0)
})

t.test('a body is read up to its limit, whether or not its length is declared', async (t) => {
  const max = 10_000
  const table: [what: string, declared: number | undefined, pieces: number[], expected: number | string][] = [
    ['as long as may be', max, [max], max],
    ['in pieces', max, [1000, max - 1000], max],
    ['without a length', undefined, [1000, max - 1000], max],
    ['declared to be too long, before any of it', max + 1, [], 'TOO_LARGE'],
    ['too long without a length', undefined, [max, 1], 'TOO_LARGE'],
    ['too long at once', undefined, [max + 1], 'TOO_LARGE'],
    ['longer than declared', 1000, [1000, max], 'TOO_LARGE'],
    ['of a few bytes', undefined, [1, 1, 1], 3]
  ]
  for (const [what, declared, pieces, expected] of table) {
    const headers = declared === undefined ? {} : { 'content-length': `${declared}` }
    const request = Object.assign(new PassThrough(), { headers })
    const read = createBodyReader(max, createClock())
    const result = read(request as never).then(
      ({ length }) => length,
      ({ code }) => code
    )
    for (const bytes of pieces) {
      request.write(Buffer.alloc(bytes, ' '))
      await turn()
    }
    if (typeof expected === 'number') request.end()
    t.equal(await result, expected, what)
    request.destroy()
  }
})

t.test('a body that breaks off is refused', async (t) => {
  const request = Object.assign(new PassThrough(), { headers: {} })
  const result = createBodyReader(1000, createClock())(request as never).catch(({ code }) => code)
  request.write(' ')
  await turn()
  request.destroy()
  t.equal(await result, 'BAD_REQUEST')
})
