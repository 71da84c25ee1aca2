// The command: is found by npx, by links and by an old Node, says its version, completes itself, and speaks to people in words.
import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import t from 'tap'
import { run } from '../fixtures/process.ts'
import { about, startRelay, tempFolder } from '../fixtures/relay.ts'
import { runInTerminal } from '../fixtures/terminal.ts'

const root = join(import.meta.dirname, '..', '..')
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const onPath = (process.env['PATH'] ?? '').split(delimiter)

/** The major version of the `node` in a folder; undefined if none runs. */
const majorOf = (folder: string) => {
  const { stdout } = spawnSync(join(folder, 'node'), ['-p', 'process.versions.node'], { encoding: 'utf8' })
  return stdout ? Number.parseInt(stdout, 10) : undefined
}

t.test('npx runs it in a checkout, and prints nothing else', async (t) => {
  const { status, stdout, stderr } = spawnSync('npx', ['flux-relay', '--version'], { cwd: root, encoding: 'utf8' })
  t.strictSame({ status, stdout, stderr }, { status: 0, stdout: `${version}\n`, stderr: '' })
})

t.test('a link on the PATH runs it, even with a Node that is too old for it', async (t) => {
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

t.test('if an old npm removes the command of the Node that it installed, it is restored', async (t) => {
  const folder = tempFolder(t)
  const own = join(folder, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin')
  for (const each of [own, join(folder, 'tools'), join(folder, 'runtime'), join(folder, 'src')]) {
    mkdirSync(each, { recursive: true })
  }
  symlinkSync(process.execPath, join(own, 'node'))
  for (const file of ['tools/link-node.mjs', 'src/main.js', 'package.json']) {
    copyFileSync(join(root, file), join(folder, file))
  }
  const names = Object.keys(JSON.parse(readFileSync(join(root, 'runtime/package.json'), 'utf8')).optionalDependencies)
  t.ok(names.some((name) => name.endsWith(`-${process.platform}-${process.arch}`)))
  copyFileSync(join(root, 'runtime/package.json'), join(folder, 'runtime/package.json'))
  const old = onPath.find((each) => (majorOf(each) ?? 26) < 26)
  if (old === undefined) t.comment('there is no old Node on the PATH')
  else {
    const { stderr } = spawnSync(join(old, 'node'), ['src/main.js'], { cwd: folder, encoding: 'utf8' })
    t.match(stderr, /cli\.ts/, 'the program finds it without its command: what fails is what this folder does not have')
    t.notMatch(stderr, /needs Node/)
  }
  const link = join(folder, 'node_modules', '.bin', 'node')
  const { prepare } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')).scripts
  for (const before of ['nothing', 'a link to nowhere', 'one that works']) {
    if (before === 'a link to nowhere') {
      rmSync(link)
      symlinkSync('../nowhere', link)
    }
    const { status, stderr } = spawnSync('sh', ['-c', prepare], { cwd: folder, encoding: 'utf8' })
    t.match({ status, stderr }, { status: 0, stderr: '' }, before)
    t.equal(realpathSync(link), realpathSync(process.execPath), before)
  }
})

t.test('output that the reader of a pipe leaves unread is not an error', async (t) => {
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

t.test('at a terminal the relay says where it listens, which config it has, and how many warnings', async (t) => {
  const folder = tempFolder(t)
  const config = join(folder, 'config.yaml')
  const start = (text: string, env: Record<string, string> = {}) => {
    writeFileSync(config, text)
    let isOver = false
    return runInTerminal(['serve'], {
      env: {
        CONFIG_FILE: config,
        DATABASE_URL: `sqlite:${join(folder, 'relay.db')}`,
        HOST: '127.0.0.1',
        PORT: '0',
        NO_COLOR: '1',
        KEY: 'a-key-that-nobody-guesses-at-all',
        ...env
      },
      whenShown: ({ shown, interrupt }) => {
        if (isOver || !/Database .*\n\n/.test(shown())) return
        isOver = true
        interrupt()
      }
    })
  }
  const rest = 'destinations: { team: { preview: true } }\nrules: [{ name: failures, send: team }]'
  const closed = await start(`sources: { default: { hmacKeys: ["\${KEY}"] } }\n${rest}`)
  t.match(
    closed.shown,
    /^\nThe relay is up\. Ctrl-C stops it\.\n\n {2}Dashboard +http:\/\/localhost:\d+\/\?token=[\w-]{32}\n/
  )
  t.match(
    closed.shown,
    /Flux posts to +http:\/\/localhost:\d+\/webhook\n {2}Config +.*config\.yaml, with no warnings; /
  )
  t.match(closed.shown, /\n(\^C)?\d\d:\d\d:\d\d {2}stopping +signal=SIGINT\n$/)
  t.notMatch(closed.shown, /\{"level"/, 'no JSON')
  const open = await start(`sources: { default: {} }\n${rest}`, { ADMIN_OPEN_TO: 'loopback' })
  t.match(open.shown, /^\d\d:\d\d:\d\d {2}warning: .*config\.yaml:1: source "default" accepts events from anyone/)
  t.match(open.shown, /Dashboard +http:\/\/localhost:\d+\n[\s\S]*with 1 warning, above/)
  const own = await start(`sources: { default: { hmacKeys: ["\${KEY}"] } }\n${rest}`, {
    ADMIN_TOKEN: 'a-token-of-our-own'
  })
  t.match(own.shown, /Dashboard +http:\/\/localhost:\d+\n/)
  t.notMatch(own.shown, /a-token-of-our-own/)
})

t.test('completion knows every command, option and choice', async (t) => {
  const complete = async (line: string) => {
    const script = `source <('${process.execPath}' src/main.js completion bash)
      COMP_WORDS=(${line.replace(/ $/, " ''")}); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); COMPREPLY=()
      _flux_relay; printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout, stderr } = spawnSync('bash', ['-c', script], { cwd: root, encoding: 'utf8' })
    t.equal(stderr, '', line)
    return stdout.split('\n').filter(Boolean)
  }
  const expected: [string, string[]][] = [
    ['flux-relay st', ['status']],
    ['flux-relay un', ['unblock']],
    ['flux-relay silence ', ['add', 'list', 'expire', '-h', '--help']],
    ['flux-relay notifications --state ', ['pending', 'sent', 'muted', 'dead', 'discarded']],
    ['flux-relay notifications --destination team --state d', ['dead', 'discarded']],
    ['flux-relay status --w', ['--watch']],
    ['flux-relay completion f', ['fish']],
    ['flux-relay events --se', ['--severity', '--search']]
  ]
  for (const [line, words] of expected) t.strictSame(await complete(line), words, line)
  const help = (await run(['--help'])).out
  const commands = [...help.matchAll(/^ {2}([a-z]+)\b/gm)].map(([, name]) => name).filter((name) => name !== 'help')
  t.ok(commands.length > 20, `${commands.length}`)
  for (const shell of ['bash', 'zsh', 'fish']) {
    const { code, out } = await run(['completion', shell])
    t.equal(code, 0)
    for (const command of commands) t.match(out, new RegExp(`\\b${command}\\b`), `${shell}: ${command}`)
  }
  t.match(await run(['completion', 'tcsh']), { code: 2, err: /Allowed choices are bash, zsh, fish/ })
})

t.test('a menu of commands describes each in a complete sentence', async (t) => {
  const { out } = await run(['completion', 'fish'])
  const about = new Map([...out.matchAll(/ -f -a (\w+) -d '([^']*)'/g)].map(([, name = '', text = '']) => [name, text]))
  t.equal(
    about.get('import'),
    'turn Alerts, Providers and Secrets of Flux into a config, and list what cannot be carried over'
  )
  t.equal(about.get('migrate'), 'move everything from an embedded database into an empty PostgreSQL')
})

const hasZsh = spawnSync('zsh', ['--version']).status === 0

t.test('completion works in a zsh that has loaded nothing yet', { skip: !hasZsh && 'zsh is not here' }, async (t) => {
  const script = `source <('${process.execPath}' src/main.js completion zsh) && print -r -- $_comps[flux-relay]`
  const { stdout, stderr } = spawnSync('zsh', ['-f', '-c', script], { cwd: root, encoding: 'utf8' })
  t.equal(stderr, '')
  t.match(stdout, /_flux_relay\n$/)
})

t.test('an address, a folder or nothing at all in place of something else is explained in a sentence', async (t) => {
  const folder = tempFolder(t)
  for (const [args, said] of [
    [['status', '--url', 'ftp://relay'], /^--url must be of the form/],
    [['send', 'relay:8080', 'package.json'], /^the relay's address must be of the form/],
    [['send', 'http://127.0.0.1:1/webhook', folder], /^there is no \.json file in /],
    [['check', folder], /is a directory: name the file in it$/m]
  ] as const) {
    const { status, stdout, stderr } = spawnSync('node', ['src/main.js', ...args], { cwd: root, encoding: 'utf8' })
    t.match({ status, stdout, stderr }, { status: 2, stdout: '', stderr: said }, args.join(' '))
    t.equal(stderr.trim().split('\n').length, 1)
  }
})

t.test('a reader may close the pipe early, and the exit code stays', async (t) => {
  const command = '(node src/main.js import test/fixtures/import/tutorial.yaml 2>&1 >/dev/null; echo $? >&3) | true'
  const { output } = spawnSync('bash', ['-c', command], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe', 'pipe']
  })
  t.equal(output[3], '0\n')
})

t.test('`status` does not call what only waits failing', async (t) => {
  const relay = await startRelay(t)
  const headline = async () => (await run(['status'], { RELAY_URL: relay.url })).out.split('\n', 1)[0]
  const waits = {
    severity: 'info',
    reason: 'DependencyNotReady',
    message: "dependency 'apps/db' is not ready"
  } as const
  await relay.post(about('shop', waits))
  t.match(await headline(), /^1 warning · (\d waiting · )?1 source active/)
  await relay.post(about('cart', waits))
  t.match(await headline(), /^2 warnings · (\d waiting · )?1 source active/)
  await relay.post(about('db'))
  t.match(await headline(), /^3 failing \(1 error, 2 warnings\) · /)
})
