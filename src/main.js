#!/usr/bin/env node
// The program begins here, in JavaScript: Node strips the types of what it reads before the cache is on at every start,
// which takes 110 ms and 20 MB, and an old Node, which reads no TypeScript, can say in words what it lacks.
import module from 'node:module'
import { join } from 'node:path'

const oldest = 26

if (Number(process.versions.node.split('.', 1)[0]) < oldest) {
  process.stderr.write(
    `flux-relay needs Node ${oldest} or newer; this is ${process.versions.node}.\n` +
      'In a checkout, `npm start` and `npm run relay -- <command>` use the one that npm installed.\n'
  )
  process.exit(2)
}

// Beside the packages, not in the shared temporary directory, where others could leave compiled code for us. Where it
// cannot be written, as in a read-only container, what is there is used.
module.enableCompileCache(join(import.meta.dirname, '..', 'node_modules', '.cache', 'flux-relay'))

await import('./cli.ts')
