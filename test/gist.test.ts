// Gist: one line says what is wrong, within what a lock screen shows, for messages that Flux's controllers really send.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { commitSubjectOf } from '../src/events/commit-subject.ts'
import { gistOf, maxGist } from '../src/events/gist.ts'
import { anyCharacters, fc } from './fixtures/fc.ts'

interface Case {
  object: string
  reason: string
  message: string
  /** Expected within the first 90 characters. */
  says: string[]
  never?: string[]
}

const corpus = join(import.meta.dirname, 'corpus')
const files = readdirSync(corpus).filter((name) => name.startsWith('gists-'))
const casesOf = (name: string) => parse(readFileSync(join(corpus, name), 'utf8')) as Case[]
const cases = files.flatMap(casesOf)

function objectOf(text: string) {
  const [kind = '', path = ''] = text.split(' ')
  const [namespace = '', name = ''] = path.split('/')
  return { cluster: 'prod', kind, namespace, name }
}

const object = objectOf('Kustomization apps/web')
const gist = (message: string, of = object) => gistOf(of, '', message)

/** The cases whose gist is wrong, with that gist. */
function wrongOf(cases: readonly Case[]) {
  return cases.flatMap(({ object, reason, message, says, never = [] }) => {
    const { what } = gistOf(objectOf(object), reason, message)
    const head = [...what].slice(0, 90).join('')
    const faults = [...says.filter((words) => !head.includes(words)), ...never.filter((words) => what.includes(words))]
    return faults.length === 0 ? [] : [{ object, what, faults }]
  })
}

t.test('98 of 100 messages have the right gist within 90 characters', async (t) => {
  const wrong = wrongOf(cases)
  const share = (cases.length - wrong.length) / cases.length
  t.comment(`${cases.length - wrong.length} of ${cases.length} right: ${(100 * share).toFixed(1)} %`)
  for (const one of wrong) t.comment(JSON.stringify(one))
  t.ok(cases.length >= 790)
  t.ok(share >= 0.98, `${wrong.length} are wrong`)
})

t.test('the gist is right for terraform, values behind a colon, and nested errors', async (t) => {
  t.same(wrongOf(casesOf('gists-real9.yaml')), [])
})

t.test('the gist is right for lists, answers of Vault, locks and conflicts', async (t) => {
  t.same(wrongOf(casesOf('gists-real10.yaml')), [])
})

t.test(
  'the gist is right for texts over several lines, failures among waiting objects, and policies by name',
  async (t) => {
    t.same(wrongOf(casesOf('gists-real11.yaml')), [])
  }
)

t.test('the gist is right for policies in other languages, bodies, lists and unknown states', async (t) => {
  t.same(wrongOf(casesOf('gists-real12.yaml')), [])
})

t.test('the gist is right for registries that are asked twice, nested lists, and every kind of object', async (t) => {
  t.same(wrongOf([...casesOf('gists-real13.yaml'), ...casesOf('gists-real14.yaml')]), [])
})

t.test(
  'of sources, terraform in clouds, canaries and what programs write for machines, each is said right',
  async (t) => {
    t.same(wrongOf(casesOf('gists-real16.yaml')), [])
  }
)

t.test('texts that people quote in issues, posts and runbooks have the right gist', async (t) => {
  t.same(wrongOf(casesOf('gists-real17.yaml')), [])
})

t.test('however long a log is, the error that it ends in is said', async (t) => {
  for (const lines of [1, 100, 450, 1700, 20_000]) {
    const log = (line: string) => Array.from({ length: lines }, (_, at) => line.replace('§', `${at}`)).join('\n')
    const told = gist(`${log('copied file §')}\nERROR cannot write app.js: quota used up`).what
    t.equal(told, 'cannot write app.js: quota used up', `${lines} lines, loud`)
    t.equal(gist(`${log('step § done')}\nupload failed: disk full`).what, 'upload failed: disk full', `${lines} lines`)
  }
})

t.test(
  'of kinds that clouds bring, keys of SOPS, policies, schemas, pruning and charts, each is said right',
  async (t) => {
    t.same(wrongOf(casesOf('gists-real15.yaml')), [])
  }
)

