// Memory: keeps the collector's work small, and gives back what a quiet relay does not need. V8 collects only when it needs room,
// so what a start or a storm took would stay for as long as little happens.
import { performance } from 'node:perf_hooks'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'

/** Below this utilization the process counts as idle: nobody should notice the tenth of a second that a collection takes. */
const quietUtilization = 0.05
/** The growth that makes a collection worth it. */
const minBytes = 16 * 1024 * 1024

/** Looks at intervals as long as the process lives, which it does not keep alive. */
export function keepMemoryLow(lookEveryMs = 5000): void {
  // V8 lets what comes from some place in the code be born old once earlier objects from there have outlived some collections, with all
  // that they hold. A list of listeners holds its request: with many connections, each would live until the next full collection. The
  // flag is set only here, because under it V8 does not take the compiled code that Node brings.
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

/** The bytes taken, as V8 counts them: the system's own number is in a file, which cannot be opened when too many are open. */
function bytesTaken(): number {
  const { total_physical_size: heap, external_memory: buffers } = getHeapStatistics()
  return heap + buffers
}

/** Collects all that can be collected, which also gives empty pages of the young generation back; `gc()` does not. */
async function collect(): Promise<void> {
  // Loaded only now: a start has better things to do.
  const { Session } = process.getBuiltinModule('node:inspector/promises')
  const session = new Session()
  session.connect()
  await session.post('HeapProfiler.collectGarbage').finally(() => session.disconnect())
}
