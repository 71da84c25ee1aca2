// Preparation of tap: builds its Test class without the TypeScript plugin, so that Node strips the types. Otherwise the first
// run after `npm ci` fails, because tap has already chosen its loader from the old list of plugins.
import { spawnSync } from 'node:child_process'
import '@tapjs/core' // first: @tapjs/test refers to it while it loads
import { signature } from '@tapjs/test'

if (signature.includes('@tapjs/typescript')) {
  process.exit(spawnSync('tap', ['build'], { stdio: 'inherit' }).status ?? 1)
}
