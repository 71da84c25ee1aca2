// `check`: everything that is wrong with a config file, at once.
import { readFileSync } from 'node:fs'
import { loadConfig } from '../config/config.ts'
import { formatProblem } from '../config/problem.ts'

/** Prints the problems; resolves to the exit code. */
export function check(file: string, { json }: { json?: boolean }): number {
  const { config, problems } = loadConfig(readFileSync(file, 'utf8'), file, process.env)
  if (json) {
    process.stdout.write(`${JSON.stringify({ ok: config !== undefined, problems }, null, 2)}\n`)
    return config === undefined ? 1 : 0
  }
  for (const problem of problems) process.stdout.write(`${formatProblem(problem)}\n`)
  if (config === undefined) {
    const errors = problems.filter(({ isWarning }) => !isWarning).length
    process.stdout.write(`${errors} ${errors === 1 ? 'error' : 'errors'}\n`)
    return 1
  }
  const { rules, destinations, sources } = config
  const counts = `rules: ${rules.all.length}, destinations: ${destinations.size}, sources: ${sources.size}`
  process.stdout.write(`${file} is fine (${counts})\n`)
  return 0
}
