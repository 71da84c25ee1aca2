// `verify`: checks that the contents of a database fit together.
import { RelayError } from '../errors.ts'
import type { Report } from '../store/verify/report.ts'
import { verify as look } from '../store/verify/verify.ts'

/** Says what it found; resolves to the exit code. A relay may be using the database meanwhile. */
export async function verify(url: string, { json }: { json?: boolean }): Promise<number> {
  let report: Report
  try {
    report = await look(url)
  } catch (error) {
    if (!(error instanceof RelayError)) throw error
    process.stdout.write(json ? `${JSON.stringify({ isSound: false, error: error.message })}\n` : `${error.message}\n`)
    return 1
  }
  const isSound = report.damage.length === 0 && report.findings.every(({ rows }) => rows === 0)
  process.stdout.write(json ? `${JSON.stringify({ isSound, ...report }, null, 2)}\n` : `${say(report, isSound)}\n`)
  return isSound ? 0 : 1
}

function say({ counts, findings, damage }: Report, isSound: boolean): string {
  const counted = Object.entries(counts).map(([name, rows]) => `${String(rows).padStart(9)} ${name}`)
  const looked = findings.map(({ check, rows, examples }) => {
    if (rows === 0) return `       ok ${check}`
    return `${String(rows).padStart(9)} against: ${check} (${examples.join(', ')}${rows > examples.length ? ' …' : ''})`
  })
  const pages = damage.map((line) => `   damage ${line}`)
  const end = isSound
    ? 'The database is sound.'
    : damage.length > 0
      ? 'The database is damaged: stop the relay, keep the file, and restore the latest backup.'
      : 'The database does not fit together: please report this, with the output above.'
  return [...counted, ...looked, ...pages, end].join('\n')
}
