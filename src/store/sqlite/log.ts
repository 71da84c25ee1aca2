// Write-ahead log: gets it on disk before anything is acknowledged, and moves it into the database's file when it is long; neither
// blocks the main thread. In: commits. Out: the moment when they are safe.
import { closeSync, fdatasync, openSync } from 'node:fs'
import { promisify } from 'node:util'
import { Worker } from 'node:worker_threads'
import { RelayError } from '../../errors.ts'
import type { Database } from './file.ts'

/** Pages of 4 KiB that the log may have before they are moved: a start after a crash reads them again. */
const longPages = 4000
/** Flushes between two looks at the log's length, each of which takes as long as writing an event: a commit has some dozens of pages. */
const flushesToLook = 8

export interface Log {
  /** Resolves once everything that was committed before the call is on disk and survives a power cut. */
  flushed(): Promise<void>
  close(): Promise<void>
}

/** Opens the log of `db`, whose commits reach the operating system but not yet the disk. */
export function openLog(db: Database): Log {
  const sync = promisify(fdatasync)
  let descriptor: number | undefined
  let underWay: Promise<void> | undefined
  /** The flush that begins when the one under way has ended, which may have begun before the last commit. */
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
      // The file stays open, because opening and closing costs as much as the rest. SQLite keeps it as long as it is in use.
      descriptor ??= openSync(`${db.file}-wal`, 'r+')
      await sync(descriptor)
    } catch (cause) {
      const failure = new RelayError(
        'CANNOT_STORE',
        `the disk did not keep what was written: ${(cause as Error).message}`
      )
      // After a failed fsync the kernel forgets what it could not write, and the next fsync succeeds (PostgreSQL learnt that in 2018).
      // Only reading the file anew tells what it has, so the relay exits and is started again.
      setImmediate(() => {
        throw failure
      })
      throw failure
    }
    flushes += 1
    if (!isMoving && flushes % flushesToLook === 0 && db.logPages() >= longEnough) move()
  }

  /** Moves most of the log on another thread, while commits go on, and what came meanwhile on this one, so that the log begins anew. */
  function move(): void {
    isMoving = true
    mover ??= new Worker(new URL('./checkpoint.js', import.meta.url), { workerData: db.file })
      .on('message', () => {
        db.moveLog()
        isMoving = false
        longEnough = longPages
      })
      .on('error', () => {
        // Without space the log cannot be moved. It goes on growing, or commits fail and say why.
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
      // Waits for flushes that begin meanwhile, too, such as that of a config file being read: a flush of a closed file would fail,
      // which ends the process.
      for (let flush = coming ?? underWay; flush !== undefined; flush = coming ?? underWay) await flush.catch(() => {})
      if (descriptor !== undefined) closeSync(descriptor)
      descriptor = undefined
    }
  }
}
