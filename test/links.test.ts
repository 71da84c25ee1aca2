// Links: lead to the right page or are left out, whatever is in an event and whatever the config says.
import t from 'tap'
import { normalise } from '../src/events/flux.ts'
import { compileLinks } from '../src/render/links/links.ts'
import type { GitHost } from '../src/render/links/repository.ts'
import { compileUrl, type Variables } from '../src/render/template/liquid.ts'
import { cpuMs } from './fixtures/cpu.ts'

const variables: Variables = new Set(['object.kind', 'object.name', 'revision.sha', 'previous.sha'])
const context = {
  object: { kind: 'HelmRelease', name: 'a b/c?d&e=#"<>|%日本\ud800' },
  revision: { sha: 'abc1234' },
  previous: {},
  metadata: { team: 'payments', 'a/b': '../..', file: './package.json', long: 'x'.repeat(2000) }
}

function compile(text: string) {
  const template = compileUrl(text, variables)
  if ('error' in template) throw new Error(`${text}: ${template.error}`)
  return template
}

t.test('a value is percent-encoded, so that it stays one part of the URL', async (t) => {
  const cases: [template: string, url: string | undefined][] = [
    ['https://x.example/{{ revision.sha }}', 'https://x.example/abc1234'],
    [
      'https://x.example/{{ object.name }}',
      'https://x.example/a%20b%2Fc%3Fd%26e%3D%23%22%3C%3E%7C%25%E6%97%A5%E6%9C%AC%EF%BF%BD'
    ],
    ['https://x.example/{{ object.kind | downcase }}', 'https://x.example/helmrelease'],
    ['https://x.example/{{ object.kind | slice: 0, 4 | upcase }}', 'https://x.example/HELM'],
    ['https://x.example/{{ metadata.team }}/{{ metadata["a/b"] }}', 'https://x.example/payments/..%2F..'],
    ['https://x.example/{% if object.kind == "HelmRelease" %}hr{% else %}ks{% endif %}', 'https://x.example/hr'],
    ['https://x.example/{% assign k = object.kind | downcase %}{{ k }}', 'https://x.example/helmrelease'],
    ['https://x.example/plain', 'https://x.example/plain']
  ]
  for (const [template, url] of cases) t.equal(compile(template).render(context), url, template)
})

t.test('an empty variable never leads to half a URL', async (t) => {
  for (const variable of ['previous.sha', 'metadata.no_such_key', 'metadata["constructor"]', 'metadata.__proto__']) {
    t.equal(compile(`https://x.example/{{ ${variable} }}`).render(context), undefined, variable)
  }
  t.equal(compile('https://x.example/{{ previous.sha }}...{{ revision.sha }}').render(context), undefined, 'one of two')
})

t.test('a mistake in a template is reported when the config loads, with its place', async (t) => {
  const cases: [template: string, error: string | RegExp, at: string][] = [
    ['https://x.example/{{ object.nme }}', /^unknown variable "object.nme"; there are object.kind, /, 'object.nme'],
    ['https://x.example/sha/{{ sha }}', /^unknown variable "sha"/, 'sha }}'],
    ['https://x.example/object/{{ object }}', /^unknown variable "object"/, 'object }}'],
    ['https://x.example/{{ object.name.first }}', /^unknown variable "object.name.first"/, 'object.name.first'],
    ['https://x.example/{{ metadata.a.b }}', /^unknown variable "metadata.a.b"/, 'metadata.a.b'],
    [
      'https://x.example/{{ object.name | lower }}',
      'there is no filter "lower"; did you mean "downcase"?',
      '{{ object.name'
    ],
    [
      'https://x.example/{{ object.name | downcase | nope }}',
      'there is no filter "nope"; did you mean "pop"?',
      '{{ object.name'
    ],
    ['https://x.example/{% fro i in (1..2) %}', 'there is no tag "fro"', '{% fro'],
    ['https://x.example/{% if object.name %}x', '{% if %} is never closed with {% endif %}', '{% if'],
    ['https://x.example/{{ object.name', 'this {{ is never closed with }}', '{{ object.name']
  ]
  for (const [template, error, at] of cases) {
    const compiled = compileUrl(template, variables)
    const found = 'error' in compiled ? compiled : { error: 'none', offset: -1 }
    t.match(found.error, error, template)
    t.equal(found.offset, template.indexOf(at), `${template}: its place`)
  }
  const twice = 'https://x.example/{{ revision.sha }}/{{ sha }}'
  const offset = twice.lastIndexOf('sha')
  t.match(compileUrl(twice, variables), { offset }, 'and not of a known one')
})

