// Release: its workflow can be trusted, publishes where one setting says, and describes itself in docs/release.md.
import { globSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { notesOf } from '../tools/release-notes.ts'
import { fc } from './fixtures/fc.ts'

const root = join(import.meta.dirname, '..')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const folder = join(root, '.github', 'workflows')

interface Step {
  uses?: string
  run?: string
  with?: Record<string, unknown>
  env?: Record<string, string>
}
interface Job {
  uses?: string
  permissions?: Record<string, string>
  steps?: Step[]
  needs?: string | string[]
  strategy?: { matrix: { include: { platform: string }[] } }
}
const jobsOf = (file: string): Record<string, Job> => parse(read(`.github/workflows/${file}`)).jobs
const release = jobsOf('release.yaml')

t.test("the notes of a release are CHANGELOG.md's section on it, whole and nothing else", async (t) => {
  const line = fc.stringMatching(/^[-a-z][a-z ]{0,20}$/)
  const version = fc.tuple(fc.nat(20), fc.nat(20), fc.nat(20)).map((parts) => parts.join('.'))
  const section = fc.record({ version, dated: fc.boolean(), lines: fc.array(line, { minLength: 1, maxLength: 4 }) })
  const property = fc.property(
    fc.uniqueArray(section, { minLength: 1, selector: ({ version }) => version }),
    (sections) => {
      const texts = sections.map(
        ({ version, dated, lines }) => `## ${version}${dated ? ' · 2026-11-28' : ''}\n\n${lines.join('\n')}\n`
      )
      const changelog = `# Changelog\n\n## Unreleased\n\n- x\n\n${texts.join('\n')}`
      return sections.every(({ version, lines }) => notesOf(version, changelog) === `${lines.join('\n').trim()}\n`)
    }
  )
  t.doesNotThrow(() => fc.assert(property))
})

for (const [what, changelog] of Object.entries({
  'no section': '## Unreleased\n\n- x\n',
  'a section of a longer version': '## 1.2.30\n\n- x\n',
  'an empty section': '## 1.2.3 · 2026-11-28\n\n## 1.2.2\n\n- x\n',
  'an empty last section': '## 1.2.3',
  'two sections': '## 1.2.3\n\n- x\n\n## 1.2.3\n\n- y\n'
})) {
  t.test(`there is no release if CHANGELOG.md has ${what}`, async (t) => {
    t.throws(() => notesOf('1.2.3', changelog), /CHANGELOG\.md/)
  })
}

for (const file of readdirSync(folder)) {
  t.test(`${file} runs nothing that somebody else can replace`, async (t) => {
    const text = read(`.github/workflows/${file}`)
    for (const [line, what = '', version = ''] of text.matchAll(/^.*\buses: (\S+)(.*)$/gm)) {
      if (what.startsWith('./')) continue
      t.match(what, /^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/, line)
      t.match(version, /^ # v\d+\.\d+\.\d+$/, `${line}: dependabot renews both`)
    }
    t.strictSame(parse(text).permissions, { contents: 'read' }, 'no job has more by itself')
    for (const { steps = [] } of Object.values(jobsOf(file))) {
      for (const { run = '', uses = '', with: options } of steps) {
        t.notMatch(run, /\$\{\{/, 'what comes from outside is a variable of the shell, never a part of its program')
        if (uses.startsWith('actions/checkout@')) t.match(options, { 'persist-credentials': false })
      }
    }
  })
}

t.test('dependabot updates actions and the base image', async (t) => {
  const { updates } = parse(read('.github/dependabot.yml'))
  const ecosystems = updates.map((entry: Record<string, string>) => entry['package-ecosystem']).sort()
  t.strictSame(ecosystems, ['docker', 'github-actions', 'npm'])
})

t.test('the image is built on a pinned base with the same Node that the tests run on', async (t) => {
  const bases = [...read('Dockerfile').matchAll(/^FROM (\S+)/gm)].map(([, base = '']) => base)
  const [first = ''] = bases
  t.match(first, /^node:\d+\.\d+\.\d+-slim@sha256:[0-9a-f]{64}$/)
  t.strictSame(
    bases.filter((base) => base !== 'base' && base !== first),
    []
  )
  const [major] = JSON.parse(read('runtime/package.json')).version.split('.')
  t.equal(/^node:(\d+)/.exec(first)?.[1], major)
  const { image } = jobsOf('ci.yml')
  t.ok(
    image?.steps?.some(({ run = '' }) => run.startsWith('docker build ')),
    'a new one is built before it is merged'
  )
})

t.test('everything that a relay loads late is compiled in the image', (t) => {
  const dockerfile = read('Dockerfile')
  // Commands, and what only they load, do not run long enough to benefit.
  const files = globSync('{src,routes}/**/*.ts', { cwd: root }).filter(
    (file) => !/^src\/(cli|demo|store\/verify)\b/.test(file)
  )
  const late = files.flatMap((file) =>
    [...read(file).matchAll(/(?<!typeof |: )\bimport\('(\.[^']+)\.ts'\)/g)].map(([, to = '']) =>
      join(dirname(file), to)
    )
  )
  t.ok(late.length > 5)
  for (const file of late) t.ok(dockerfile.includes(`'${file}'`), file)
  t.end()
})

t.test('only the job that signs can sign, and only the one that makes the release can write', async (t) => {
  const withPermission = (name: string, value: string) =>
    Object.keys(release).filter((job) => release[job]?.permissions?.[name] === value)
  t.strictSame(withPermission('id-token', 'write'), ['artifacts'])
  t.strictSame(withPermission('contents', 'write'), ['release'])
  const tags = parse(read('.github/workflows/release.yaml')).on
  t.strictSame(tags, { push: { tags: ['v*'] } }, 'nothing but a tag starts it: the identity says which')
})

t.test('the image is for two architectures, with an SBOM and its provenance', async (t) => {
  t.strictSame(
    release['image']?.strategy?.matrix.include.map(({ platform }) => platform),
    ['amd64', 'arm64']
  )
  const build = release['image']?.steps?.find(({ uses }) => uses?.startsWith('docker/build-push-action@'))
  t.match(build?.with, { provenance: 'mode=max', sbom: true, platforms: 'linux/${{ matrix.platform }}' })
  const dockerfile = read('Dockerfile')
  const built = String(build?.with?.['build-args'])
  for (const [, name] of built.matchAll(/^(\w+)=/gm)) t.match(dockerfile, new RegExp(`^ARG ${name}=`, 'm'))
})

t.test('the list of npm packages is complete and describes what the image installs', async (t) => {
  const script = read('.ci/sbom')
  const [, install = ''] = /RUN (npm ci .*?) &&/.exec(read('Dockerfile')) ?? []
  t.match(install, /--omit=dev/)
  t.ok(script.includes(install), 'as in the Dockerfile')
  t.match(script, /npm pkg delete devDependencies\nnpm sbom --sbom-format cyclonedx\n$/)
  for (const file of ['ci.yml', 'release.yaml']) {
    const runs = Object.values(jobsOf(file)).flatMap(({ steps = [] }) => steps.flatMap(({ run = '' }) => run))
    if (file === 'ci.yml') t.ok(runs.some((run) => run.includes('bash .ci/sbom') && run.includes('.dependencies')))
    else t.ok(runs.some((run) => run.includes('bash .ci/sbom > sbom.json')))
    t.notMatch(runs.join('\n'), /npm sbom/, 'which by itself leaves out what development needs as well')
  }
})

t.test('everything that is pushed is signed, by its digest', async (t) => {
  const runs = (release['artifacts']?.steps ?? []).flatMap(({ run = '' }) => run)
  const pushing = runs.filter((run) => /imagetools create|helm push|flux push/.test(run))
  t.equal(pushing.length, 3)
  for (const run of pushing) t.match(run, /cosign sign --yes "\$IMAGE[\w/-]*@\$digest"\n?$/)
})

t.test('nothing is pushed before CI has passed and notes and version exist', async (t) => {
  const before = (job: string): string[] =>
    [release[job]?.needs ?? []].flat().flatMap((each) => [each, ...before(each)])
  const pushes = Object.keys(release).filter((job) => release[job]?.permissions?.['packages'] === 'write')
  t.strictSame(pushes, ['image', 'artifacts'])
  for (const job of [...pushes, 'release']) {
    for (const first of ['ci', 'notes']) t.ok(before(job).includes(first), `${job} after ${first}`)
  }
  t.equal(release['ci']?.uses, './.github/workflows/ci.yml')
  t.ok('workflow_call' in parse(read('.github/workflows/ci.yml')).on)
})

t.test('one setting says where everything is published', async (t) => {
  const text = read('.github/workflows/release.yaml')
  t.strictSame(text.match(/\bvars\.IMAGE\b/g)?.length, 1)
  const addresses = text.replace(/^ *#.*$/gm, '').match(/\b(?:oci|https?):\/\/[^\s"]+/g)
  for (const address of addresses ?? []) t.match(address, /^oci:\/\/\$IMAGE\//)
})

t.test('users verify exactly what the workflow signs with', async (t) => {
  const { version } = JSON.parse(read('package.json'))
  const page = read('docs/release.md')
  const [, identity = ''] = /--certificate-identity (\S+)/.exec(page) ?? []
  t.equal(identity, `https://github.com/acme/flux-relay/.github/workflows/release.yaml@refs/tags/v${version}`)
  const tags = [...page.matchAll(/flux-relay:(\d[\w.]*)|\$what:([\w.]+)/g)].map(([, a, b]) => a ?? b)
  t.strictSame([...new Set(tags)], [version])
  const [, issuer = ''] = /--certificate-oidc-issuer (\S+)/.exec(page) ?? []
  for (const name of ['deploy/README.md', 'deploy/chart/README.md']) {
    const [, text = ''] = /matchOIDCIdentity:\n([\s\S]*?)(?:---|```)/.exec(read(name)) ?? []
    const [accepted] = parse(text)
    t.match(identity, new RegExp(accepted.subject), name)
    t.match(issuer, new RegExp(accepted.issuer), name)
    for (const other of [
      identity.replace('/tags/', '/heads/'),
      identity.replace('release.yaml', 'ci.yml'),
      identity.replace('flux-relay/', 'flux-relay2/'),
      `${identity}-evil`
    ]) {
      t.notMatch(other, new RegExp(accepted.subject), other)
    }
  }
  for (const where of ['charts/flux-relay', 'manifests']) {
    t.match(page, `flux-relay/${where}`)
    t.match(
      read('deploy/README.md') + read('deploy/chart/README.md'),
      `oci://registry.example.com/flux-relay/${where}\n`
    )
  }
})
