// Signature target: only the right signature or token is accepted, and the right one always is.

import { createHmac } from 'node:crypto'
import fc from 'fast-check'
import { type Authenticity, type Credentials, verify } from '../../src/events/signature.ts'
import { anyText, bodies, mutated } from './hostile.ts'
import { faultsAmong, type Target } from './target.ts'

interface Request {
  body: string
  credentials: Credentials
  algorithm: string
  /** What is done to the right header. */
  forge: 'nothing' | 'one digit' | 'another' | 'missing'
  garbage: string
  withToken: boolean
}

const key = fc
  .oneof(
    fc.string({ unit: 'binary', minLength: 1, maxLength: 40 }),
    anyText.map((text) => `k${text}`)
  )
  .map((text) => text.toWellFormed())
const token = fc.string({ unit: fc.constantFrom(...'abcXYZ019-._~+/='), minLength: 1, maxLength: 40 })

function headersOf({ body, credentials, algorithm, forge, garbage, withToken }: Request) {
  const digest = createHmac(algorithm, credentials.hmacKeys.at(-1) ?? '')
    .update(body)
    .digest('hex')
  const wrong = (digest.startsWith('0') ? '1' : '0') + digest.slice(1)
  const right = withToken ? `Bearer ${credentials.tokens.at(-1)}` : `${algorithm}=${digest}`
  const forged = withToken ? `${right}x` : `${algorithm}=${wrong}`
  const value = { nothing: right, 'one digit': forged, another: garbage, missing: undefined }[forge]
  return { signature: withToken ? undefined : value, authorization: withToken ? value : undefined }
}

export const signature: Target<Request, Authenticity> = {
  name: 'signature',
  share: 150_000,
  input: fc.record({
    body: mutated(bodies),
    credentials: fc.record({
      hmacKeys: fc.array(key, { minLength: 1, maxLength: 3 }),
      tokens: fc.array(token, { minLength: 1, maxLength: 3 })
    }),
    algorithm: fc.constantFrom('sha224', 'sha256', 'sha384', 'sha512'),
    forge: fc.constantFrom<Request['forge'][]>('nothing', 'one digit', 'another', 'missing'),
    garbage: fc.oneof(
      anyText,
      mutated(['sha256=00', `sha256=${'a'.repeat(64)}`, `sha1=${'a'.repeat(40)}`, 'Bearer x', 'Bearer  '])
    ),
    withToken: fc.boolean()
  }),
  run: (request) => verify(Buffer.from(request.body), headersOf(request), request.credentials),
  faults(verdict, { forge, credentials }) {
    const isRight = forge === 'nothing'
    const because = verdict.ok ? '' : verdict.because
    return faultsAmong({
      'the right one is refused': isRight && !verdict.ok,
      // No forged signature matches by chance, but garbage may hit a short token, and a token with "x" appended may be another
      // valid one.
      'a forged one is taken':
        !isRight && forge !== 'another' && verdict.ok && !credentials.tokens.some((token) => token.endsWith('x')),
      'a reason that is too long': because.length > 120,
      'a secret in the reason': credentials.hmacKeys.some(
        (key) => key.trim().length > 8 && because.includes(key.trim())
      )
    })
  }
}
