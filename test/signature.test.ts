// Signature: accepts the right key in every form, and nothing else.
import { createHmac } from 'node:crypto'
import t from 'tap'
import { type Credentials, equal, sign, verify } from '../src/events/signature.ts'

// notification-controller's own test vector: internal/notifier/forwarder_test.go, client_test.go.
const body = Buffer.from(
  '{"involvedObject":{"kind":"GitRepository","namespace":"gitops-system","name":"webapp"},"severity":"info","timestamp":"2022-09-30T06:40:29Z","message":"message","reason":"reason","metadata":{"test":"metadata"},"reportingController":"source-controller","reportingInstance":"source-controller-xyz"}'
)
const key = '7152fed34dd6149a7c75a276c510da27cb6f82b0'
const hex = '65b018549b1254e7226d1c08f9567ee45bc9de0fc4e7b1a40253f9a018b08be7'
const signature = `sha256=${hex}`

const digest = (algorithm: string, secret = key): string => createHmac(algorithm, secret).update(body).digest('hex')
const flipped = Buffer.from(body)
flipped.writeUInt8(flipped.readUInt8(40) ^ 1, 40)

interface Request {
  body?: Buffer
  signature?: string
  authorization?: string
}

const check = (request: Request, credentials: Partial<Credentials>) =>
  verify(
    request.body ?? body,
    { signature: request.signature, authorization: request.authorization },
    { hmacKeys: [], tokens: [], ...credentials }
  )

const keyed = { hmacKeys: [key] }
const tokened = { tokens: ['s3cret'] }
const both = { ...keyed, ...tokened }

const accepted: readonly (readonly [string, Request, Partial<Credentials>])[] = [
  ["a body signed by Flux's own test", { signature }, keyed],
  ['the old key during a rotation', { signature }, { hmacKeys: ['new key', key] }],
  ['the new key during a rotation', { signature }, { hmacKeys: [key, 'old key'] }],
  ['a key trimmed by notification-controller 1.3 to 1.6', { signature }, { hmacKeys: [` ${key}\n`] }],
  ['a key with a newline that only the Secret has', { signature: `sha256=${digest('sha256', `${key}\n`)}` }, keyed],
  ['a key left as it is by 1.7', { signature: `sha256=${digest('sha256', `${key}\n`)}` }, { hmacKeys: [`${key}\n`] }],
  ['a SHA-224 signature', { signature: `sha224=${digest('sha224')}` }, keyed],
  ['a SHA-384 signature', { signature: `sha384=${digest('sha384')}` }, keyed],
  ['a SHA-512 signature', { signature: `sha512=${digest('sha512')}` }, keyed],
  ['a bearer token', { authorization: 'Bearer s3cret' }, tokened],
  ['a bearer token by any of the names of the scheme', { authorization: 'bearer  s3cret' }, tokened],
  ['a bearer token kept with a trailing newline', { authorization: 'Bearer s3cret' }, { tokens: ['s3cret\n'] }],
  ['one of several bearer tokens', { authorization: 'Bearer s3cret' }, { tokens: ['other', 's3cret'] }],
  ['a signature where a token would do as well', { signature }, both],
  ['a token where a signature would do as well', { authorization: 'Bearer s3cret' }, both],
  ['a signature beside the header of a proxy', { signature, authorization: 'Basic dTpw' }, both],
  [
    'a token beside a preset X-Signature',
    { authorization: 'Bearer s3cret', signature: 'should be preserved' },
    tokened
  ],
  ['anything, where the source has neither keys nor tokens', { signature: 'sha256=nonsense', authorization: 'x' }, {}],
  ['a request without any proof, where the source has neither keys nor tokens', {}, {}]
]

for (const [what, request, credentials] of accepted) {
  t.test(`a source accepts ${what}`, async (t) => t.strictSame(check(request, credentials), { ok: true }))
}

