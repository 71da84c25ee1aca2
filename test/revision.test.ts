// Revision: is parsed in every form Flux has used.
import t from 'tap'
import { parseRevision } from '../src/events/revision.ts'
import { anyCharacters, fc } from './fixtures/fc.ts'

const sha1 = '4f1d2c3b4a5968778695a4b3c2d1e0f102132435'
const sha256 = '8d969eef6ecad3c29a3a629280e686cf0c3f5d5a86aff3ca12020c923adc6c92'

type Row = readonly [what: string, text: string, pointer: string, sha: string, short: string]

const rows: readonly Row[] = [
  ['a branch', `main@sha1:${sha1}`, 'main', sha1, 'main@4f1d2c3'],
  ['a branch with slashes of its own', `feature/a/b@sha1:${sha1}`, 'feature/a/b', sha1, 'feature/a/b@4f1d2c3'],
  ['a branch with an at sign', `fix@home@sha1:${sha1}`, 'fix@home', sha1, 'fix@home@4f1d2c3'],
  ['a branch that looks like a commit', `deadbeef@sha1:${sha1}`, 'deadbeef', sha1, 'deadbeef@4f1d2c3'],
  ['a tag', `v1.2.3@sha1:${sha1}`, 'v1.2.3', sha1, 'v1.2.3@4f1d2c3'],
  ['a pull request', `refs/pull/420/head@sha1:${sha1}`, 'refs/pull/420/head', sha1, 'refs/pull/420/head@4f1d2c3'],
  ['a branch by its full ref', `refs/heads/dev/x@sha1:${sha1}`, 'refs/heads/dev/x', sha1, 'dev/x@4f1d2c3'],
  ['a tag by its full ref', `refs/tags/v1@sha1:${sha1}`, 'refs/tags/v1', sha1, 'v1@4f1d2c3'],
  ['a pinned commit', `sha1:${sha1}`, '', sha1, '4f1d2c3'],
  ['a repository with SHA-256 objects', `main@sha256:${sha256}`, 'main', sha256, 'main@8d969ee'],
  ['an OCI artifact', `latest@sha256:${sha256}`, 'latest', sha256, 'latest@8d969ee'],
  ['an OCI artifact with a version', `v6.5.0@sha256:${sha256}`, 'v6.5.0', sha256, 'v6.5.0@8d969ee'],
  ['a digest alone, of a Bucket or a Helm index', `sha256:${sha256}`, '', sha256, '8d969ee'],
  ['the version of a chart', '6.5.3', '6.5.3', '', '6.5.3'],
  ['a chart version with a build number', '0.1.3+2', '0.1.3+2', '', '0.1.3+2'],
  ['a chart version with a digest as build', '1.2.3+eb02f2ecb66c', '1.2.3+eb02f2ecb66c', '', '1.2.3+eb02f2ecb66c'],
  ['a chart prerelease', '2.0.0-rc.1', '2.0.0-rc.1', '', '2.0.0-rc.1'],
  ['a branch, before Flux 2.0', `main/${sha1}`, 'main', sha1, 'main@4f1d2c3'],
  ['a branch with slashes, before Flux 2.0', `a/b/${sha1}`, 'a/b', sha1, 'a/b@4f1d2c3'],
  ['a detached head, before Flux 2.0', `HEAD/${sha1}`, 'HEAD', sha1, 'HEAD@4f1d2c3'],
  ['a commit alone, before Flux 2.0', sha1, '', sha1, '4f1d2c3'],
  ['a short hash after a branch is part of its name', 'master/123456789', 'master/123456789', '', 'master/123456789'],
  ['a digest that is no digest', 'main@sha1:not-hex', 'main@sha1:not-hex', '', 'main@sha1:not-hex'],
  ['any other text', 'xyz', 'xyz', '', 'xyz'],
  ['an empty text', '', '', '', '']
]

for (const [what, text, pointer, sha, short] of rows) {
  t.test(`a revision is understood: ${what}`, async (t) => {
    t.strictSame(parseRevision(text), { text, pointer, sha, short })
  })
}

t.test('a branch of any name comes back whole, and no text is refused', async (t) => {
  fc.assert(
    fc.property(anyCharacters({ minLength: 1 }), (branch) => {
      const { pointer, sha } = parseRevision(`${branch}@sha1:${sha1}`)
      return pointer === branch && sha === sha1 && parseRevision(branch).text === branch
    })
  )
  t.pass()
})
