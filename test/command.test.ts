// The command: is found by npx, links and an old Node, and says its version.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import t from 'tap'
import { run } from './fixtures/process.ts'
import { tempFolder } from './fixtures/relay.ts'

const root = join(import.meta.dirname, '..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const onPath = (process.env['PATH'] ?? '').split(delimiter)

/** The version that runs as `node` from a folder; undefined where none does. */
const majorOf = (folder: string) => {
  const { stdout } = spawnSync(join(folder, 'node'), ['-p', 'process.versions.node'], { encoding: 'utf8' })
  return stdout ? Number.parseInt(stdout, 10) : undefined
}

t.test('npx runs it in a checkout, and says nothing else', async (t) => {
  const { status, stdout, stderr } = spawnSync('npx', ['flux-relay', '--version'], { cwd: root, encoding: 'utf8' })
  t.strictSame({ status, stdout, stderr }, { status: 0, stdout: `${version}\n`, stderr: '' })
})

t.test('a link on the PATH runs it, even by a Node that is too old for it', async (t) => {
  const folder = join(tempFolder(t), 'bin')
  mkdirSync(folder)
  const link = join(folder, 'flux-relay')
  symlinkSync(join(root, 'src', 'main.js'), link)
  const old = onPath.find((each) => (majorOf(each) ?? 26) < 26)
  if (old === undefined) t.comment('there is no old Node on the PATH')
  for (const PATH of [process.env['PATH'], `${old ?? ''}${delimiter}/usr/bin${delimiter}/bin`]) {
    const started = spawnSync(link, ['check', '/nowhere.yaml'], { encoding: 'utf8', env: { PATH } })
    t.match(started, { status: 2, stdout: '', stderr: /nowhere\.yaml/ }, 'with its exit code')
    const said = spawnSync(link, ['--version'], { encoding: 'utf8', env: { PATH } })
    t.match(said, { status: 0, stdout: `${version}\n`, stderr: '' })
  }
})

t.test('what a reader of a pipe leaves unread is no error', async (t) => {
  for (const args of ['--help', 'notifications --help']) {
    const { stderr } = spawnSync('bash', ['-c', `'${process.execPath}' src/main.js ${args} | true`], {
      cwd: root,
      encoding: 'utf8'
    })
    t.equal(stderr, '')
  }
})

t.test('it says its version', async (t) => {
  t.strictSame(await run(['--version']), { code: 0, out: `${version}\n`, err: '' })
})
