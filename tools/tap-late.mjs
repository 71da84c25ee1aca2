// Tests that come too late: tap ends a file that has a teardown and, for a moment, no test; of a test after that it says on
// stderr that it cannot be, and the file passes without it.
import t from 'tap'

process.on('exit', () => {
  if (t.results?.ok === false) process.exitCode ||= 1
})
