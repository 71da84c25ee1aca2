// `test`: checks by the tests in files that each event notifies the right destinations. For CI.
import { dirname, resolve } from 'node:path'
import { formatProblem, type Problem } from '../config/problem.ts'
import { runTest, type TestFailure } from '../rehearsal/run-test.ts'
import { loadTests } from '../rehearsal/tests-file.ts'
import { loadConfigFile } from './config-file.ts'
import { print, printError } from './output.ts'
import { readTextFile } from './text-file.ts'

interface Result {
  file: string
  name: string
  failures: (Problem & Pick<TestFailure, 'because'>)[]
}

/** Runs the tests, and prints what failed. Returns the exit code: 1 if a test failed, 2 if a file is faulty. */
export function test(configFile: string, testFiles: string[], { json }: { json?: boolean }): number {
  const { config, problems } = loadConfigFile(configFile, { sends: false })
  const files = testFiles.map((file) => {
    const read = (path: string) => readTextFile(resolve(dirname(file), path))
    return { file, ...loadTests(readTextFile(file), file, { config, read }) }
  })
  const ofTests = files.flatMap(({ problems }) => problems)
  const errors = [...problems, ...ofTests].filter(({ isWarning }) => !isWarning)
  // Warnings about the config file are for `check` to print.
  const warnings = ofTests.filter(({ isWarning }) => isWarning)
  if (config === undefined || errors.length > 0) {
    if (json) print(json, { ok: false, problems: errors, tests: [] }, '')
    else printError(errors.map(formatProblem).join('\n'))
    return 2
  }
  if (!json && warnings.length > 0) printError(warnings.map(formatProblem).join('\n'))
  const results = files.flatMap(({ file, tests, problemAt }) =>
    tests.map((test): Result => {
      const failures = runTest(test, config)
      return {
        file,
        name: test.name,
        failures: failures.map(({ path, message, because }) => ({ ...problemAt(path, message), because }))
      }
    })
  )
  const ok = results.every(({ failures }) => failures.length === 0)
  print(json, forMachines(ok, warnings, results), inWords(results))
  return ok ? 0 : 1
}

function forMachines(ok: boolean, problems: readonly Problem[], results: readonly Result[]): object {
  const tests = results.map(({ file, name, failures }) => ({
    file,
    name,
    ok: failures.length === 0,
    failures: failures.map(({ line, column, message, because }) => ({ line, column, message, because }))
  }))
  return { ok, problems, tests }
}

function inWords(results: readonly Result[]): string {
  const failed = results.filter(({ failures }) => failures.length > 0)
  const count = `${results.length} ${results.length === 1 ? 'test' : 'tests'}`
  if (failed.length === 0) return `${count}, ${results.length === 1 ? 'it passes' : 'all pass'}`
  const details = failed.map(({ name, failures }) => {
    const lines = failures.map(({ because, ...problem }) =>
      [formatProblem(problem), ...because.map((line) => `      ${line}`)].join('\n')
    )
    return [`✘ ${name}`, ...lines, ''].join('\n')
  })
  return [...details, `${failed.length} of ${count} ${failed.length === 1 ? 'fails' : 'fail'}`].join('\n')
}
