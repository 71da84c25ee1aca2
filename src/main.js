#!/usr/bin/env node
// The program begins here, in JavaScript. Node strips the types of what it reads before the cache is on at every start, which takes
// 110 ms and 20 MB. And an old Node, which reads no TypeScript, can hand over to the one that npm installed.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import module from 'node:module'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const oldest = 26
const modules = fileURLToPath(new URL('../node_modules', import.meta.url))
const program = process.platform === 'win32' ? 'node.exe' : 'node'
const machine = `${process.platform}-${process.arch}`
// The second and the third are where npm 10 leaves Node without a link (tools/link-node.mjs), if scripts are not allowed.
const installed = ['.bin', `node-${machine}/bin`, `node-bin-${machine}/bin`]
  .map((folder) => join(modules, folder, program))
  .find((path) => existsSync(path))

if (Number(process.versions.node.split('.', 1)[0]) >= oldest) {
  // Beside the packages, not in the shared temporary directory, where others could leave compiled code for us. If it cannot be written,
  // as in a read-only container, what is there is used.
  module.enableCompileCache(join(modules, '.cache', 'flux-relay'))
  await import('./cli.ts')
} else if (installed !== undefined) {
  // `npm link` makes a link that is run by whatever Node comes first on the PATH.
  const child = spawn(installed, process.argv.slice(1), { stdio: 'inherit' })
  // A terminal sends SIGINT to both processes. The other signals come to this one alone, and are meant for the relay.
  process.on('SIGINT', () => {})
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('exit', (code, signal) => {
    process.exitCode = signal === null ? code : 2
  })
} else {
  process.stderr.write(
    `flux-relay needs Node ${oldest} or newer; this is ${process.versions.node}.\n` +
      'In a checkout, `npm ci` installs one, which `npx flux-relay` and `npm start` use.\n'
  )
  process.exitCode = 2
}
