// `check`: lists every fault of a config file at once; with `--drill`, tries its destinations.
import type { Config, Loaded } from '../config/config.ts'
import { formatProblem } from '../config/problem.ts'
import type { DrillResult } from '../deliver/drill.ts'
import { loadConfigFile } from './config-file.ts'
import { print } from './output.ts'

/** Prints the problems. Resolves to the exit code. */
export async function check(file: string, options: { drill?: boolean; json?: boolean }): Promise<number> {
  const loaded = loadConfigFile(file)
  const { config, problems } = loaded
  const results = options.drill && config !== undefined ? await runDrill(config) : undefined
  const isOk = config !== undefined && (results ?? []).every(({ isTaken }) => isTaken)
  const lines = [...saying(file, loaded), ...(results ?? []).map(sayResult)]
  print(options.json, { ok: isOk, problems, ...(results && { drill: results }) }, lines.join('\n'))
  return isOk ? 0 : 1
}

function saying(file: string, { config, problems }: Loaded): string[] {
  const said = problems.map(formatProblem)
  if (config === undefined) {
    const errors = problems.filter(({ isWarning }) => !isWarning).length
    return [...said, errors === 1 ? '1 error' : `${errors} errors`]
  }
  const { rules, destinations, sources } = config
  const counts = `rules: ${rules.all.length}, destinations: ${destinations.size}, sources: ${sources.size}`
  return [...said, `${file} is fine (${counts})`]
}

async function runDrill({ destinations, apps }: Config): Promise<DrillResult[]> {
  // Loaded only here: a check without --drill has no use for an HTTP client.
  const [{ drill, drillButtons }, { createSlack }] = await Promise.all([
    import('../deliver/drill.ts'),
    import('../deliver/slack.ts')
  ])
  const slack = createSlack()
  try {
    const buttons = await drillButtons([...apps.values()], slack)
    return [...(await drill([...destinations.values()], slack, Date.now())), ...buttons]
  } finally {
    await slack.close()
  }
}

function sayResult({ destination, isTaken, answer, because, tried = 'took the test message' }: DrillResult): string {
  return isTaken ? `✔  ${destination}: ${tried} (${answer})` : `✘  ${destination}: ${answer}: ${because}`
}