t.test('no template reads a file', async (t) => {
  for (const tag of ['include', 'render', 'layout']) {
    const byName = compileUrl(`https://x.example/{% ${tag} "./package.json" %}`, variables)
    t.match(byName, { error: /cannot include another/ }, `${tag} of a file by its name`)
    const byValue = compile(`https://x.example/{% ${tag} metadata.file %}`)
    t.equal(byValue.render(context), undefined, `${tag} of a file that an event names`)
  }
})

t.test('a link that would never end, fill the memory, or fail is left out at once', async (t) => {
  const templates = [
    'https://x.example/{% for i in (1..1000000000) %}x{% endfor %}',
    'https://x.example/{% for i in (1..10000) %}{% for j in (1..10000) %}{% endfor %}{% endfor %}',
    'https://x.example/{% tablerow i in (1..1000000000) %}x{% endtablerow %}',
    'https://x.example/{{ metadata.long | replace: "x", metadata.long | replace: "x", metadata.long }}',
    'https://x.example/{{ object.name | url_decode }}'
  ]
  for (const template of templates) {
    const start = cpuMs()
    t.equal(compile(template).render(context), undefined, template)
    t.ok(cpuMs() - start < 1000, 'within a second')
  }
})

const sha = '8bd5de26c3f0a5cc5e1ab0e9b8c1a3dd1e6b7f3c'
const previousSha = '731f7eaddfb6af01cb2173e18f0f75b0ba780ef1'

function event(name: string, metadata: Record<string, string> = { revision: `main@sha1:${sha}` }) {
  return normalise(
    {
      involvedObject: { kind: 'Kustomization', namespace: 'apps', name },
      severity: 'info',
      timestamp: null,
      message: '',
      metadata
    },
    { source: 'default', cluster: undefined, defaultCluster: 'prod-eu' },
    0
  )
}

function linksOf(entries: Parameters<typeof compileLinks>[0]) {
  const { links, faults } = compileLinks(entries)
  t.strictSame(faults, [])
  return links
}

t.test('the first entry that matches an event and has a link decides', async (t) => {
  const links = linksOf([
    { match: { name: 'web-*' }, commit: 'https://web.example/{{ revision.sha }}' },
    { match: { when: 'object.name == "web-1"' }, dashboard: 'https://one.example/{{ object.name }}' },
    { commit: 'https://rest.example/{{ revision.sha }}', dashboard: 'https://rest.example/{{ object.name }}' }
  ])
  t.strictSame(links.of(event('web-1'), ''), {
    commit: `https://web.example/${sha}`,
    dashboard: 'https://one.example/web-1'
  })
  t.strictSame(links.of(event('web-2'), ''), {
    commit: `https://web.example/${sha}`,
    dashboard: 'https://rest.example/web-2'
  })
  t.strictSame(links.of(event('db'), ''), {
    commit: `https://rest.example/${sha}`,
    dashboard: 'https://rest.example/db'
  })
})

t.test('a change of revision links to a comparison if there was a previous one', async (t) => {
  const links = linksOf([{ compare: 'https://git.example/{{ previous.sha }}...{{ revision.sha }}' }])
  const before = `main@sha1:${previousSha}`
  t.strictSame(links.of(event('web'), before), {
    previous: { text: 'main@731f7ea', url: `https://git.example/${previousSha}...${sha}` }
  })
  t.strictSame(links.of(event('web'), ''), {}, 'nothing was known')
  t.strictSame(links.of(event('web'), `main@sha1:${sha}`), {}, 'the same again')
  t.strictSame(
    links.of(event('web', { revision: '6.5.4' }), '6.5.3'),
    { previous: { text: '6.5.3' } },
    'chart versions'
  )
  t.strictSame(links.of(event('web', {}), before), {}, 'an event without a revision')
})

