// Webhook target: any bytes and headers get a short answer that repeats nothing, and only complete events are accepted.

import fc from 'fast-check'
import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { createHttp } from '../../routes/http.ts'
import { webhook as plugin } from '../../routes/webhook.ts'
import { systemClock } from '../../src/clock.ts'
import type { Config } from '../../src/config/config.ts'
import type { Intake } from '../../src/intake/intake.ts'
import { createMetrics } from '../../src/metrics.ts'
import type { Arrival } from '../../src/store/kept.ts'
import { configOf } from './decided.ts'
import { anyEvent, anyText, bodies, mutated, pumped } from './hostile.ts'
import { faultsAmong, type Target } from './target.ts'

const mark = 'canary'
const config: Config = configOf('destinations: { local: { preview: true } }\nrules: [{ name: all, send: local }]\n')
const taken: Arrival[] = []
const intake: Intake = {
  async accept(arrival) {
    taken.push(arrival)
    return { id: '1', status: 'accepted', transition: 'failed', notifications: [] }
  }
}

// As in src/app.ts.
function build(): FastifyInstance {
  const app = createHttp(pino({ level: 'silent' }), { lost() {}, unreadable() {}, crowdedOut() {} })
  app.register(plugin, {
    config: () => config,
    intake,
    metrics: createMetrics(),
    sources: { accepted() {}, refused() {} },
    clocks: { behind: () => 0 },
    troubles: { claimed() {} },
    spans: { received() {} },
    clock: systemClock,
    maxBodyBytes: 100_000
  })
  return app
}

const app = build()

interface Post {
  body: string
  encoding: 'utf8' | 'latin1'
  path: string
  type: string
}

interface Answer {
  status: number
  text: string
  arrival: Arrival | undefined
}

const json = fc.oneof(
  {
    weight: 6,
    arbitrary: mutated(
      bodies,
      fc.oneof(
        anyText,
        fc.constantFrom(
          '"',
          ',',
          ':',
          '{',
          '}',
          '[',
          '"__proto__":{"x":1},',
          '"message":',
          'null',
          '1e999',
          '\\ud83d',
          `"${mark}"`,
          '"metadata":{"a":1},',
          '\u0000'
        )
      )
    )
  },
  { weight: 4, arbitrary: anyEvent.map((event) => JSON.stringify(event)) },
  { weight: 1, arbitrary: fc.json() },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom('[', '{"a":', '"', '{"involvedObject":', '\u0000'), fc.nat(3000))
      .map(([unit, times]) => unit.repeat(times))
  },
  { weight: 1, arbitrary: pumped(120_000) }
)

export const webhook: Target<Post, Answer> = {
  name: 'webhook',
  share: 100_000,
  input: fc.record({
    body: json,
    encoding: fc.constantFrom('utf8', 'utf8', 'utf8', 'latin1'),
    path: fc.oneof(
      { weight: 6, arbitrary: fc.constant('/webhook') },
      { weight: 1, arbitrary: anyText.map((text) => `/webhook/${mark}${encodeURIComponent(text.toWellFormed())}`) }
    ),
    type: fc.constantFrom(
      'application/json',
      'application/json',
      'application/json',
      'application/json; charset=utf-8',
      'text/plain',
      'application/json;charset=utf-16',
      `x/${mark}`,
      ''
    )
  }),
  async run({ body, encoding, path, type }) {
    taken.length = 0
    const response = await app.inject({
      method: 'POST',
      url: path,
      payload: Buffer.from(body, encoding),
      headers: type === '' ? {} : { 'content-type': type }
    })
    return { status: response.statusCode, text: response.body, arrival: taken[0] }
  },
  faults({ status, text, arrival }) {
    const answer = JSON.parse(text) as { code?: string; message?: string }
    const event = arrival?.event
    const names =
      event === undefined ? [] : [...Object.values(event.object), event.reason, event.message, event.controller]
    return faultsAmong({
      [`an answer that Flux does not know: ${status}`]: ![202, 400, 401, 404, 413, 415].includes(status),
      'an error without words': status !== 202 && (!answer.code || !answer.message),
      'an error that is too long': text.length > 400,
      'an error that repeats what was sent': status !== 202 && text.includes(mark),
      'taken and not stored, or the other way round': (status === 202) !== (arrival !== undefined),
      'half a character is taken': names.some((name) => !name.isWellFormed())
    })
  }
}
