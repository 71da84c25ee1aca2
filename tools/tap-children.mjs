// Children of tests: are started as users start them. Tap would load itself into every Node that a test starts, to know which
// files that reads, which nobody asks: it takes longer than most of these commands do.
import processOnSpawn from 'process-on-spawn'

processOnSpawn.removeAllListeners()
delete process.env.NODE_OPTIONS