t.test(
  'of several objects that Helm waits for, why one of a kind that is not of Kubernetes is not ready is said',
  async (t) => {
    const lines = [
      'resource Deployment/db/web not ready. status: InProgress, message: Available: 0/1',
      'resource Bucket//logs not ready. status: InProgress, message: creating the bucket: Access Denied',
      'context deadline exceeded'
    ]
    const message = `Helm install failed for release db/all with chart all@1.0.3: ${lines.join('\n')}`
    const { what, notReady } = gist(message, objectOf('HelmRelease db/all'))
    t.equal(
      what,
      'install: 2 objects not ready: Deployment web, Bucket logs (Bucket logs: creating the bucket: Access Denied)'
    )
    t.match(notReady?.waiting[1], { kind: 'Bucket', namespace: '', name: 'logs' })
  }
)

t.test('a gist says that there is more than one error, however long the first is', async (t) => {
  const fields = `'replicas', 'ordinals', 'template', 'updateStrategy', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds'`
  const first = `cannot patch "web" with kind StatefulSet: StatefulSet.apps "web" is invalid: spec: Forbidden: updates to statefulset spec for fields other than ${fields} are forbidden`
  const claim =
    'cannot patch "db" with kind PersistentVolumeClaim: PersistentVolumeClaim "db" is invalid: spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n  core.PersistentVolumeClaimSpec{\n- \tStorageClassName: &"gp2",\n+ \tStorageClassName: &"gp3",\n  }\n'
  const second =
    'cannot patch "hpa" with kind HorizontalPodAutoscaler: HorizontalPodAutoscaler.autoscaling "hpa" is invalid: x'
  const report = (title: string) =>
    `Error: ${title}\n\n  with module.a,\n  on main.tf line 1, in resource "a" "a":\n   1: resource\n\n`
  const reports = `error running Apply: rpc error: code = Internal desc = exit status 1\n\n${report('deleting EC2 VPC: api error DependencyViolation: it has dependencies')}${report('creating S3 Bucket (b): api error BucketAlreadyExists: it exists')}`
  t.equal(
    gist(reports, objectOf('Terraform infra/vpc')).what,
    'deleting EC2 VPC: api error DependencyViolation: it has dependencies (and 1 more)'
  )
  const list = [
    'is invalid: spec.selector: Required value',
    'already exists',
    'calling webhook "v": context deadline exceeded'
  ]
  const install = `Helm install failed for release shop/web with chart web@1.2.3: 3 errors occurred:${list.map((item) => `\n\t* services "a" ${item}`).join('')}\n\n`
  t.match(gist(install, objectOf('HelmRelease shop/web')).what, / \(and 2 more\)$/)
  for (const one of [first, claim]) {
    const message = `Helm upgrade failed for release shop/web with chart web@1.2.3: ${one} && ${second}`
    const { what } = gist(message, objectOf('HelmRelease shop/web'))
    t.match(what, / \(and 1 more\)$/)
    t.ok(what.length <= maxGist)
  }
})

t.test('the reason why one of many has an unknown state is given behind their names', async (t) => {
  const unknown = `XPostgres/db/main status: 'Unknown': failed to evaluate the CEL expression 'status.conditions[0].status == "True"': no such key: conditions`
  const message = `health check failed after 30.003s: timeout waiting for: [${unknown}, XRedis/db/main status: 'InProgress']`
  t.match(gist(message).what, 'XPostgres db/main, XRedis db/main (XPostgres db/main: no such key: conditions')
})

t.test('what does not fit before the cause is said behind it', async (t) => {
  const said = (message: string) => gist(message).what
  t.equal(
    said(
      'Composition/xobjectstoragebuckets.storage.estate.io dry-run failed: failed to create typed patch object (/xobjectstoragebuckets.storage.estate.io; apiextensions.crossplane.io/v1, Kind=Composition): .spec.resources: field not declared in schema'
    ),
    'field not declared in schema (Composition xobjectstoragebuckets.storage.estate.io) (.spec.resources)'
  )
  t.equal(
    said(
      'cannot patch "cleanuppolicies.kyverno.io" with kind CustomResourceDefinition: CustomResourceDefinition.apiextensions.k8s.io "cleanuppolicies.kyverno.io" is invalid: status.storedVersions[1]: Invalid value: "v2beta1": must appear in spec.versions'
    ),
    'CustomResourceDefinition cleanuppolicies.kyverno.io: must appear in spec.versions (status.storedVersions[1]: "v2beta1")'
  )
  t.equal(
    said(
      'Helm install failed for release test/ned with chart ned@0.1.0: YAML parse error on ned/templates/valuetest.yaml: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal string into Go value of type releaseutil.SimpleHead'
    ),
    'install of ned 0.1.0: cannot unmarshal string into Go value of type releaseutil.SimpleHead (ned/templates/valuetest.yaml)'
  )
})

