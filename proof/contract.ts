// `npm run proof contract -- [--examples 50] [--seed 1]`: the API keeps to what it says of itself.
// Schemathesis sends it requests that fit its OpenAPI document and others that do not. Needs Python with venv and pip; says so
// if they are missing.
import { execFileSync, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { beginRelay, freePort } from '../test/fixtures/process.ts'
import { about } from '../test/fixtures/relay.ts'
import { startSlack } from '../test/fixtures/slack.ts'

/** Fails early without a network. */
const installMs = 180_000
const runMs = 300_000
const release = 'schemathesis==4.32.5'
const token = 'let-me-in'

// All checks are on. Well-formed requests may still be refused for reasons that no document can express: an unknown name, a
// pattern that cannot be parsed, a silence that ends before it begins.
const settings = `
headers = { Authorization = "Bearer ${token}" }
[checks]
positive_data_acceptance.expected-statuses = ["2xx", 400, 401, 403, 404, "5xx"]
negative_data_rejection.expected-statuses = [400, 401, 403, 404, 405, 406, 409, 415, 422, 428, 429, 431, "5xx"]
`

const { values } = parseArgs({
  options: { examples: { type: 'string', default: '50' }, seed: { type: 'string', default: '1' } }
})
const folder = mkdtempSync(join(tmpdir(), 'flux-relay-'))
try {
  const program = install()
  if (program === undefined) process.stdout.write('skipped: schemathesis cannot be installed here\n')
  else await prove(program)
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** Installs schemathesis into a virtual environment and returns its path; undefined if Python or its packages are unavailable. */
function install(): string | undefined {
  const bin = join(folder, 'venv', 'bin')
  try {
    const options = { stdio: 'ignore', timeout: installMs } as const
    execFileSync('python3', ['-m', 'venv', join(folder, 'venv')], options)
    execFileSync(join(bin, 'pip'), ['install', '--quiet', '--disable-pip-version-check', release], options)
    return join(bin, 'schemathesis')
  } catch {
    return undefined
  }
}

async function prove(program: string): Promise<void> {
  const slack = await startSlack({ perSecond: Number.POSITIVE_INFINITY, burst: Number.POSITIVE_INFINITY, latencyMs: 0 })
  // What the stand-in refuses for good becomes a dead letter.
  slack.behave('*', () => ({ status: 400, body: 'invalid_blocks' }))
  const config = `
destinations:
  local: { preview: true }
  team: { slack: { webhookUrl: "${slack.url()}" }, pace: { perSecond: 50, burst: 100 } }
rules: [{ name: all, match: { severity: info }, send: [local, team] }]
`
  writeFileSync(join(folder, 'config.yaml'), config)
  const port = await freePort()
  const { relay, listening } = beginRelay(folder, port, { through: ['env', `ADMIN_TOKEN=${token}`] })
  let log = ''
  relay.stdout?.on('data', (chunk) => {
    log += chunk
  })
  await listening
  const url = `http://127.0.0.1:${port}`
  await fill(url)
  writeFileSync(join(folder, 'schemathesis.toml'), settings)
  const run = spawnSync(
    program,
    ['run', `${url}/api/openapi.json`, '--max-examples', values.examples, '--seed', values.seed, '--no-color'],
    { cwd: folder, stdio: 'inherit', timeout: runMs }
  )
  const mistakes = log.split('\n').filter((line) => line.includes('request failed'))
  for (const line of mistakes) process.stdout.write(`${line}\n`)
  relay.kill('SIGKILL')
  await slack.close()
  process.exitCode = run.status === 0 && mistakes.length === 0 ? 0 : 1
}

/** Creates events, dead letters and silences for the requests to find. */
async function fill(url: string): Promise<void> {
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
    const { status } = await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })
    if (status >= 300) throw new Error(`${path} answers ${status}`)
  }
  for (let n = 0; n < 20; n++) await post('/webhook', about(`app-${n}`))
  for (let n = 0; n < 3; n++) await post('/api/silences', { match: { name: `quiet-${n}` }, for: '1h' })
}
