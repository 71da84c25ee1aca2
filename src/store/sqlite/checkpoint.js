// Checkpoint thread: moves a long log into the database's file. Writing and syncing 16 MB takes a tenth of a second, in which the
// thread that does it answers nobody. It is JavaScript because compiled code is kept for the main thread only: with types, this
// thread would load what strips them, 17 MB.
import { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'

const db = new DatabaseSync(workerData, { timeout: 5000 })
// What is moved must be on disk before the log may be overwritten.
db.exec('pragma synchronous = full')

parentPort?.on('message', () => {
  // Each pass moves what came during the one before. Few pages should be left for the main thread, with the rest of the file on disk:
  // after two passes it waits for 17 ms, after five for 1 ms.
  for (let pass = 0; pass < 5; pass++) db.exec('pragma wal_checkpoint(passive)')
  parentPort?.postMessage('moved')
})
