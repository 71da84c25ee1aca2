// Late tests: tap ends a file as soon as it has a teardown and, for a moment, no test. It only reports a later test on stderr,
// and the file would pass without it.
import t from 'tap'

process.on('exit', () => {
  if (t.results?.ok === false) process.exitCode ||= 1
})
