// Redaction: no secret in a controller's message is shown, and everything else stays.
import t from 'tap'
import { normalise } from '../src/events/flux.ts'
import { gistOf } from '../src/events/gist.ts'
import { redact, redactNote } from '../src/events/redaction.ts'
import { advance } from '../src/objects.ts'
import { composeOne } from '../src/render/compose/message.ts'
import { createView } from '../src/render/compose/view.ts'
import { compileLinks } from '../src/render/links/links.ts'
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
  [
    'a signature in quotes, and a rule that is called so with what it says',
    `'signature: 'a b c ${secret}' check-signature: 'failed to verify it: none'`,
    "'signature: '…' check-signature: 'failed to verify it: none'"
  ],
  ['a key', `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`, '…'],
  ['what chance has made', `key ${secret}${secret} is wrong`, 'key … is wrong'],
  [
    'a variable of a container, as a Job prints it that cannot be changed',
    'core.EnvVar{Name:"LOG_LEVEL", Value:"debug"}, core.EnvVar{Name:"DB_PASSWORD", Value:"hun\\"ter", ValueFrom:(*core.EnvVarSource)(nil)}',
    'core.EnvVar{Name:"LOG_LEVEL", Value:"debug"}, core.EnvVar{Name:"DB_PASSWORD", Value:"…", ValueFrom:(*core.EnvVarSource)(nil)}'
  ],
  [
    'a variable of a container in JSON',
    '"env":[{"name":"JWT_SECRET","value":"hunter"},{"name":"MODE","value":"prod"}]',
    '"env":[{"name":"JWT_SECRET","value":"…"},{"name":"MODE","value":"prod"}]'
  ],
  [
    'a variable of a container in YAML',
    '- name: SECRET_KEY_BASE\n  value: hunter\n- name: PASSWORD_FILE\n  value: /run/a',
    '- name: SECRET_KEY_BASE\n  value: …\n- name: PASSWORD_FILE\n  value: /run/a'
  ],
  [
    'a number in a Secret, where only strings are taken, and what follows',
    'failed to create typed patch object (a/db; /v1, Kind=Secret): errors:\n  .stringData.pin: expected string, got &value.valueUnstructured{Value:48151623}\n  .data: expected map, got &{hunter\nhunter}\nService/a/b created',
    'failed to create typed patch object (a/db; /v1, Kind=Secret): errors:\n  .stringData.pin: expected string, got &…\n  .data: expected map, got &…\nService/a/b created'
  ],
  [
    'a number in a variable of a container, where only strings are taken',
    '(a/web; apps/v1, Kind=Deployment): .spec.template.spec.containers[name="web"].env[name="DB_PASSWORD"].value: expected string, got &value.valueUnstructured{Value:48151623}',
    '(a/web; apps/v1, Kind=Deployment): .spec.template.spec.containers[name="web"].env[name="DB_PASSWORD"].value: expected string, got &…'
  ],
  [
    'a field that is refused',
    'spec.users[0].password: Invalid value: "hunter": should be at least 8 chars long',
    'spec.users[0].password: Invalid value: "…": should be at least 8 chars long'
  ],
  ['a variable of terraform', 'var.db_password is "hunter"', 'var.db_password is "…"'],
  ['a plan of terraform', '~ password = "hunter" -> "hunted" # forces', '~ password = "…" -> "…" # forces'],
  ['a plan of terraform that sets it', '+ password = null -> "hunted"', '+ password = null -> "…"'],
  [
    'JSON around what cannot be decoded',
    'error found in #10 byte of ...|":"aHVudA="}|..., bigger context ...|{"data":{"a":"aHVudA="}}|...',
    'error found in #10 byte of ...|…|..., bigger context ...|…|...'
  ],
  [
    'JSON that ends a line',
    'bigger context ...|{"stringData":{"licence":"hunter","port":1}}\n|...',
    'bigger context ...|…|...'
  ],
  [
    'what Helm takes for a key of a value of a Secret',
    `could not resolve Secret chart values reference 'a/db' with key 'password': key "hunt\\"er" has no value (cannot end with ,)`,
    `could not resolve Secret chart values reference 'a/db' with key 'password': key "…" has no value (cannot end with ,)`
  ],
  [
    'what an older one does',
    `unable to merge value from key 'pin' in Secret 'a/db' into target path 'auth.pin': key map "hunter" has no value`,
    `unable to merge value from key 'pin' in Secret 'a/db' into target path 'auth.pin': key map "…" has no value`
  ],
  [
    'a key of a ConfigMap',
    `could not resolve ConfigMap chart values reference 'a/web' with key 'hosts': key "hosts" has no value`,
    `could not resolve ConfigMap chart values reference 'a/web' with key 'hosts': key "hosts" has no value`
  ],
  [
    'a value that does not fit a schema',
    `- at '/auth/rootPassword': 'hunt\\'er' does not match pattern '^.{12,}$'\n- at '/auth/user': 'bot' does not match pattern '^b$'`,
    `- at '/auth/rootPassword': '…' does not match pattern '^.{12,}$'\n- at '/auth/user': 'bot' does not match pattern '^b$'`
  ],
  [
    'a code of an error behind a token',
    'failed to get token: AADSTS7000215: Invalid client secret; token: ORA-01017: denied; token: ABCDE12345',
    'failed to get token: AADSTS7000215: Invalid client secret; token: ORA-01017: denied; token: …'
  ],
  ['a command', 'curl -fsu a -u admin:hunter https://acme.dev', 'curl -fsu a -u admin:… https://acme.dev'],
  [
    'a list of a command',
    'Args:[]string{"--user", "a", "--db-password", "hunter", "--verbose"}',
    'Args:[]string{"--user", "a", "--db-password", "…", "--verbose"}'
  ],
  ['a list of a command in YAML', '- --admin-token\n- hunter\n- --debug', '- --admin-token\n- …\n- --debug'],
  ['a list of a command with another option', '["--token", "--debug"]', '["--token", "--debug"]'],
  ['a variable of few letters', 'DB_PASS=hunter SMTP_PASS="hunt er" bypass=1', 'DB_PASS=… SMTP_PASS="…" bypass=1'],
  ['a value of few letters', '{"dbPass":"hunter"}, smtpPass=hunter', '{"dbPass":"…"}, smtpPass=…'],
  ['bytes', '[]byte{"token":[]uint8{0x68, 0x75, 0x6e}, "a":1}', '[]byte{"token":…, "a":1}'],
  ['a string as bytes', 'map[string][]byte{"token":[]byte("hunter")}', 'map[string][]byte{"token":…}'],
  ['headers as JSON', '{"X-Gitlab-Token":["hunter"],"a":["b"]}', '{"X-Gitlab-Token":…,"a":["b"]}'],
  ['a hash of Ruby and of PHP', ":password=>\"hunter\", 'secret' => 'hunter'", ":password=>\"…\", 'secret' => '…'"],
  [
    'an element',
    '<user>a</user><db.password>hunter</db.password><Key>a.yaml</Key>',
    '<user>a</user><db.password>…</db.password><Key>a.yaml</Key>'
  ],
  ['another scheme of a header', 'Authorization: GenieKey hunter-1 refused', 'Authorization: GenieKey … refused'],
  ['a command of Redis', 'redis-cli -h db -a hunter ping: 1', 'redis-cli -h db -a … ping: 1'],
  ['another command', 'docker login -u a -p hunter ghcr.io: denied', 'docker login -u a -p … ghcr.io: denied'],
  [
    'an address that cannot be parsed',
    'parse "postgres://app:hun ter@db/app": net/url: invalid userinfo',
    'parse "postgres://…@db/app": net/url: invalid userinfo'
  ],
  [
    'an address whose password looks like a port',
    'parse "https://app:hun#ter@acme.dev": invalid port ":hun" after host',
    'parse "https://…@acme.dev": invalid port ":…" after host'
  ]
]
for (const [what, text, redacted] of shown) {
  t.test(`the secret of ${what} is redacted, and nothing else`, async (t) => {
    t.equal(redact(text), redacted)
    t.equal(redact(redacted), redacted, 'again changes nothing')
  })
}

