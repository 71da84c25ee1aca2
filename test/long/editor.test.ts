// Editors: complete and check a config file, with a real YAML language server and no network.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t, { type Test } from 'tap'
import { createMessageConnection, type MessageConnection } from 'vscode-jsonrpc/node'

const root = join(import.meta.dirname, '..', '..')
// Not the server's command, which has no file extension; tap's hooks for child processes cannot handle that.
const server = join(root, 'node_modules', 'yaml-language-server', 'out', 'src', 'server.js')
const uri = pathToFileURL(join(root, 'config.yaml')).href

interface Diagnostic {
  message: string
  range: { start: { line: number; character: number } }
}

/** Opens `text` in an editor. `¦` in it marks the cursor. */
async function open(t: Test, text: string) {
  const child = spawn(process.execPath, [server, '--stdio'], { env: { PATH: process.env['PATH'] ?? '' } })
  const connection = createMessageConnection(child.stdout, child.stdin)
  const diagnostics = new Promise<Diagnostic[]>((resolve) => {
    connection.onNotification('textDocument/publishDiagnostics', (sent: { diagnostics: Diagnostic[] }) =>
      resolve(sent.diagnostics)
    )
  })
  const settings: Record<string, unknown> = {
    yaml: { completion: true, hover: true, validate: true, schemaStore: { enable: false } },
    http: {}
  }
  connection.onRequest('workspace/configuration', ({ items }: { items: { section: string }[] }) =>
    items.map(({ section }) => settings[section] ?? {})
  )
  connection.onRequest('client/registerCapability', () => null)
  connection.listen()
  const ended = once(child, 'exit')
  t.teardown(async () => {
    child.kill()
    await ended
    connection.dispose()
  })
  await connection.sendRequest('initialize', {
    processId: null,
    rootUri: pathToFileURL(root).href,
    capabilities: { workspace: { configuration: true }, textDocument: { completion: {}, hover: {} } }
  })
  await connection.sendNotification('initialized', {})
  const before = text.slice(0, text.indexOf('¦'))
  const position = { line: before.split('\n').length - 1, character: before.length - before.lastIndexOf('\n') - 1 }
  const textDocument = { uri, languageId: 'yaml', version: 1, text: text.replace('¦', '') }
  await connection.sendNotification('textDocument/didOpen', { textDocument })
  return { ask: (method: string) => ask(connection, method, position), diagnostics }
}

async function ask(connection: MessageConnection, method: string, position: object): Promise<unknown> {
  return connection.sendRequest(`textDocument/${method}`, { textDocument: { uri }, position })
}

const modeline = '# yaml-language-server: $schema=./config.schema.json\n'

const labelsOf = (answer: unknown) => (answer as { items: { label: string }[] }).items.map(({ label }) => label)

t.test('completion offers the severities', async (t) => {
  const { ask } = await open(t, `${modeline}rules:\n  - name: failures\n    match:\n      severity: ¦`)
  const labels = labelsOf(await ask('completion'))
  for (const severity of ['info', 'warn', 'error']) t.ok(labels.includes(severity), severity)
})

t.test('completion offers the options of a destination', async (t) => {
  const { ask } = await open(t, `${modeline}destinations:\n  team-a:\n    ¦`)
  t.strictSame(labelsOf(await ask('completion')).sort(), ['digest', 'pace', 'preview', 'slack'])
})

t.test('the purpose of an option is shown, with its examples', async (t) => {
  const { ask } = await open(t, `${modeline}rules:\n  - name: failures\n    remind¦Every: 4h\n    send: a`)
  const { contents } = (await ask('hover')) as { contents: { value: string } }
  t.match(contents.value, /Reminders.*How long a failure lasts before the first reminder.*`4h` by default.*never/s)
})

t.test('a typo is marked, and nothing else', async (t) => {
  const text = `${modeline}destinations: { a: { preview: true } }
rules:
  - { name: a, match: { severity: eror }, send: a }
  - { name: b, mentoin: "<!here>", send: a }
  - { name: c, remindEvery: 4 hours, send: a }
`
  const { diagnostics } = await open(t, text)
  t.match(
    (await diagnostics).map(({ message, range: { start } }) => `${start.line + 1}:${start.character + 1} ${message}`),
    [
      /^4:35 Value is not accepted\. Valid values: "info", "warn", "error"/,
      /^5:16 .*mentoin/,
      /^6:29 a number and s, m, h or d/
    ]
  )
})

t.test('nothing in the example is marked', async (t) => {
  const { diagnostics } = await open(t, readFileSync(join(root, 'config.example.yaml'), 'utf8'))
  t.strictSame(await diagnostics, [])
})