const refused: readonly (readonly [string, Request, Partial<Credentials>, RegExp])[] = [
  ['another key', { signature }, { hmacKeys: ['another key'] }, /does not match any key/],
  ['a body with one bit flipped', { signature, body: flipped }, keyed, /does not match any key/],
  ['a body with one byte more', { signature, body: Buffer.concat([body, Buffer.from('\n')]) }, keyed, /does not match/],
  ['no signature', {}, keyed, /^X-Signature is missing$/],
  ['an empty signature', { signature: '' }, keyed, /not of the form/],
  [
    'the preset X-Signature of a plain generic Provider',
    { signature: 'should be preserved' },
    keyed,
    /not of the form/
  ],
  ['SHA-1', { signature: `sha1=${digest('sha1')}` }, keyed, /not of the form/],
  ['MD5', { signature: `md5=${digest('md5')}` }, keyed, /not of the form/],
  ['two equals signs', { signature: `sha256==${hex}` }, keyed, /not of the form/],
  ['a second part after an equals sign', { signature: `${signature}=` }, keyed, /not of the form/],
  ['upper-case hex', { signature: `sha256=${hex.toUpperCase()}` }, keyed, /not of the form/],
  ['an upper-case algorithm', { signature: `SHA256=${hex}` }, keyed, /not of the form/],
  ['no algorithm', { signature: hex }, keyed, /not of the form/],
  ['a digest that is cut short', { signature: signature.slice(0, -1) }, keyed, /does not match/],
  ['a few digits of a digest', { signature: signature.slice(0, 20) }, keyed, /not of the form/],
  ['a digest with a newline', { signature: `${signature}\n` }, keyed, /not of the form/],
  ['two signatures in one header', { signature: `${signature}, ${signature}` }, keyed, /not of the form/],
  ["SHA-256 with SHA-224's digest", { signature: `sha256=${digest('sha224')}` }, keyed, /does not match/],
  ["SHA-224 with SHA-256's digest", { signature: `sha224=${hex}` }, keyed, /does not match/],
  ["SHA-512 with SHA-384's digest", { signature: `sha512=${digest('sha384')}` }, keyed, /does not match/],
  ['another token', { authorization: 'Bearer s3cre' }, tokened, /bearer token is not one of/],
  ['a token of another length', { authorization: 'Bearer s3cret2' }, tokened, /bearer token is not one of/],
  [
    'a token with other letters after it',
    { authorization: 'Bearer s3cret x' },
    tokened,
    /not of the form Bearer <token>/
  ],
  ['a token under another scheme', { authorization: 'Basic s3cret' }, tokened, /not of the form Bearer <token>/],
  ['a token without a scheme', { authorization: 's3cret' }, tokened, /not of the form Bearer <token>/],
  ['no token', {}, tokened, /^Authorization: Bearer is missing$/],
  ['a signature where only tokens count', { signature }, tokened, /^Authorization: Bearer is missing$/],
  ['a token where only signatures count', { authorization: 'Bearer s3cret' }, keyed, /^X-Signature is missing$/],
  ['neither, where either would do', {}, both, /^X-Signature or Authorization: Bearer is missing$/],
  [
    'a wrong signature, even with a good token',
    { signature: `sha256=${hex.replace('6', '7')}`, authorization: 'Bearer s3cret' },
    both,
    /does not match any key/
  ]
]

for (const [what, request, credentials, because] of refused) {
  t.test(`a source refuses ${what}`, async (t) => {
    const verdict = check(request, credentials)
    t.match(verdict, { ok: false, because })
    const said = JSON.stringify(verdict)
    for (const secret of [key, hex, 's3cret']) t.notOk(said.includes(secret), 'and shows the sender no secret')
  })
}

t.test('`send` signs as notification-controller does', async (t) => {
  t.equal(sign(body, key), signature)
})

t.test('secrets of different lengths are compared without an exception', async (t) => {
  t.ok(equal('same', 'same'))
  t.notOk(equal('same', 'sam'))
  t.notOk(equal('', 'x'))
})