t.test('no value of an event turns its link into another kind of link', async (t) => {
  const metadata = { revision: 'main', scheme: 'javascript:alert(1)//', host: 'evil.example' }
  const links = linksOf([
    { dashboard: 'https://{{ metadata.host }}.apps.example/', commit: 'https:{{ metadata.scheme }}' }
  ])
  t.strictSame(links.of(event('web', metadata), ''), { dashboard: 'https://evil.example.apps.example/' })
  const raw = linksOf([{ dashboard: '{{ metadata.scheme | raw }}', commit: 'javascript:alert(1)' }])
  t.strictSame(raw.of(event('web', metadata), ''), {}, 'not even where the config asks for it')
})

t.test('every mistake in the links is reported, each with its own place', async (t) => {
  const { faults } = compileLinks([
    { commit: 'https://x.example/{{ nope }}', dashboard: 'https://x.example/{{ object.name | nope }}' },
    { match: { when: 'object.nme == "x"' }, compare: 'https://x.example/{{ previous.sha }}' }
  ])
  t.match(faults, [
    { path: ['links', 0, 'commit'], message: /^unknown variable "nope"/, offset: 21 },
    { path: ['links', 0, 'dashboard'], message: 'there is no filter "nope"; did you mean "pop"?', offset: 18 },
    { path: ['links', 1, 'match', 'when'], message: /^object has no field "nme"/ }
  ])
})

t.test('the pages of a commit and of a change follow from the address of the repository', async (t) => {
  const [a, b] = [previousSha, sha]
  const cases: [repository: string, host: GitHost | undefined, commit: string, compare: string][] = [
    [
      'https://github.com/acme/fleet',
      undefined,
      `https://github.com/acme/fleet/commit/${b}`,
      `https://github.com/acme/fleet/compare/${a}...${b}`
    ],
    [
      'https://github.acme.dev/ops/fleet.git/',
      undefined,
      `https://github.acme.dev/ops/fleet/commit/${b}`,
      `https://github.acme.dev/ops/fleet/compare/${a}...${b}`
    ],
    [
      'ssh://git@github.com/acme/fleet',
      undefined,
      `https://github.com/acme/fleet/commit/${b}`,
      `https://github.com/acme/fleet/compare/${a}...${b}`
    ],
    [
      'git@github.com:acme/fleet.git',
      undefined,
      `https://github.com/acme/fleet/commit/${b}`,
      `https://github.com/acme/fleet/compare/${a}...${b}`
    ],
    [
      'https://gitlab.com/acme/ops/fleet',
      undefined,
      `https://gitlab.com/acme/ops/fleet/-/commit/${b}`,
      `https://gitlab.com/acme/ops/fleet/-/compare/${a}...${b}`
    ],
    [
      'ssh://git@gitlab.acme.dev:2222/ops/fleet.git',
      undefined,
      `https://gitlab.acme.dev/ops/fleet/-/commit/${b}`,
      `https://gitlab.acme.dev/ops/fleet/-/compare/${a}...${b}`
    ],
    [
      'https://code.acme.dev:8443/git/ops/fleet',
      'gitlab',
      `https://code.acme.dev:8443/git/ops/fleet/-/commit/${b}`,
      `https://code.acme.dev:8443/git/ops/fleet/-/compare/${a}...${b}`
    ],
    [
      'https://bitbucket.org/acme/fleet',
      undefined,
      `https://bitbucket.org/acme/fleet/commits/${b}`,
      `https://bitbucket.org/acme/fleet/branches/compare/${b}%0D${a}#diff`
    ],
    [
      'https://bitbucket.acme.dev/scm/OPS/fleet.git',
      undefined,
      `https://bitbucket.acme.dev/projects/OPS/repos/fleet/commits/${b}`,
      `https://bitbucket.acme.dev/projects/OPS/repos/fleet/compare/diff?sourceBranch=${b}&targetBranch=${a}`
    ],
    [
      'ssh://git@stash.acme.dev:7999/~jane/fleet.git',
      'bitbucket-server',
      `https://stash.acme.dev/users/jane/repos/fleet/commits/${b}`,
      `https://stash.acme.dev/users/jane/repos/fleet/compare/diff?sourceBranch=${b}&targetBranch=${a}`
    ],
    [
      'https://acme.dev/bitbucket/projects/OPS/repos/fleet',
      'bitbucket-server',
      `https://acme.dev/bitbucket/projects/OPS/repos/fleet/commits/${b}`,
      `https://acme.dev/bitbucket/projects/OPS/repos/fleet/compare/diff?sourceBranch=${b}&targetBranch=${a}`
    ],
    [
      'https://acme.dev/bitbucket/scm/OPS/fleet.git',
      'bitbucket-server',
      `https://acme.dev/bitbucket/projects/OPS/repos/fleet/commits/${b}`,
      `https://acme.dev/bitbucket/projects/OPS/repos/fleet/compare/diff?sourceBranch=${b}&targetBranch=${a}`
    ],
    [
      'https://codeberg.org/acme/fleet',
      undefined,
      `https://codeberg.org/acme/fleet/commit/${b}`,
      `https://codeberg.org/acme/fleet/compare/${a}...${b}`
    ],
    [
      'https://forgejo.acme.dev/ops/fleet',
      undefined,
      `https://forgejo.acme.dev/ops/fleet/commit/${b}`,
      `https://forgejo.acme.dev/ops/fleet/compare/${a}...${b}`
    ],
    [
      'https://acme@dev.azure.com/acme/ops/_git/fleet',
      undefined,
      `https://dev.azure.com/acme/ops/_git/fleet/commit/${b}`,
      `https://dev.azure.com/acme/ops/_git/fleet/branchCompare?baseVersion=GC${a}&targetVersion=GC${b}`
    ],
    [
      'git@ssh.dev.azure.com:v3/acme/ops/fleet',
      undefined,
      `https://dev.azure.com/acme/ops/_git/fleet/commit/${b}`,
      `https://dev.azure.com/acme/ops/_git/fleet/branchCompare?baseVersion=GC${a}&targetVersion=GC${b}`
    ],
    [
      'https://acme.visualstudio.com/ops/_git/fleet',
      undefined,
      `https://acme.visualstudio.com/ops/_git/fleet/commit/${b}`,
      `https://acme.visualstudio.com/ops/_git/fleet/branchCompare?baseVersion=GC${a}&targetVersion=GC${b}`
    ]
  ]
  for (const [repository, host, commit, compare] of cases) {
    const links = linksOf([{ repository, ...(host && { host }) }])
    const found = links.of(event('web'), `main@sha1:${previousSha}`)
    t.strictSame(found, { commit, previous: { text: 'main@731f7ea', url: compare } }, repository)
  }
})