const plain = [
  '(a/env; /v1, Kind=ConfigMap): .data.VERSION: expected string, got &value.valueUnstructured{Value:1}',
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
  "please add '--set auth.postgresPassword=$POSTGRES_PASSWORD' to the command",
  'unknown flag --token is required, and "?token=", which is no option',
  'unexpected image app:v1@sha256:12345, contact:ops@acme.dev',
  'Get "https://api.github.com/repos/acme/fleet/hooks/12345678": 404',
  '/tmp/kustomization-644156964/clusters/MyCluster1/Foo2Bar/deployment-v1Beta1.yaml'
]
for (const text of plain) t.test(`stays: ${text.slice(0, 60)}`, async (t) => t.equal(redact(text), text))

t.test('a statement about a secret is not taken for one: "missing" never reads as if it were there', async (t) => {
  const names = ['token', 'git-token', 'password', 'client_secret', 'registry-secret', 'api-key', 'access-key', 'sig']
  const sentences = [
    "secret 'flux-system/§': not found",
    "key '§': no such key in Secret apps/db",
    'Secret "§": unable to read',
    'missing key "§": required',
    'spec.values.§: Invalid value: "my-§": must be set',
    `could not get '§': secrets "§" not found`,
    '§: "db-credentials" not found',
    '§=missing in the request',
    'error "invalid_§": The access was denied'
  ]
  for (const name of names) {
    for (const sentence of sentences) {
      const text = sentence.replaceAll('§', name)
      t.equal(redact(text), text)
    }
  }
  for (const text of ['Basic Authentication is disabled', 'Authorization: permission denied for alice']) {
    t.equal(redact(text), text)
  }
  for (const name of names) {
    t.notMatch(redact(`"${name}": ${secret}, "${name}": "hunter", ${name}=hunter`), /hunter|Zq8/, name)
  }
})

