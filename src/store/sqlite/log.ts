// Write-ahead log: is on disk before anything is acknowledged, and moved into the database's file when long; the main
// thread waits for neither. In: commits. Out: the moment when they are safe.
import { closeSync, fdatasync, openSync } from 'node:fs'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { RelayError } from '../../errors.ts'
import type { Database } from './file.ts'

/** How many pages of 4 KiB the log may have before they are moved: what is read again at a start after a crash. */
const longPages = 4000
/** How often its length is asked for, which takes as long as to write an event: a commit has some dozens of pages. */
const flushesToLook = 8

export interface Log {
  /** Resolves once everything that was committed before the call is on disk, through a power cut too. */
  flushed(): Promise<void>
  close(): Promise<void>
}

/** The log of `db`, whose commits reach the operating system but not yet the disk. */
export function openLog(db: Database): Log {
  const sync = promisify(fdatasync)
  let descriptor: number | undefined
  let underWay: Promise<void> | undefined
  /** Begins when the one under way has ended, which may have begun before the last commit. */
  let coming: Promise<void> | undefined
  let mover: Worker | undefined
  let isMoving = false
  let longEnough = longPages
  let flushes = 0

  function begin(): Promise<void> {
    coming = undefined
    underWay = flush().finally(() => {
      underWay = undefined
    })
    return underWay
  }

  async function flush(): Promise<void> {
    try {
      // Held open, because opening and closing costs as much as the rest. SQLite keeps the file as long as it is in use.
      descriptor ??= openSync(`${db.file}-wal`, 'r+')
      await sync(descriptor)
    } catch (cause) {
      const failure = new RelayError(
        'CANNOT_STORE',
        `the disk did not keep what was written: ${(cause as Error).message}`
      )
      // After a failed fsync the kernel forgets what it could not write and answers the next one with yes (PostgreSQL
      // learnt that in 2018): only reading the file anew says what it has, so the relay ends and is started again.
      setImmediate(() => {
        throw failure
      })
      throw failure
    }
    flushes += 1
    if (!isMoving && flushes % flushesToLook === 0 && db.logPages() >= longEnough) move()
  }

  /** Most of it on another thread, while commits go on; what came meanwhile here, so that the log begins anew. */
  function move(): void {
    isMoving = true
    mover ??= new Worker(new URL('./checkpoint.js', import.meta.url), { workerData: db.file })
      .on('message', () => {
        db.moveLog()
        isMoving = false
        longEnough = longPages
      })
      .on('error', () => {
        // Without space it cannot be moved. The log goes on growing, or commits fail and say why.
        mover = undefined
        isMoving = false
        longEnough = db.logPages() + longPages
      })
    mover.unref()
    mover.postMessage('move')
  }

  return {
    flushed() {
      if (underWay === undefined) return begin()
      coming ??= underWay.then(begin, begin)
      return coming
    },
    async close() {
      await mover?.terminate()
      // Whoever writes meanwhile, such as a config file that is being read, is waited for too: of a closed file the disk would
      // say that it kept nothing, which ends the process.
      for (let flush = coming ?? underWay; flush !== undefined; flush = coming ?? underWay) await flush.catch(() => {})
      if (descriptor !== undefined) closeSync(descriptor)
      descriptor = undefined
    }
  }
}