t.test('configured links win over guessed ones', async (t) => {
  const links = linksOf([
    { repository: 'https://github.com/acme/fleet', commit: 'https://x.example/{{ revision.sha }}' }
  ])
  const found = links.of(event('web'), `main@sha1:${previousSha}`)
  t.equal(found.commit, `https://x.example/${sha}`)
  t.equal(found.previous?.url, `https://github.com/acme/fleet/compare/${previousSha}...${sha}`)
})

t.test('no commit is guessed if the revision is not one', async (t) => {
  const links = linksOf([{ repository: 'https://github.com/acme/fleet' }])
  const digest = `latest@sha256:${'ab'.repeat(32)}`
  t.strictSame(links.of(event('web', { revision: digest }), ''), {}, 'an OCI artifact')
  t.strictSame(links.of(event('web', { revision: '6.5.4' }), '6.5.3'), { previous: { text: '6.5.3' } }, 'a chart')
  t.notOk(links.of(event('web'), digest).previous?.url, 'a change from an artifact to a commit')
  const source = { revision: digest, originRevision: `main@sha1:${sha}` }
  t.match(links.of(event('web', source), ''), { commit: /github/ }, 'an artifact that says which commit it was made of')
})

t.test('a host that cannot be guessed has to be configured', async (t) => {
  const { faults } = compileLinks([
    { repository: 'https://code.acme.dev/ops/fleet' },
    { repository: 'fleet' },
    { host: 'gitlab' }
  ])
  t.match(faults, [
    {
      path: ['links', 0, 'repository'],
      message: /^the name code.acme.dev does not show what it runs; add host: github, gitlab/
    },
    { path: ['links', 1, 'repository'], message: '"fleet" is not the address of a Git repository' },
    { path: ['links', 2, 'host'], message: /repository/ }
  ])
})