t.test('a secret is found in any text, and redacting again changes nothing', async () => {
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

const upper = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'
const lower = 'abcdefghijklmnopqrstuvwxyz'
const digits = '0123456789'
const of = (chars: string, length: number) =>
  fc.string({ unit: fc.constantFrom(...chars), minLength: length, maxLength: length })
const letters = (length: number) => of(`${upper}${lower}${digits}`, length)
const base64 = (length: number) => of(`${upper}${lower}${digits}+/`, length)
const hex = (length: number) => of('0123456789abcdef', length)
const accessKey = of(`${upper}234567`, 16).map((key) => `AKIA${key}`)

/** A text with § where each secret goes. */
const written: [what: string, text: string, ...secrets: fc.Arbitrary<string>[]][] = [
  [
    'S3',
    'https://b.s3.amazonaws.com/k?X-Amz-Algorithm=A&X-Amz-Credential=§%2F20261129&X-Amz-Security-Token=§&X-Amz-Signature=§',
    ...[accessKey, base64(120).map(encodeURIComponent), hex(64)]
  ],
  [
    'S3 of old',
    'https://b.s3.amazonaws.com/k?AWSAccessKeyId=§&Expires=1700000000&Signature=§%3D',
    accessKey,
    letters(27)
  ],
  ['GCS', 'https://storage.googleapis.com/b/k?X-Goog-Algorithm=A&X-Goog-Expires=900&X-Goog-Signature=§', hex(256)],
  ['Azure', 'https://a.blob.core.windows.net/c?sv=2023-01-03&sp=r&sig=§%3D', base64(43).map(encodeURIComponent)],
  ['an account of Azure', 'AccountName=a;AccountKey=§;EndpointSuffix=core.windows.net', base64(86)],
  ['CloudFront', 'https://d1.cloudfront.net/a?Policy=§&Signature=§&Key-Pair-Id=K2J', letters(40), letters(60)],
  ['a password of Git', 'https://bot:§@git.acme.dev/a/b.git', letters(12)],
  ['a token of Git', 'https://§@git.acme.dev/a/b.git', of(`${lower}${digits}`, 40)],
  ['a token of an app', 'https://x-access-token:§@git.acme.dev/a/b', letters(36).map((text) => `ghs_${text}`)],
  ['Redis', 'redis://:§@redis.db.svc:6379/0', letters(16)],
  ['PostgreSQL', 'postgres://app:§@pg.db.svc:5432/app?sslmode=disable', letters(14)],
  ['a bearer', 'Authorization: Bearer §', letters(40)],
  ['a bearer as Go prints headers', '{"Authorization":["Bearer §"]}', letters(40)],
  ['basic authentication', 'Authorization: Basic §==', base64(32)],
  ['a header of GitLab', 'PRIVATE-TOKEN: §', of(lower, 20)],
  ['a header of Datadog', 'DD-API-KEY: §', hex(32)],
  ['a cookie', 'Set-Cookie: session=§; Path=/', letters(40)],
  ['Vault', 'X-Vault-Token: §', letters(90).map((text) => `hvs.${text}`)],
  ['GitHub', '§', fc.tuple(fc.constantFrom('p', 'o', 'u', 's', 'r'), letters(36)).map(([a, b]) => `gh${a}_${b}`)],
  ['GitHub, fine', '§', letters(59).map((text) => `github_pat_${text.slice(0, 22)}_${text}`)],
  ['GitLab', '§', fc.tuple(fc.constantFrom('glpat', 'gldt', 'glrt'), letters(20)).map((parts) => parts.join('-'))],
  ['Slack', '§', fc.tuple(of(digits, 12), letters(24)).map(([a, b]) => `xoxb-${a}-${b}`)],
  ['a Slack app', '§', hex(64).map((text) => `xapp-1-A012345-1234567890123-${text}`)],
  ['a webhook of Slack', 'https://hooks.slack.com/services/T0/B0/§', letters(24)],
  ['a webhook of Discord', 'https://discord.com/api/webhooks/123/§', letters(68)],
  ['a webhook of Slack without its scheme', 'hooks.slack.com/services/T0/B0/§', letters(24)],
  ['a webhook of Mattermost', 'https://chat.acme.dev/mm/hooks/§', of(`${lower}${digits}`, 26)],
  ['a webhook of Rocket.Chat', 'https://chat.acme.dev/hooks/64f1c2d3e4b5a6978877aabb/§', letters(48)],
  ['a webhook of PagerDuty', 'https://events.pagerduty.com/integration/§/enqueue', hex(32)],
  ['a webhook of Webex', 'https://webexapis.com/v1/webhooks/incoming/§', letters(78)],
  ['a database without a scheme', 'app:§@tcp(db.apps.svc:3306)/app', letters(14)],
  ['a server without a scheme', 'deploy:§@db.acme.dev:5432/app', letters(14)],
  ['a variable of PostgreSQL', 'PGPASSWORD=§ psql -h db', letters(14)],
  ['a value of a chart', 'rootPassword: §', letters(14).map((text) => `${text}1`)],
  ['a value of a chart in JSON', '{"adminPassword":"§","githubApiKey": "§"}', letters(14), letters(30)],
  [
    'a passphrase',
    '{"password": "§", "user": "a"}',
    fc.tuple(letters(12), letters(14)).map((parts) => parts.join(' '))
  ],
  ['an option', 'helm registry login --username bot --password § ghcr.io', letters(14).map((text) => `${text}1`)],
  ['a JSON web token', 'eyJhbGciOiJSUzI1NiJ9.§.§', letters(60).map((text) => `eyJ${text}`), letters(43)],
  ['a key of AWS', 'InvalidAccessKeyId: The AWS Access Key Id § does not exist', accessKey],
  ['a secret key of AWS', 'aws_secret_access_key = §', base64(40)],
  ['a secret key of AWS in JSON', '{"AccessKeyId":"§","SecretAccessKey":"§"}', accessKey, base64(40)],
  ['a key of age', '§', of(`${upper}23456789`, 58).map((text) => `AGE-SECRET-KEY-1${text}`)],
  [
    'a key of age against quantum computers',
    '§',
    of(`${upper}23456789`, 58).map((text) => `AGE-SECRET-KEY-PQ-1${text}`)
  ],
  ['the path of a Receiver', 'Receiver initialized for path: /hook/§', hex(64)],
  ['Databricks', 'host acme.cloud.databricks.com refuses § of CI', hex(32).map((text) => `dapi${text}`)],
  ['Shopify', '§', hex(32).map((text) => `shpat_${text}`)],
  ['Supabase', '§', hex(40).map((text) => `sbp_${text}`)],
  ['New Relic', '§', of(`${upper}${digits}`, 27).map((text) => `NRAK-${text}`)],
  ['PagerDuty', 'routing_key: §', of(`${upper}${digits}`, 30).map((text) => `R0${text}`)],
  ['PagerDuty in a plan of terraform', '  + integration_key = "§"', hex(32)],
  [
    'Dynatrace',
    '§',
    fc.tuple(of(`${upper}${digits}`, 24), of(`${upper}${digits}`, 64)).map((parts) => `dt0c01.${parts.join('.')}`)
  ],
  ['PGP', '-----BEGIN PGP PRIVATE KEY BLOCK-----\n\n§\n-----END PGP PRIVATE KEY BLOCK-----', base64(64)],
  ['SSH', '"identity":"-----BEGIN OPENSSH PRIVATE KEY-----\\n§\\n-----END OPENSSH PRIVATE KEY-----\\n"', base64(64)],
  ['Docker', '{"auths":{"ghcr.io":{"username":"bot","password":"§","auth":"§"}}}', letters(16), base64(36)],
  [
    'Docker in JSON',
    String.raw`"{\"auths\":{\"ghcr.io\":{\"password\":\"§\",\"auth\":\"§\"}}}"`,
    letters(16),
    base64(36)
  ],
  ['Docker as Go prints it', 'map[auths:map[ghcr.io:map[auth:§ password:§]]]', base64(36), letters(16)],
  ['a value of Helm', '--set db.password=§,db.user=a', letters(16)],
  ['a form of OAuth', 'grant_type=client_credentials&client_secret=§&scope=x', letters(31)],
  ['Google', 'key=§', letters(35).map((text) => `AIza${text}`)],
  ['Docker Hub', '§', letters(27).map((text) => `dckr_pat_${text}`)],
  ['Grafana', '§', fc.tuple(letters(32), hex(8)).map((parts) => `glsa_${parts.join('_')}`)],
  ['Pulumi', '§', hex(40).map((text) => `pul-${text}`)],
  ['Terraform Cloud', '§', fc.tuple(letters(14), letters(60)).map((parts) => parts.join('.atlasv1.'))]
]

const sentences = [
  'failed to fetch §: 403 Forbidden',
  'Get "§": dial tcp: lookup git.acme.dev: no such host',
  "unable to clone '§': authentication required",
  'Helm upgrade failed for release a/b with chart c@1.0.0: template: c/a.yaml:1:2: executing "a" at <.Values.a>: § is refused',
  'Deployment/a/b dry-run failed (Invalid): Deployment.apps "b" is invalid: spec.a: Invalid value: "§": must be a number',
  'error running Plan: rpc error: code = Internal desc = exit status 1\n\nError: §\n\n  on main.tf line 1\n',
  'Helm install failed: context deadline exceeded\n\nLast Helm logs:\n\ncreating 4 resource(s)\nwarning: § failed',
  'apply failed: §',
  `${'apply '.repeat(46)}§`
]

/** Everything that may be shown of a message: as text, in the gist, in what is posted. */
function shownOf(message: string): string {
  const involvedObject = { kind: 'Kustomization', namespace: 'apps', name: 'web' }
  const wire = {
    involvedObject,
    severity: 'error',
    timestamp: '2026-09-21T10:00:00Z',
    reason: 'Failed',
    message
  } as const
  const event = normalise(
    { ...wire, reportingController: 'kustomize-controller' },
    { source: 'a', cluster: undefined, defaultCluster: 'b' },
    1
  )
  const advanced = advance(undefined, event, 1)
  const view = createView(event, advanced, { mention: undefined, says: 'failed' }, { links: compileLinks([]).links })
  return JSON.stringify([redact(message), gistOf(event.object, 'Failed', message), view, composeOne(view)])
}

t.test('what an Alert or annotation has to show contains no secret either, and its links still work', async (t) => {
  const notes: [string, string][] = [
    ['see https://grafana.acme.dev/d/aB3dE5fG7hI9kL1mN3pQ5rS7/apps?orgId=1&var-namespace=apps', ''],
    ['https://docs.google.com/document/d/1aB3dE5fG7hI9kL1mN3pQ5rS7tU9vW1xY3zA5bC7dE9f/edit#heading=h.1', ''],
    [`https://bot:${secret}@wiki.acme.dev/shop?x=1`, 'https://wiki.acme.dev/shop?x=1'],
    [`https://wiki.acme.dev/shop?x=1&token=${secret}#top`, 'https://wiki.acme.dev/shop?x=1&token=…#top'],
    [`post to https://hooks.slack.com/services/T0/B0/${secret}`, 'post to https://hooks.slack.com/services/…'],
    [`password: ${secret}, see https://wiki.acme.dev/a`, 'password: …, see https://wiki.acme.dev/a'],
    [`ghp_${secret}`, '…'],
    ['payments', '']
  ]
  for (const [note, redacted] of notes) {
    t.equal(redactNote(note), redacted || note)
    const event = normalise(
      {
        involvedObject: { kind: 'Kustomization', namespace: 'apps', name: 'web' },
        severity: 'error',
        timestamp: '2026-09-21T10:00:00Z',
        reason: 'Failed',
        message: 'x',
        metadata: { summary: note, runbook: note }
      },
      { source: 'a', cluster: undefined, defaultCluster: 'b' },
      1
    )
    const advanced = advance(undefined, event, 1)
    const shown = { links: compileLinks([]).links, show: ['runbook'] }
    const view = createView(event, advanced, { mention: undefined, says: 'failed' }, shown)
    t.notMatch(JSON.stringify([view, composeOne(view)]), secret, note)
    t.equal(view.about, redacted || note)
  }
})

t.test('no secret that a message may contain is in any text made from it, not even in part', async (t) => {
  for (const [what, text, ...secrets] of written) {
    const property = fc.property(fc.tuple(...secrets), fc.constantFrom(...sentences), (values, sentence) => {
      let n = 0
      const filled = text.replaceAll('§', () => values[n++] ?? '')
      const shown = shownOf(sentence.replace('§', () => filled))
      return values.every((value) => !shown.includes(value.slice(0, 12)) && !shown.includes(value.slice(-12)))
    })
    const result = fc.check(property, { numRuns: 60, seed: 1 })
    t.notOk(result.failed, what, { counterexample: result.counterexample, error: String(result.errorInstance ?? '') })
  }
})
