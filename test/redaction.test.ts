// Redaction: no secret of a controller's message is shown, and what is none stays.
import t from 'tap'
import { redact } from '../src/events/redaction.ts'
import { fc } from './fixtures/fc.ts'

const secret = 'Zq8Rt5Lm2Xw9Kp4Vn7Bc3Jd6'
const shown: [what: string, text: string, redacted: string][] = [
  [
    'a password',
    `clone 'https://me:${secret}@git.acme.dev/a/b?ref=v1': x`,
    "clone 'https://…@git.acme.dev/a/b?ref=v1': x"
  ],
  ['a password with a slash', `http://me:p/${secret}@acme.dev/a: x`, 'http://…@acme.dev/a: x'],
  ['a token as a name', `https://${secret}@git.acme.dev/a`, 'https://…@git.acme.dev/a'],
  ['a database', `postgres://app:${secret}@db:5432/app: refused`, 'postgres://…@db:5432/app: refused'],
  [
    'an address signed for S3',
    `get https://b.s3.acme.dev/k?X-Amz-Algorithm=A&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F2022&X-Amz-Signature=${secret}: 403`,
    'get https://b.s3.acme.dev/k?…: 403'
  ],
  ['an address signed for Azure', `https://a.blob.acme.dev/c?sv=2020&sig=${secret}%2B1`, 'https://a.blob.acme.dev/c?…'],
  ['an address signed for GCS', `https://s.acme.dev/b?GoogleAccessId=a&Signature=${secret}`, 'https://s.acme.dev/b?…'],
  [
    'an older address of S3',
    `/k?AWSAccessKeyId=AKIAIOSFODNN7EXAMPLE&Signature=${secret}`,
    '/k?AWSAccessKeyId=…&Signature=…'
  ],
  [
    'a webhook',
    `post https://hooks.slack.com/services/T0/B0/${secret}: 404`,
    'post https://hooks.slack.com/services/…: 404'
  ],
  ['a header', `Authorization: Bearer ${secret} refused`, 'Authorization: Bearer … refused'],
  ['credentials', `with Basic ${secret}==: 401`, 'with Basic …: 401'],
  ['a token of GitHub', `ghp_${secret} has expired`, '… has expired'],
  ['a token of GitLab', `glpat-${secret} has expired`, '… has expired'],
  ['a token of Slack', `xoxb-${secret} has expired`, '… has expired'],
  ['a JSON web token', `token eyJhbGciOiJI.eyJzdWIiOiIx.${secret} has expired`, 'token … has expired'],
  ['a field of JSON', `{"password":"${secret}","a":1}`, '{"password":"…","a":1}'],
  ['a parameter', `client_secret=${secret}, a`, 'client_secret=…, a'],
  ['a key', `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`, '…'],
  ['what chance has made', `key ${secret}${secret} is wrong`, 'key … is wrong']
]
for (const [what, text, redacted] of shown) {
  t.test(`the secret of ${what} is taken out, and nothing else`, async (t) => {
    t.equal(redact(text), redacted)
    t.equal(redact(redacted), redacted, 'again changes nothing')
  })
}

const plain = [
  "unable to clone 'ssh://git@github.com/acme/fleet', error: dial tcp: lookup github.com on 10.96.0.10:53: i/o timeout",
  'oci://ghcr.io/acme/app@sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855',
  'http://registry:5000/v2/app@sha256:e3b0c442: not found',
  'GET https://ghcr.io/token?scope=repository%3Aacme%2Fapp%3Apull&service=ghcr.io: DENIED: denied',
  "secret 'flux-system/token' not found: basic authentication needs a password: it is required",
  'Bearer realm="https://auth.acme.dev/token",service="registry"',
  'ssh: SHA256:nThbg6kXUpJWGl7E1IGOCspRomTxdCARLviKw6E5SY8 does not match',
  'Signature expired: 20220826T114812Z is now earlier than 20220826T120000Z',
  'main@sha1:a61e0c5d2f0f7bd5a6e3a7c1f2b3c4d5e6f70819',
  'Deployment/apps/podinfo-6bc5d5b96-j9lw6 dry-run failed (Invalid): spec.clusterIP: Invalid value: "10.0.0.1": field is immutable',
  '/tmp/kustomization-644156964/clusters/MyCluster1/Foo2Bar/deployment-v1Beta1.yaml'
]
for (const text of plain) t.test(`stays: ${text.slice(0, 60)}`, async (t) => t.equal(redact(text), text))

t.test('a secret is found in whatever text it stands, and redacting again changes nothing', async () => {
  const forms = fc.constantFrom(
    `https://me:${secret}@acme.dev/a`,
    `https://acme.dev/a?X-Amz-Security-Token=${secret}&a=b`,
    `ghp_${secret}`,
    `glpat-${secret}`,
    `"token": "${secret}"`,
    `Authorization: Basic ${secret}`
  )
  const text = fc.string({ unit: fc.constantFrom(...'ab1 \n:/?&=@.-"\'[('), maxLength: 40 })
  fc.assert(
    fc.property(text, forms, text, (before, form, after) => {
      const redacted = redact(`${before} ${form} ${after}`)
      return !redacted.includes(secret) && redact(redacted) === redacted
    })
  )
})
