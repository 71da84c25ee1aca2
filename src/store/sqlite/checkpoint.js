// Checkpoint thread: moves a long log into the database's file. Writing and syncing 16 MB takes a tenth of a second, in
// which the thread that does it answers nobody. In JavaScript: compiled code is kept for the main thread only, so that with types
// this one would load what takes them out, 17 MB.
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

const db = new DatabaseSync(workerData, { timeout: 5000 })
// What is moved is on disk before the log may be overwritten.
db.exec('pragma synchronous = full')

parentPort?.on('message', () => {
  // Several times: each takes what came during the one before, and what is left for the main thread should be some dozens of
  // pages of which the rest of the file is on disk: after two it waits 17 ms, after five 1 ms.
  for (let pass = 0; pass < 5; pass++) db.exec('pragma wal_checkpoint(passive)')
  parentPort?.postMessage('moved')
})