t.test('for a health check, failed objects are named, and waiting ones are counted', async (t) => {
  const entries = Array.from({ length: 89 }, (_, at) => `Deployment/apps/app-${at} status: 'InProgress'`)
  entries.splice(60, 0, "Job/apps/migrate status: 'Failed'")
  const { what, notReady } = gist(`health check failed after 5m0.01s: timeout waiting for: [${entries.join(', ')}]`)
  t.equal(what, 'Job migrate failed; 89 more not ready after 5 m')
  t.same(notReady?.failed, [{ kind: 'Job', namespace: 'apps', name: 'migrate', status: 'Failed' }])
  t.match(notReady, { failedCount: 1, waitingCount: 89, afterMs: 300_000 })
  t.equal(notReady?.waiting.length, 20, 'no more than there is room for')
})

t.test('each image of an update is named, with its old and new version', async (t) => {
  const message = [
    "pushed commit '731f7ea' to branch 'main'",
    'Automated image update',
    '- ghcr.io/acme/web:2.4.0 -> ghcr.io/acme/web:2.4.1',
    '- registry:5000/api:1.0@sha256:e3b0c44298fc -> registry:5000/api:1.1@sha256:a3b0c44298fc'
  ].join('\n')
  const { what, images } = gist(message, objectOf('ImageUpdateAutomation flux-system/apps'))
  t.equal(what, 'web 2.4.0 → 2.4.1, api 1.0 → 1.1 pushed to main (731f7ea)')
  t.same(images, [
    { name: 'web', from: '2.4.0', to: '2.4.1' },
    { name: 'api', from: '1.0', to: '1.1' }
  ])
})

t.test('the log of Helm has at most five lines, without time stamps, and equal lines once', async (t) => {
  const log = [
    '2026-11-28T10:00:12.123456789Z: creating 4 resource(s)',
    '2026-11-28T10:00:12.223456789Z: Patch Deployment "ledger" in namespace payments',
    '2026-11-28T10:00:13.223456789Z: Patch Service "ledger" in namespace payments',
    '2026-11-28T10:00:13.323456789Z: beginning wait for 4 resources with timeout of 5m0s',
    '2026-11-28T10:00:14.123456789Z: Deployment is not ready: payments/ledger. 0 out of 2 expected pods are ready (147 duplicate lines omitted)',
    '2026-11-28T10:05:11.123456789Z: Deployment is not ready: payments/ledger. 0 out of 2 expected pods are ready',
    '2026-11-28T10:05:12.123456789Z: warning: Upgrade "ledger" failed: context deadline exceeded'
  ]
  const message = `Helm upgrade failed for release payments/ledger with chart ledger@3.14.1: context deadline exceeded\n\nLast Helm logs:\n\n${log.join('\n')}`
  t.same(gist(message, objectOf('HelmRelease payments/ledger')).log, [
    'Patch Deployment "ledger" in namespace payments',
    'Patch Service "ledger" in namespace payments',
    'beginning wait for 4 resources with timeout of 5m0s',
    'Deployment is not ready: payments/ledger. 0 out of 2 expected pods are ready (×149)',
    'warning: Upgrade "ledger" failed: context deadline exceeded'
  ])
})

t.test('each applied object is known', async (t) => {
  const { what, objects } = gist('Service/apps/a created\nJob/apps/c deleted\nNamespace/b created')
  t.equal(what, '1 deleted: Job c; 2 created: Service a, Namespace b')
  t.match(objects, [{ kind: 'Service', name: 'a', action: 'created' }, { name: 'c' }, { kind: 'Namespace', name: 'b' }])
})

t.test('the subject of a commit is that of the stored one', async (t) => {
  const of = (kind: string, message: string) => commitSubjectOf({ object: objectOf(`${kind} apps/web`), message })
  t.equal(of('GitRepository', "stored artifact for commit 'shop: it's new (#412)'"), "shop: it's new (#412)")
  t.equal(of('GitRepository', "stored artifact for commit 'a\u0007\nb'"), 'a b')
  t.equal(of('GitRepository', "stored artifact for commit 'ghp_abcdefghijklmnopqrstuvwxyz012345'"), '…')
  t.equal(of('OCIRepository', "stored artifact for commit 'a'"), undefined)
  t.equal(of('GitRepository', "unable to clone 'a'"), undefined)
})

