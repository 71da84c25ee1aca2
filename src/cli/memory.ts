// Memory: keeps the collector's work small, and gives back what a quiet relay does not need. V8 collects when it needs room,
// so that what a start or a storm took would stay for as long as little happens.
import { performance } from 'node:perf_hooks'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'

/** Below this the process counts as idle: nobody should notice the tenth of a second that it takes. */
const quietUtilization = 0.05
/** What is worth it. */
const minBytes = 16 * 1024 * 1024

/** Looks as long as the process lives, which it does not keep alive. */
export function keepMemoryLow(lookEveryMs = 5000): void {
  // V8 lets what comes from some place be born old once its objects have outlived some collections, with all that they hold: of a
  // request, a list of listeners, so that with many connections each lives until the next full collection. Not at the
  // start: what Node has of its own as compiled code is for V8 as it was.
  setFlagsFromString('--no-allocation-site-pretenuring')
  let known = 0
  let before = performance.eventLoopUtilization()
  const timer = setInterval(async () => {
    const now = performance.eventLoopUtilization()
    const { utilization } = performance.eventLoopUtilization(now, before)
    before = now
    if (utilization > quietUtilization || bytesTaken() < known + minBytes) return
    known = Number.POSITIVE_INFINITY
    await collect()
    known = bytesTaken()
  }, lookEveryMs)
  timer.unref()
}

/** By V8: the system's own number is in a file, which cannot be opened when too many are open. */
function bytesTaken(): number {
  const { total_physical_size: heap, external_memory: buffers } = getHeapStatistics()
  return heap + buffers
}

/** All that can be, which also gives empty pages of the young generation back; `gc()` does not. */
async function collect(): Promise<void> {
  // Not a moment earlier: a start has better things to do.
  const { Session } = process.getBuiltinModule('node:inspector/promises')
  const session = new Session()
  session.connect()
  await session.post('HeapProfiler.collectGarbage').finally(() => session.disconnect())
}
