// Benches and proofs: runs one by its name (`npm run bench NAME`) or `all`; lists them if the name does not exist.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..')

/** The programs of `folder` (`bench`, `proof`) by name, with their usage: files whose first line says how to run them. */
export function programsIn(folder: string): Map<string, string> {
  const files = readdirSync(join(root, folder)).filter((name) => name.endsWith('.ts'))
  return new Map(
    files.flatMap((file): [string, string][] => {
      const name = file.replace(/\.ts$/, '')
      const [first = ''] = readFileSync(join(root, folder, file), 'utf8').split('\n', 1)
      const begin = `// \`npm run ${folder} ${name}`
      return first.startsWith(begin) ? [[name, first.slice(begin.length).replace('`', '')]] : []
    })
  )
}

if (import.meta.main) {
  const [folder = '', name = '', ...options] = process.argv.slice(2)
  const programs = programsIn(folder)
  const chosen = name === 'all' ? [...programs.keys()] : programs.has(name) ? [name] : []
  if (chosen.length === 0) {
    const lines = [...programs].map(([name, use]) => `  ${name}${use}`)
    const wrong = name === '' ? '' : `there is no ${folder} "${name}"\n`
    process.stderr.write(
      `${wrong}npm run ${folder} NAME [-- OPTIONS], where NAME is "all" or one of\n${lines.join('\n')}\n`
    )
  }
  // The first failure ends the series.
  const failed = chosen.find((name) => {
    const args = [join(root, folder, `${name}.ts`), ...options]
    return spawnSync(process.execPath, args, { stdio: 'inherit' }).status !== 0
  })
  process.exitCode = chosen.length === 0 ? 2 : failed === undefined ? 0 : 1
}
