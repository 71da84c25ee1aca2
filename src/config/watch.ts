// The config file, read again when it changes: built, checked, then swapped whole. A bad file keeps the last good one.
import { readFileSync, unwatchFile, watchFile } from 'node:fs'
import type { Logger } from 'pino'
import { RelayError } from '../errors.ts'
import type { Metrics } from '../metrics.ts'
import { type Config, type Loaded, loadConfig } from './config.ts'
import { formatProblem } from './problem.ts'

export interface ConfigWatch {
  current(): Config
  /** Reads the file again. Nothing changes unless all of it is right. */
  reload(): void
  /** `changed` is called after each swap. */
  start(changed: () => Promise<void>): void
  stop(): void
}

/** How soon a change is seen. Polled: a ConfigMap changes by a swapped symbolic link, which no notification follows. */
const lookEveryMs = 1000

/** Reads `file`. Throws BAD_CONFIG with every fault where the first reading fails: then there is nothing to go on with. */
export function watchConfig(
  file: string,
  environment: Record<string, string | undefined>,
  { log, metrics }: { log: Logger; metrics: Pick<Metrics, 'configReloads'> }
): ConfigWatch {
  const first = read(file, environment)
  if (first.config === undefined) throw new RelayError('BAD_CONFIG', first.problems.map(formatProblem).join('\n'))
  warn(first)
  let config = first.config
  let changed = async () => {}

  function warn({ problems }: Loaded): void {
    for (const { line, message, isWarning } of problems) {
      if (isWarning) log.warn({ file, line }, message)
      else log.error({ file, line }, message)
    }
  }

  function reload(): void {
    let loaded: Loaded
    try {
      loaded = read(file, environment)
    } catch (error) {
      loaded = { config: undefined, problems: [] }
      log.error({ file }, (error as Error).message)
    }
    warn(loaded)
    metrics.configReloads.succeeded(loaded.config !== undefined)
    if (loaded.config === undefined) {
      log.error({ file }, 'the config file is not right; the last good one stays')
      return
    }
    config = loaded.config
    log.info({ file, rules: config.rules.all.length }, 'config reloaded')
    changed().catch((error: unknown) =>
      log.error({ err: error }, 'the new config is in use, but not all of it took effect')
    )
  }

  return {
    current: () => config,
    reload,
    start(whenChanged) {
      changed = whenChanged
      watchFile(file, { interval: lookEveryMs, persistent: false }, (now, before) => {
        // Gone for a moment, as between the two halves of a swap: there is nothing to read yet.
        if (now.mtimeMs !== 0 && (now.mtimeMs !== before.mtimeMs || now.ino !== before.ino)) reload()
      })
    },
    stop: () => unwatchFile(file)
  }
}

function read(file: string, environment: Record<string, string | undefined>): Loaded {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw new RelayError('BAD_CONFIG', `cannot read CONFIG_FILE ${file}: ${(error as NodeJS.ErrnoException).code}`)
  }
  return loadConfig(text, file, environment)
}