t.test('an empty message has no gist', async (t) => t.strictSame(gist(' \n '), { what: '' }))

const parts = [
  ...[
    'Helm upgrade failed for release a/b with chart c@1: ',
    'health check failed after 5m0s: timeout waiting for: [',
    '\n\nLast Helm logs:\n'
  ],
  ...[
    "Deployment/a/b status: 'Failed'",
    ', ',
    ': ',
    '"',
    "'",
    '(',
    ')',
    '[',
    ']',
    '{',
    '<',
    '>',
    '://',
    '/',
    '@',
    '\n',
    '\t* ',
    '| ',
    '; '
  ],
  ...[
    '2 errors occurred:',
    'accumulating resources from ',
    'denied the request:',
    "pushed commit '731f7ea' to branch 'main'\n",
    'a:1 -> a:2'
  ],
  ...[
    '\u001b[31m',
    '\u202e',
    '\u2028',
    '\u0000',
    '\ud800',
    '🔴',
    'error',
    'Deployment/a/b configured',
    'Plan: 1 to add',
    'template: a:1:2: executing "a" at <b>: '
  ]
]
const anything = fc.oneof(
  anyCharacters({ maxLength: 300 }),
  fc
    .array(fc.oneof(fc.constantFrom(...parts), fc.string({ maxLength: 20 })), { maxLength: 60 })
    .map((all) => all.join(''))
)
const anyObject = fc.record({ cluster: fc.constant('c'), kind: fc.string(), namespace: fc.string(), name: fc.string() })

/** Line ends, control characters, and marks that reorder or hide text. */
const illegible = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/

t.test('whatever the message is, the gist is one line, legible and short', async () => {
  fc.assert(
    fc.property(anyObject, anything, (object, message) => {
      const { what, log = [], images = [], notReady, objects = [] } = gistOf(object, 'Failed', message)
      const names = [...(notReady?.failed ?? []), ...(notReady?.waiting ?? []), ...objects].flatMap((one) =>
        Object.values(one)
      )
      const texts = [what, ...log, ...images.flatMap((image) => Object.values(image)), ...names]
      return (
        what.length <= maxGist &&
        log.length <= 5 &&
        texts.every((text) => text.isWellFormed() && !illegible.test(text)) &&
        what === what.trim()
      )
    }),
    { numRuns: 2000 }
  )
})

t.test('no part of a gist contains a secret', async () => {
  const secret = 'Zq8Rt5Lm2Xw9Kp4Vn7Bc3Jd6'
  const forms = fc.constantFrom(
    `https://me:${secret}@acme.dev/a`,
    `https://acme.dev/a?X-Amz-Signature=${secret}&a=b`,
    `ghp_${secret}`,
    `Authorization: Bearer ${secret}`,
    `"password": "${secret}"`
  )
  const around = fc.array(fc.constantFrom(...parts, 'word '), { maxLength: 20 }).map((all) => all.join(''))
  fc.assert(
    fc.property(around, forms, around, fc.boolean(), (before, form, after, isLong) => {
      const message = `${before} ${form} ${after}${isLong ? ` ${'x y\n'.repeat(20_000)} ${form}` : ''}`
      return !JSON.stringify(gist(message)).includes(secret)
    }),
    { numRuns: 300 }
  )
})

t.test('of three megabytes only both ends are read, so the work is bounded, whatever they are made of', async (t) => {
  const units = [
    ...parts,
    'a',
    ' ',
    'a/b created\n',
    'a.',
    'A/b-',
    'a: ',
    '"a": ',
    'arn:aws:',
    '- ',
    'is forbidden: ',
    'x: failed\n',
    '{"error": ',
    '{"message": "',
    '{"code":"message":"a',
    'Deployment web: ',
    '; A b: a ',
    'spec.a: ',
    'resource a was blocked due to the following policies\n',
    'failed to create typed patch object (a; ',
    'dry-run failed, reason: '
  ]
  for (const [index, unit] of units.entries()) {
    const end = unit.repeat(100_000 / unit.length)
    const [one, other] = ['x', 'y'].map((middle) => gist(`${end} ${middle.repeat(2_800_000)} ${end}: failed`))
    t.same(one, other, `part ${index}`)
  }
})
