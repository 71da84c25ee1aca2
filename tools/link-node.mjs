// Link of Node: restores `node_modules/.bin/node` after npm removed it, so that scripts run on the project's own Node. npm 10,
// which comes with Node 20 and 22, deletes the commands of packages for other machines, and all of these share one name.
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const link = join(root, 'node_modules', '.bin', 'node')
const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'runtime', 'package.json'), 'utf8'))
const installed = Object.keys(optionalDependencies).find((name) =>
  existsSync(join(root, 'node_modules', name, 'bin', 'node'))
)

if (installed !== undefined && !existsSync(link)) {
  mkdirSync(join(link, '..'), { recursive: true })
  // Removes a dangling link.
  rmSync(link, { force: true })
  symlinkSync(join('..', installed, 'bin', 'node'), link)
}
