// Worker: runs one target on its own thread.
import { parentPort, workerData } from 'node:worker_threads'
import { runTarget } from './run.ts'
import { targets } from './targets.ts'

const { name, cases, seed } = workerData as { name: string; cases: number; seed: number }
const target = targets.find((target) => target.name === name)
if (target === undefined) throw new Error(`there is no target ${name}`)
const progress = (done: number) => parentPort?.postMessage(done)
parentPort?.postMessage(await runTarget(target, { cases, seed, progress }))
